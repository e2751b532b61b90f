//! What a worker knows of its outgoing topics.

use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;

use super::{
    allowed::Allowed,
    closed_topics::{ClosedTopics, Door},
    output::Output,
};
use crate::{
    route::Destination,
    ticket::{BadRecord, DeadLetterReason},
};

/// The outgoing topics: their names, what they take, and which take nothing at the moment.
pub(super) struct OutgoingTopics<'w> {
    names: &'w [String; Destination::ALL.len()],
    pub(super) allowed: Allowed,
    closed: ClosedTopics,
}

impl<'w> OutgoingTopics<'w> {
    pub(super) fn new(names: &'w [String; Destination::ALL.len()], allowed: Allowed) -> Self {
        Self { names, allowed, closed: ClosedTopics::default() }
    }

    pub(super) fn name(&self, destination: Destination) -> &'w str {
        &self.names[destination as usize]
    }

    pub(super) fn by_name(&self, name: &str) -> Option<Destination> {
        Destination::ALL.into_iter().find(|it| self.name(*it) == name)
    }

    /// Finds out whether a ticket may go to a topic now; `Err` if it must become a dead letter.
    pub(super) fn admit(
        &mut self,
        destination: Destination,
        has_key: bool,
        output: &Output,
        now: Duration,
    ) -> Result<(), BadRecord> {
        match self.closed.door(destination, now) {
            Door::Open => {}
            Door::Closed(why) => {
                let detail = format!("other tickets were refused a moment ago: {why}");
                return Err(DeadLetterReason::TopicClosed.with(detail));
            }
            Door::Ajar => {
                if let Some(code) = output.why_closed(self.name(destination)) {
                    return Err(DeadLetterReason::TopicClosed.with(self.close(destination, code, now)));
                }
            }
        }
        if !has_key && self.allowed.needs_key(destination) {
            let detail =
                format!("topic `{}` is compacted: it takes no record without a key", self.name(destination));
            return Err(DeadLetterReason::MissingRecordKey.with(detail));
        }
        Ok(())
    }

    /// Sends a topic no records for a while, and returns why.
    pub(super) fn close(
        &mut self,
        destination: Destination,
        code: RDKafkaErrorCode,
        now: Duration,
    ) -> String {
        let why = format!("topic `{}`: {code}", self.name(destination));
        self.close_for(destination, &why, now);
        why
    }

    /// Sends a topic no records for a while, unless it is closed already.
    pub(super) fn close_for(&mut self, destination: Destination, why: &str, now: Duration) {
        if matches!(self.closed.door(destination, now), Door::Closed(_)) {
            return;
        }
        tracing::warn!(
            code = "TOPIC_CLOSED",
            cause = why,
            "a topic takes no records: its tickets become dead letters"
        );
        self.closed.close(destination, why, now);
    }
}
