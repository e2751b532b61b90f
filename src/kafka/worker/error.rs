//! Why a worker ends.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{blame::Blame, machine::Failure};
use crate::kafka::{ffi::NativeError, offsets::LostOffset};

/// A worker that cannot go on. The process ends; started anew with the same transactional ids, it takes up where the last commit left off.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The input topic could not be subscribed to.
    #[error("could not subscribe to the input topic")]
    Subscribe(#[source] KafkaError),
    /// An output topic's name is refused by the client.
    #[error("topic `{name}` cannot be used: {code}")]
    Topic {
        /// The topic.
        name: String,
        /// The client's word.
        code: RDKafkaErrorCode,
    },
    /// The consumer is lost.
    #[error("the consumer failed for good")]
    Poll(#[source] KafkaError),
    /// Partitions could not be taken or given up.
    #[error("the consumer refused an assignment")]
    Assign(#[source] KafkaError),
    /// Where to start could not be found out.
    #[error("the committed offsets of `{topic}` could not be read within {waited_ms} ms")]
    Committed {
        /// The input topic.
        topic: String,
        /// How long it was tried.
        waited_ms: u128,
        /// The last error.
        #[source]
        error: KafkaError,
    },
    /// The committed offset is not in the log any more, or not yet.
    #[error("{0}")]
    LostOffset(LostOffset),
    /// The broker says that an offset is out of range, and looking it up gave no reason.
    #[error(
        "the broker has no record at the group's offset in `{0}`; compare the group's offsets with the topic's, set them by hand and start again"
    )]
    OffsetOutOfRange(String),
    /// A batch of the input cannot be unpacked.
    #[error(
        "a batch of records in `{topic}` cannot be unpacked: it is damaged, or larger than `receive.message.max.bytes`, which bounds the memory. It is at the position \
         of one of these partitions: {positions}. Raise that setting in `kafka.consumer`, or pass over the batch by hand (kafka-consumer-groups \
         --reset-offsets) while no copy runs"
    )]
    Unreadable {
        /// The input topic.
        topic: String,
        /// Each partition with the offset that comes next.
        positions: String,
    },
    /// The input could not be rewound after an abort.
    #[error("partition {partition} could not be rewound to offset {offset}")]
    Seek {
        /// The partition.
        partition: i32,
        /// Where to.
        offset: i64,
        /// Why not.
        #[source]
        error: KafkaError,
    },
    /// The brokers do not take the producer's epoch any more.
    #[error(
        "another process has taken over this worker's transactional id, or the brokers have given up its transaction, which was open for longer than \
         `worker.transaction.timeout_ms`: starting anew goes on after the last commit. If this happens again and again while the brokers are well, two copies \
         have the same transactional ids. Either two machines have the same name: give each its own `kafka.instance`. Or two copies on one host \
         do not see each other's lock files, since a folder is cleaned or each has its own: let both use one `kafka.state_dir` that nothing cleans. \
         Or two different routers share `kafka.transactional_id_prefix`: leave it unset"
    )]
    Fenced(#[source] NativeError),
    /// Transaction after transaction was aborted.
    #[error(
        "no transaction could be committed for half a minute, and a new producer did not help{}; the restart checks topics and rights, and says what is wrong",
        cause.as_ref().map_or_else(String::new, |it| format!(": {it}"))
    )]
    NoCommit {
        /// What librdkafka or the brokers said last.
        cause: Option<String>,
    },
    /// A producer could not be made.
    #[error("the producer could not be replaced")]
    Producer(#[source] KafkaError),
    /// A transaction call failed in a way that leaves no way on.
    #[error("`{call}` failed")]
    Transaction {
        /// The call.
        call: &'static str,
        /// What librdkafka says.
        #[source]
        error: NativeError,
    },
    /// The state of the transaction is unknown.
    #[error(
        "a transaction could not be brought to an end in time, its outcome is unknown: starting anew finds out"
    )]
    OutcomeUnknown(#[source] Option<NativeError>),
    /// Not even a dead letter can be written.
    #[error(
        "the dead letter of a record that cannot be routed was refused too ({0}): check the dead-letter topic, its limit and the rights"
    )]
    DeadLetterRefused(String),
}

impl WorkerError {
    /// The reason code, from a closed list.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Subscribe(_) | Self::Assign(_) => "ASSIGNMENT_REFUSED",
            Self::Topic { .. } => "TOPIC_REFUSED",
            Self::Poll(_) => "CONSUMER_LOST",
            Self::Committed { .. } => "OFFSETS_UNKNOWN",
            Self::LostOffset(_) | Self::OffsetOutOfRange(_) => "OFFSET_LOST",
            Self::Unreadable { .. } => "BATCH_UNREADABLE",
            Self::Seek { .. } => "SEEK_FAILED",
            Self::Fenced(_) => "FENCED",
            Self::NoCommit { .. } => "NO_COMMIT",
            Self::Producer(_) => "PRODUCER_REFUSED",
            Self::Transaction { .. } => "TRANSACTION_FAILED",
            Self::OutcomeUnknown(_) => "OUTCOME_UNKNOWN",
            Self::DeadLetterRefused(_) => "DEAD_LETTER_REFUSED",
        }
    }

    pub(super) fn stopped(failure: Failure, Blame { text, last_error, .. }: Blame) -> Self {
        match (failure, last_error) {
            (Failure::DeadLetterRefused, _) => Self::DeadLetterRefused(text),
            (Failure::OutcomeUnknown, error) => Self::OutcomeUnknown(error),
            (Failure::NoCommit, error) => {
                let error = error.map(|it| it.to_string());
                Self::NoCommit { cause: error.or(Some(text)).filter(|it| !it.is_empty()) }
            }
            (Failure::Fatal, Some(error)) if is_fenced(&error) => Self::Fenced(error),
            (Failure::Fatal, Some(error)) => Self::Transaction { call: "the transaction", error },
            (Failure::Fatal, None) => Self::OutcomeUnknown(None),
        }
    }
}

fn is_fenced(error: &NativeError) -> bool {
    matches!(
        error.code,
        RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch
    )
}
