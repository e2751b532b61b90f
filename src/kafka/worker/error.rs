//! Why a worker ends.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{blame::Blame, machine::Failure};
use crate::kafka::{error::is_fenced, ffi::NativeError, offsets::LostOffset};

/// Why a worker cannot continue. The process exits. Restarted with the same transactional ids, it continues
/// after the last commit.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The input topic could not be subscribed to.
    #[error("cannot subscribe to the input topic")]
    Subscribe(#[source] KafkaError),
    /// The client refuses an output topic's name.
    #[error("cannot use topic `{name}`: {code}")]
    Topic {
        /// The topic.
        name: String,
        /// The client's word.
        code: RDKafkaErrorCode,
    },
    /// The consumer is lost.
    #[error("the consumer cannot continue")]
    Poll(#[source] KafkaError),
    /// The consumer refused to take or give up partitions.
    #[error("the consumer refused an assignment")]
    Assign(#[source] KafkaError),
    /// The worker could not find out where to start.
    #[error("cannot read the committed offsets of `{topic}` within {waited_ms} ms")]
    Committed {
        /// The input topic.
        topic: String,
        /// How long the worker retried.
        waited_ms: u128,
        /// The last error.
        #[source]
        error: KafkaError,
    },
    /// The log no longer holds the committed offset, or not yet.
    #[error("{0}")]
    LostOffset(LostOffset),
    /// The broker says that an offset is out of range, and the offsets give no reason.
    #[error(
        "the broker has no record at the group's offset in `{0}`; compare the group's offsets with the topic's, correct them by hand and restart"
    )]
    OffsetOutOfRange(String),
    /// A batch of the input cannot be decompressed.
    #[error(
        "cannot decompress a batch of records in `{topic}`: it is damaged, or larger than `receive.message.max.bytes`, which bounds the memory. \
         It is at the position of one of these partitions: {positions}. Raise that setting in `kafka.consumer`, or skip the batch by hand \
         (kafka-consumer-groups --reset-offsets) while no copy runs"
    )]
    Unreadable {
        /// The input topic.
        topic: String,
        /// Each partition with the offset that comes next.
        positions: String,
    },
    /// The consumer could not rewind the input after an abort.
    #[error("cannot rewind partition {partition} to offset {offset}")]
    Seek {
        /// The partition.
        partition: i32,
        /// Where to.
        offset: i64,
        /// Why not.
        #[source]
        error: KafkaError,
    },
    /// The brokers no longer accept the producer's epoch.
    #[error(
        "another process took over this worker's transactional id, or the brokers aborted its transaction, which was open for longer than \
         `worker.transaction.timeout_ms`. A restart continues after the last commit. If this repeats while the brokers are well, two copies \
         have the same transactional ids. If two machines have the same name, give each its own `kafka.instance`. If two copies on one host \
         do not see each other's lock files, let both use one `kafka.state_dir` that nothing cleans. If two different routers share \
         `kafka.transactional_id_prefix`, unset it"
    )]
    Fenced(#[source] NativeError),
    /// The worker aborted one transaction after another.
    #[error(
        "the worker could not commit any transaction for half a minute, and a new producer did not help{}; the restart checks topics and rights, and reports what is wrong",
        cause.as_ref().map_or_else(String::new, |it| format!(": {it}"))
    )]
    NoCommit {
        /// What librdkafka or the brokers said last.
        cause: Option<String>,
    },
    /// A producer could not be made.
    #[error("cannot replace the producer")]
    Producer(#[source] KafkaError),
    /// A transaction call failed, and no other call can follow.
    #[error("`{call}` failed")]
    Transaction {
        /// The call.
        call: &'static str,
        /// What librdkafka says.
        #[source]
        error: NativeError,
    },
    /// The state of the transaction is unknown.
    #[error("a transaction did not end in time, and its outcome is unknown: a restart finds out")]
    OutcomeUnknown(#[source] Option<NativeError>),
    /// Not even a dead letter can be written.
    #[error(
        "the dead letter of a record that cannot be routed was refused too ({0}): check the dead-letter topic, its size limit and the rights"
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
