//! What lasts as long as a transaction.

use std::{sync::Arc, time::Duration};

use rdkafka::error::RDKafkaErrorCode;

use super::{abort_cause::AbortCause, allowed::Unsent, counts::Counts, delays::Delays, machine::Partition};
use crate::{catalog::Snapshot, kafka::ffi::GroupMetadata, route::Destination, telemetry::Batch};

/// An open transaction: made when it begins, dropped when it has been committed or aborted.
pub(super) struct Open {
    /// The membership in whose name its offsets go.
    pub(super) member: GroupMetadata,
    /// The catalog as it was when the transaction began.
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) began: Duration,
    /// When the worker first tried to end it.
    pub(super) ending: Option<Duration>,
    /// The offsets that were sent last.
    pub(super) offsets: Vec<(Partition, i64)>,
    pub(super) contents: Contents,
    /// Whether librdkafka has reported no error in it.
    pub(super) is_sound: bool,
    /// Whether librdkafka has given it up without saying why.
    pub(super) is_cause_unknown: bool,
    /// Why librdkafka has given it up, if the error says how the topic can be written to.
    pub(super) given_up_for: Option<RDKafkaErrorCode>,
    /// Why it must be aborted.
    abort_cause: Option<AbortCause>,
}

/// The records of a transaction.
pub(super) struct Contents {
    /// What was read and written.
    pub(super) counts: Counts,
    /// How late the records are.
    pub(super) delays: Delays,
    /// The traced ones.
    pub(super) traced: Batch,
    /// The topics that have any.
    is_used: [bool; Destination::ALL.len()],
    /// What the producer was given since it was last flushed.
    pub(super) unsent: Unsent,
}

impl Open {
    /// Makes a transaction without records. `rules` is the number of the policy's rules.
    pub(super) fn new(member: GroupMetadata, snapshot: Arc<Snapshot>, rules: usize, began: Duration) -> Self {
        Self {
            member,
            snapshot,
            began,
            ending: None,
            offsets: Vec::new(),
            contents: Contents {
                counts: Counts::new(rules),
                delays: Delays::default(),
                traced: Batch::default(),
                is_used: Default::default(),
                unsent: Unsent::default(),
            },
            is_sound: true,
            is_cause_unknown: false,
            given_up_for: None,
            abort_cause: None,
        }
    }

    /// Notes why it must be aborted: the first cause counts.
    pub(super) fn fail(&mut self, cause: AbortCause) {
        self.abort_cause.get_or_insert(cause);
    }

    /// Notes that a record or its topic was refused, whatever the cause seemed to be before.
    pub(super) fn refused(&mut self) {
        self.abort_cause = Some(AbortCause::Refused);
    }

    /// Why it was aborted.
    pub(super) fn abort_cause(&self) -> AbortCause {
        self.abort_cause.unwrap_or(AbortCause::Broker)
    }
}

impl Contents {
    /// Notes a record for this topic.
    pub(super) fn use_topic(&mut self, destination: Destination) {
        self.is_used[destination as usize] = true;
    }

    /// The topics that have records.
    pub(super) fn used_topics(&self) -> impl Iterator<Item = Destination> {
        Destination::ALL.into_iter().filter(|it| self.is_used[*it as usize])
    }

    /// The topic that all records are for, if there is one.
    pub(super) fn only_topic(&self) -> Option<Destination> {
        let mut used = self.used_topics();
        used.next().filter(|_| used.next().is_none())
    }
}
