//! One record, from what was polled to what is sent.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    error::RDKafkaErrorCode,
    message::{BorrowedMessage, Message},
};

use super::{
    Output, Run, Worker,
    closed::Door,
    context::send_fault,
    counts::Became,
    machine::{Handling, SendFault},
    observe::cause_of,
    outgoing::{DeadLetter, Incoming, Scanned, record_size, routed_headers},
    refusals::look_at,
    stamp::Stamp,
};
use crate::{
    kafka::ffi::{Headers, Outgoing},
    route::{Destination, Router},
    ticket::{BadRecord, DeadLetterReason},
};

/// The pause when librdkafka's queue is full: a shorter one costs twice the CPU for the same throughput.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(10);

impl Run<'_> {
    pub(super) fn route_message(
        &mut self,
        message: &BorrowedMessage<'_>,
        handling: Handling,
    ) -> Result<(), SendFault> {
        let settings = &self.worker.settings;
        let incoming = Incoming {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key(),
            value: message.payload(),
            timestamp: message.timestamp().to_millis(),
            headers: message.headers(),
            trace: None,
        };
        let scanned = incoming.scan_headers();
        let Scanned { content_type, count: header_count, .. } = scanned;
        let incoming = incoming.traced(self.begin_trace(&scanned));

        if handling == Handling::Poison {
            let bad = self.given_up();
            return self.dead_letter(&incoming, &bad);
        }
        if header_count > settings.limits.max_headers {
            return self.dead_letter(
                &incoming,
                &BadRecord {
                    reason: DeadLetterReason::TooManyHeaders,
                    detail: format!("{header_count} headers, limit is {}", settings.limits.max_headers),
                },
            );
        }
        let faults = &settings.faults;
        let (router, snapshot) = (&mut self.router, &*self.snapshot);
        let routed = unless_panicked(|| {
            faults.before_route(incoming.key);
            router.route(snapshot, content_type, incoming.value)
        });
        let bad = match routed {
            Some(Ok(routed)) => {
                let destination = routed.destination;
                let stamp = self.allowed.stamp(destination, incoming.timestamp, self.clock.wall_ms());
                let mut headers = routed_headers(&incoming, header_count, &routed);
                stamp.add_to(&mut headers);
                let size = record_size(incoming.key, Some(routed.value), &headers);
                let limit = self.allowed.max_record_bytes(destination);
                let door = self.closed.door(destination, self.clock.now());
                if let Door::Closed(why) = door {
                    let detail = format!("other tickets were refused a moment ago: {why}");
                    return self.dead_letter(&incoming, &DeadLetterReason::TopicClosed.with(detail));
                }
                if door == Door::Ajar
                    && let Some(code) = look_at(&self.output, &settings.outputs[destination as usize])
                {
                    let detail = self.close(destination, code);
                    return self.dead_letter(&incoming, &DeadLetterReason::TopicClosed.with(detail));
                }
                if incoming.key.is_none() && self.allowed.needs_key(destination) {
                    let topic = &settings.outputs[destination as usize];
                    let detail = format!("topic `{topic}` is compacted: it takes no record without a key");
                    return self.dead_letter(&incoming, &DeadLetterReason::MissingRecordKey.with(detail));
                }
                if size <= limit {
                    self.tried[destination as usize] = true;
                    let record =
                        Outgoing { key: incoming.key, value: Some(routed.value), timestamp: stamp.timestamp };
                    let became = Became::of(&routed);
                    self.observed.sending();
                    if self.allowed.must_flush(destination, size) {
                        send_unsent(self.worker, &self.output);
                    }
                    let sent = send(self.worker, &self.output, destination, &record, headers);
                    if sent.is_ok() {
                        self.observed.notes(self.router.notes());
                    }
                    return self.count(sent, became);
                }
                BadRecord {
                    reason: DeadLetterReason::OutputTooLarge,
                    detail: format!(
                        "the routed ticket takes {size} bytes, topic `{}` allows {limit}",
                        settings.outputs[destination as usize]
                    ),
                }
            }
            Some(Err(bad)) => bad,
            None => {
                // The panic may have left its scratch half written.
                self.router = Router::new(Arc::clone(&self.worker.policy), settings.limits, settings.output);
                DeadLetterReason::RouterFailed.with(
                    "the router failed on this record; please report it with the record's partition and offset",
                )
            }
        };
        self.dead_letter(&incoming, &bad)
    }

    /// Why a record that made three transactions fail becomes a dead letter: its topic takes no records at all, or the record is to blame.
    fn given_up(&mut self) -> BadRecord {
        let Some(destination) = self.refused_by else {
            return DeadLetterReason::Poison
                .with(format!("at least three transactions failed with this record: {}", self.undelivered));
        };
        let now = self.clock.now();
        if !matches!(self.closed.door(destination, now), Door::Closed(_)) {
            tracing::warn!(
                code = "TOPIC_CLOSED",
                cause = self.undelivered,
                "a topic takes no records: they become dead letters"
            );
            self.closed.close(destination, &self.undelivered, now);
        }
        DeadLetterReason::TopicClosed.with(self.undelivered.as_str())
    }

    fn dead_letter(&mut self, incoming: &Incoming<'_>, bad: &BadRecord) -> Result<(), SendFault> {
        let destination = Destination::DeadLetter;
        let stamp = self.allowed.stamp(destination, incoming.timestamp, self.clock.wall_ms());
        let limit = self.allowed.max_record_bytes(destination).saturating_sub(Stamp::MAX_BYTES);
        let DeadLetter { key, value, mut headers, reason } = DeadLetter::new(incoming, bad, limit);
        stamp.add_to(&mut headers);
        let origin = (key.is_none() && self.allowed.needs_key(destination)).then(|| incoming.origin());
        let key = key.or(origin.as_deref().map(str::as_bytes));
        let record = Outgoing { key, value, timestamp: stamp.timestamp };
        self.tried[destination as usize] = true;
        self.observed.sending();
        if self.allowed.must_flush(destination, record_size(key, value, &headers)) {
            send_unsent(self.worker, &self.output);
        }
        let sent = send(self.worker, &self.output, destination, &record, headers);
        self.count(sent, Became::DeadLetter(reason))
    }

    fn count(&mut self, sent: Result<(), RDKafkaErrorCode>, became: Became) -> Result<(), SendFault> {
        self.observed.sent(became, sent.err());
        let Err(code) = sent else { return Ok(()) };
        let destination = became.destination();
        let fault = send_fault(code);
        tracing::warn!(
            code = "RECORD_NOT_SENT",
            error = %code,
            ?destination,
            "a record was not sent, the transaction will be aborted"
        );
        self.observed.fail(cause_of(code, fault));
        self.is_cause_unknown |= code == RDKafkaErrorCode::State;
        self.undelivered = format!("topic `{}`: {code}", self.worker.settings.outputs[destination as usize]);
        self.note_topic(code);
        Err(fault)
    }
}

/// Calls `work`; `None` if it panicked. What it has borrowed mutably must not be used again.
fn unless_panicked<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Waits until the brokers have what was sent so far, so that it is not in one batch with what comes next.
#[cold]
fn send_unsent(worker: &Worker, output: &Output) {
    // What is still on its way afterwards, or was refused, is seen before the transaction's end.
    let _ = output.flush(worker.settings.transactions.finish_deadline);
}

fn send(
    worker: &Worker,
    output: &Output,
    destination: Destination,
    record: &Outgoing<'_>,
    mut headers: Headers,
) -> Result<(), RDKafkaErrorCode> {
    let waiting = Instant::now();
    loop {
        match output.send(destination, record, headers) {
            Ok(()) => return Ok(()),
            Err((RDKafkaErrorCode::QueueFull, returned))
                if waiting.elapsed() < worker.settings.transactions.finish_deadline =>
            {
                headers = returned;
                thread::sleep(QUEUE_FULL_PAUSE);
            }
            Err((code, _)) => return Err(code),
        }
    }
}
