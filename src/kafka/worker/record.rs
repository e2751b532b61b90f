//! The way of one record, in the order in which ARCHITECTURE.md walks it: from what was polled to what the
//! producer was given.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use rdkafka::{
    error::RDKafkaErrorCode,
    message::{BorrowedMessage, Message},
};

use super::{
    Run,
    allowed::Allowed,
    fate::{Fate, Sent},
    incoming::{Incoming, Scanned, TraceHeaders},
    machine::{Handling, SendFault},
    observe::end_spans,
    open::Contents,
    outgoing::{DeadLetter, record_size, routed_headers},
    output::Output,
    stamp::Stamp,
};
use crate::{
    kafka::{
        error::{abort_cause, send_fault},
        ffi::{Headers, Outgoing},
    },
    route::{Destination, Router},
    telemetry::Traced,
    ticket::{BadRecord, DeadLetterReason},
};

/// A record that is ready to be sent.
struct Ready<'r> {
    fate: Fate,
    record: Outgoing<'r>,
    headers: Headers,
    /// Its size in a batch, in bytes.
    size: usize,
}

impl Run<'_> {
    /// Routes a record and sends what becomes of it, as a ticket or as a dead letter.
    pub(super) fn route(&mut self, message: &BorrowedMessage<'_>, handling: Handling) {
        let timing = self.timer.start();
        let headers = message.headers();
        let scanned = Scanned::of(headers);
        let mut traced = self.worker.tracer.as_ref().and_then(|it| it.begin(scanned.traceparent));
        let trace = traced.as_ref().map(|it| TraceHeaders::of(it, &scanned));
        let incoming = Incoming::new(message, headers, trace);
        let contents = &mut self.open().contents;
        contents.counts.read += 1;
        contents.delays.add(incoming.timestamp);

        let sent = match self.send_routed(&incoming, &scanned, handling, traced.as_mut()) {
            Ok(sent) => sent,
            Err(bad) => self.send_dead_letter(&incoming, &bad, traced.as_mut()),
        };

        let outcome = self.count(sent);
        if let Some(traced) = traced {
            end_spans(self.worker, self.open(), &traced, &incoming, sent);
        }
        if let Some(started) = timing {
            let reason = match sent.fate {
                Fate::DeadLetter(reason) => Some(reason),
                Fate::Owned(..) | Fate::Triage(..) => None,
            };
            self.worker.status.processed(started.elapsed(), reason);
        }
        self.machine.sent(outcome);
    }

    /// Decides who owns the ticket and sends it there; `Err` if the record must become a dead letter.
    fn send_routed(
        &mut self,
        incoming: &Incoming<'_>,
        scanned: &Scanned<'_>,
        handling: Handling,
        traced: Option<&mut Traced>,
    ) -> Result<Sent, BadRecord> {
        if handling == Handling::Poison {
            return Err(self.given_up());
        }
        let settings = &self.worker.settings;
        let max_headers = settings.limits.max_headers;
        if scanned.count > max_headers {
            let detail = format!("{} headers, limit is {max_headers}", scanned.count);
            return Err(DeadLetterReason::TooManyHeaders.with(detail));
        }

        let open = self.open.as_mut().expect("the machine orders to route only in a transaction");
        let routed = unless_panicked(|| {
            settings.faults.before_route(incoming.key);
            self.router.route(&open.snapshot, scanned.content_type, incoming.value)
        });
        let Some(routed) = routed else {
            // The panic may have left its scratch half written.
            self.router = Router::new(Arc::clone(&self.worker.policy), settings.limits, settings.output);
            let detail = "the router failed on this record; please report it with partition and offset, without its content";
            return Err(DeadLetterReason::RouterFailed.with(detail));
        };
        let routed = routed?;

        let destination = routed.destination;
        self.topics.admit(destination, incoming.key.is_some(), &self.output, self.clock.now())?;
        let stamp = self.topics.allowed.stamp(destination, incoming.timestamp, self.clock.wall_ms());
        let mut headers = routed_headers(incoming, scanned.count, &routed);
        stamp.add_to(&mut headers);
        let size = record_size(incoming.key, Some(routed.value), &headers);
        let limit = self.topics.allowed.max_record_bytes(destination);
        if size > limit {
            let topic = self.topics.name(destination);
            let detail = format!("the routed ticket takes {size} bytes, topic `{topic}` allows {limit}");
            return Err(DeadLetterReason::OutputTooLarge.with(detail));
        }

        let record = Outgoing { key: incoming.key, value: Some(routed.value), timestamp: stamp.timestamp };
        let ready = Ready { fate: Fate::of(&routed), record, headers, size };
        let sent = send(&self.output, &mut open.contents, &self.topics.allowed, ready, traced);
        if sent.error.is_none() {
            open.contents.counts.note(self.router.notes());
        }
        Ok(sent)
    }

    /// Why a record that made three transactions fail becomes a dead letter: its topic takes no records at
    /// all, or the record is to blame.
    fn given_up(&mut self) -> BadRecord {
        let text = self.blame.text.as_str();
        if let Some(destination) = self.blame.topic {
            self.topics.close_for(destination, text, self.clock.now());
            return DeadLetterReason::TopicClosed.with(text);
        }
        DeadLetterReason::Poison.with(format!("at least three transactions failed with this record: {text}"))
    }

    fn send_dead_letter(
        &mut self,
        incoming: &Incoming<'_>,
        bad: &BadRecord,
        traced: Option<&mut Traced>,
    ) -> Sent {
        let destination = Destination::DeadLetter;
        let allowed = &self.topics.allowed;
        let stamp = allowed.stamp(destination, incoming.timestamp, self.clock.wall_ms());
        let limit = allowed.max_record_bytes(destination).saturating_sub(Stamp::MAX_BYTES);
        let DeadLetter { key, value, mut headers, reason } = DeadLetter::new(incoming, bad, limit);
        stamp.add_to(&mut headers);
        let origin = (key.is_none() && allowed.needs_key(destination)).then(|| incoming.origin());
        let key = key.or(origin.as_deref().map(str::as_bytes));

        let size = record_size(key, value, &headers);
        let record = Outgoing { key, value, timestamp: stamp.timestamp };
        let ready = Ready { fate: Fate::DeadLetter(reason), record, headers, size };
        let open = self.open.as_mut().expect("the machine orders to route only in a transaction");
        send(&self.output, &mut open.contents, allowed, ready, traced)
    }

    /// Counts a record that was sent. If it was not, finds out whom to blame.
    fn count(&mut self, Sent { fate, error }: Sent) -> Result<(), SendFault> {
        let open = self.open.as_mut().expect("the machine orders to route only in a transaction");
        let destination = fate.destination();
        let Some(code) = error else {
            open.contents.counts.written[destination as usize] += 1;
            open.contents.counts.count(fate);
            return Ok(());
        };
        let fault = send_fault(code);
        tracing::warn!(
            code = "RECORD_NOT_SENT",
            error = %code,
            ?destination,
            "a record was not sent, the transaction will be aborted"
        );
        open.fail(abort_cause(code, fault));
        open.is_cause_unknown |= code == RDKafkaErrorCode::State;
        let text = format!("topic `{}`: {code}", self.topics.name(destination));
        self.blame.refused(text, code, Some(&*open));
        Err(fault)
    }
}

/// Gives a record to the producer.
fn send(
    output: &Output,
    contents: &mut Contents,
    allowed: &Allowed,
    Ready { fate, record, headers, size }: Ready<'_>,
    traced: Option<&mut Traced>,
) -> Sent {
    let destination = fate.destination();
    contents.use_topic(destination);
    if let Some(traced) = traced {
        traced.sending();
    }
    if contents.unsent.must_flush(destination, size, allowed) {
        output.send_queued();
    }
    Sent { fate, error: output.send(destination, &record, headers).err() }
}

/// Calls `work`; `None` if it panicked. What it has borrowed mutably must not be used again.
fn unless_panicked<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
