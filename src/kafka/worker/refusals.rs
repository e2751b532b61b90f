//! What a worker does when the broker or librdkafka gives a transaction up: it finds the topic or the record that is to blame.

use rdkafka::{error::RDKafkaErrorCode, producer::Producer};

use super::{
    ASK_TIMEOUT, Output, Run, WorkerError, closed,
    context::{Undelivered, is_teaching, send_fault},
    machine::SendFault,
};
use crate::{kafka::ffi, route::Destination};

impl Run<'_> {
    /// Remembers the topic of a refusal, where the open transaction has no other.
    pub(super) fn note_topic(&mut self, code: RDKafkaErrorCode) {
        let mut tried = Destination::ALL.into_iter().filter(|it| self.tried[*it as usize]);
        let only = tried.next().filter(|_| tried.next().is_none());
        self.refused_by = only.filter(|_| closed::closes(code));
    }

    /// Blames the open transaction's records for an error that librdkafka gave the transaction up for.
    pub(super) fn blame(&mut self, code: RDKafkaErrorCode) {
        self.is_cause_unknown = code == RDKafkaErrorCode::State;
        if is_teaching(code) {
            self.observed.refused();
            self.given_up_for = Some(code);
            return;
        }
        self.blame_records(code);
    }

    fn blame_records(&mut self, code: RDKafkaErrorCode) {
        if send_fault(code) != SendFault::Refused {
            return;
        }
        let names: Vec<_> = Destination::ALL
            .into_iter()
            .filter(|it| self.tried[*it as usize])
            .map(|it| format!("`{}`", self.worker.settings.outputs[it as usize]))
            .collect();
        let one_of = if names.len() == 1 { "topic" } else { "one of the topics" };
        self.observed.refused();
        self.undelivered = format!("{one_of} {}: {code}", names.join(", "));
        self.note_topic(code);
        self.machine.doom(SendFault::Refused);
    }

    /// Draws the lessons of the transaction that was aborted; `false` if there are none.
    ///
    /// A record is to blame only if its topic teaches nothing new.
    pub(super) fn learn(&mut self, failure: Option<Undelivered>) -> bool {
        let given_up_for = self.given_up_for.take();
        let refused = self.output.context().take_refused();
        if let (Some(code), true) = (given_up_for, refused.is_empty()) {
            self.blame_records(code);
        }
        let mut has_learnt = false;
        for mut refused in refused {
            // If several records of a batch are refused for their time, only the transaction's error says why.
            refused.for_time |=
                refused.is_invalid && given_up_for == Some(RDKafkaErrorCode::InvalidTimestamp);
            let outputs = &self.worker.settings.outputs;
            let destination = Destination::ALL.into_iter().find(|it| outputs[*it as usize] == refused.topic);
            let lesson = destination.and_then(|it| self.allowed.learn(it, &refused, self.clock.now()));
            if let Some(lesson) = lesson {
                has_learnt = true;
                let topic = refused.topic;
                tracing::warn!(code = "TOPIC_LIMIT", topic, "a topic has refused records: {lesson}");
            } else {
                if let Some(failure) = &failure {
                    self.undelivered.clone_from(&failure.text);
                    self.refused_by = None;
                }
                self.machine.doom(SendFault::Refused);
            }
        }
        has_learnt
    }

    /// Leaves a topic alone for a while, and says why.
    pub(super) fn close(&mut self, destination: Destination, code: RDKafkaErrorCode) -> String {
        let why = format!("topic `{}`: {code}", self.worker.settings.outputs[destination as usize]);
        tracing::warn!(
            code = "TOPIC_CLOSED",
            cause = why,
            "a topic takes no records: they become dead letters"
        );
        self.closed.close(destination, &why, self.clock.now());
        why
    }

    /// Looks whether a topic is to blame that records are not delivered in time: librdkafka waits for one that was deleted, and with it for all.
    pub(super) fn look_for_missing(&mut self) -> Result<bool, WorkerError> {
        let mut is_missing = false;
        for destination in Destination::ALL {
            let name = &self.worker.settings.outputs[destination as usize];
            if !self.tried[destination as usize] {
                continue;
            }
            let Some(code) = look_at(&self.output, name) else { continue };
            let why = self.close(destination, code);
            if destination == Destination::DeadLetter {
                return Err(WorkerError::DeadLetterRefused(why));
            }
            is_missing = true;
        }
        self.clock.read();
        Ok(is_missing)
    }

    /// Asks why librdkafka has given the transaction up: it tells so only in a call made after that. Nothing comes of the call itself, since the
    /// transaction is aborted next.
    pub(super) fn ask_for_cause(&mut self) {
        let member = self.member.as_ref().expect("a transaction begins with a membership");
        let input = &self.worker.settings.input;
        let asked = ffi::send_offsets(self.output.producer(), input, &self.began_with, member, ASK_TIMEOUT);
        if let Err(error) = asked {
            tracing::warn!(code = "TRANSACTION_GIVEN_UP", %error, "why the transaction was given up");
            self.blame(error.code);
        }
    }
}

/// Looks at a topic, and gives the error if it takes no records. Without this librdkafka learns only within ten seconds that a topic is there again.
pub(super) fn look_at(output: &Output, topic: &str) -> Option<RDKafkaErrorCode> {
    match output.producer().client().fetch_metadata(Some(topic), ASK_TIMEOUT) {
        Ok(metadata) => {
            let found = metadata.topics().iter().find(|it| it.name() == topic)?;
            found.error().map(RDKafkaErrorCode::from).filter(|code| closed::closes(*code))
        }
        Err(error) => {
            tracing::warn!(code = "TOPIC_UNKNOWN", %error, topic, "the topic cannot be looked at");
            None
        }
    }
}
