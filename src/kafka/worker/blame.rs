//! What a worker does when the broker or librdkafka gives a transaction up: it finds the topic or the record
//! that is to blame.

use rdkafka::error::RDKafkaErrorCode;

use super::{ASK_TIMEOUT, Run, WorkerError, context::Undelivered, machine::SendFault, open::Open};
use crate::{
    kafka::{
        error::{abort_cause, closes_topic, is_teaching, send_fault},
        ffi::{self, NativeError},
    },
    repeats::Repeats,
    route::Destination,
};

static UNDELIVERED: Repeats = Repeats::new();

/// Whom to blame for what failed last. It outlasts the transaction: its records come again.
#[derive(Debug, Default)]
pub(super) struct Blame {
    /// Topic and error of the last refusal, for the dead letter of the record that caused it.
    pub(super) text: String,
    /// The topic of that refusal, if it takes no records at all.
    pub(super) topic: Option<Destination>,
    /// The last error of a transaction call.
    pub(super) last_error: Option<NativeError>,
}

impl Blame {
    /// Takes a refusal. The topic is to blame if the error is about a topic, and the transaction has records
    /// for no other.
    pub(super) fn refused(&mut self, text: String, code: RDKafkaErrorCode, open: Option<&Open>) {
        self.text = text;
        self.topic = open.and_then(|it| it.contents.only_topic()).filter(|_| closes_topic(code));
    }

    /// What to tell about the last failure.
    pub(super) fn cause(&self) -> String {
        self.last_error.as_ref().map_or_else(|| self.text.clone(), ToString::to_string)
    }
}

impl Run<'_> {
    /// Dooms the open transaction if one of its records was not delivered; `true` if so.
    pub(super) fn look_for_undelivered(&mut self) -> bool {
        let Some(Undelivered { fault, code, text }) = self.output.context().take_failure() else {
            return false;
        };
        if let Some(left_out) = UNDELIVERED.admit() {
            tracing::warn!(
                code = "RECORD_NOT_DELIVERED",
                cause = text,
                left_out,
                "a record was not delivered, the transaction will be aborted"
            );
        }
        if let Some(open) = &mut self.open {
            open.is_sound = false;
            open.fail(abort_cause(code, fault));
        }
        self.blame.refused(text, code, self.open.as_ref());
        self.machine.doom(fault);
        true
    }

    /// Blames the open transaction's records for an error that librdkafka gave the transaction up for.
    pub(super) fn blame(&mut self, code: RDKafkaErrorCode) {
        let Some(open) = &mut self.open else { return };
        open.is_cause_unknown = code == RDKafkaErrorCode::State;
        if is_teaching(code) {
            open.refused();
            open.given_up_for = Some(code);
        } else {
            self.blame_records(code);
        }
    }

    fn blame_records(&mut self, code: RDKafkaErrorCode) {
        let Some(open) = &mut self.open else { return };
        if send_fault(code) != SendFault::Refused {
            return;
        }
        open.refused();
        let names: Vec<_> =
            open.contents.used_topics().map(|it| format!("`{}`", self.topics.name(it))).collect();
        let one_of = if names.len() == 1 { "topic" } else { "one of the topics" };
        let text = format!("{one_of} {}: {code}", names.join(", "));
        self.blame.refused(text, code, Some(&*open));
        self.machine.doom(SendFault::Refused);
    }

    /// Draws the lessons of the transaction that was aborted; `false` if there are none.
    ///
    /// A record is to blame only if its topic teaches nothing new.
    pub(super) fn learn(&mut self, failure: Option<&Undelivered>) -> bool {
        let given_up_for = self.open().given_up_for;
        let refused = self.output.context().take_refused();
        if let (Some(code), true) = (given_up_for, refused.is_empty()) {
            self.blame_records(code);
        }
        let mut has_learnt = false;
        for mut refused in refused {
            // If several records of a batch are refused for their time, only the transaction's error says why.
            refused.for_time |=
                refused.is_invalid && given_up_for == Some(RDKafkaErrorCode::InvalidTimestamp);
            let destination = self.topics.by_name(&refused.topic);
            let now = self.clock.now();
            let lesson = destination.and_then(|it| self.topics.allowed.learn(it, &refused, now));
            if let Some(lesson) = lesson {
                has_learnt = true;
                let topic = refused.topic;
                tracing::warn!(code = "TOPIC_LIMIT", topic, "a topic has refused records: {lesson}");
            } else {
                if let Some(failure) = failure {
                    self.blame.refused(failure.text.clone(), failure.code, self.open.as_ref());
                }
                self.machine.doom(SendFault::Refused);
            }
        }
        has_learnt
    }

    /// Checks whether a deleted topic is what delays delivery: librdkafka holds all records back while it
    /// waits for that topic.
    pub(super) fn look_for_missing(&mut self) -> Result<bool, WorkerError> {
        let mut is_missing = false;
        let used: Vec<_> = self.open().contents.used_topics().collect();
        for destination in used {
            let Some(code) = self.output.why_closed(self.topics.name(destination)) else { continue };
            let why = self.topics.close(destination, code, self.clock.now());
            if destination == Destination::DeadLetter {
                return Err(WorkerError::DeadLetterRefused(why));
            }
            is_missing = true;
        }
        self.clock.read();
        Ok(is_missing)
    }

    /// Finds out why librdkafka failed the transaction. It reports the reason only on the next transactional call.
    /// The call has no effect, because an abort follows.
    pub(super) fn ask_for_cause(&mut self) {
        let (worker, open) = (self.worker, self.open.as_ref().expect("only an open transaction is aborted"));
        let asked = ffi::send_offsets(
            self.output.producer(),
            &worker.settings.input,
            &open.offsets,
            &open.member,
            ASK_TIMEOUT,
        );
        if let Err(error) = asked {
            tracing::warn!(code = "TRANSACTION_GIVEN_UP", %error, "librdkafka failed the transaction, and this is why");
            self.blame(error.code);
        }
    }
}
