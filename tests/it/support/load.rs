//! A stream of tickets that lasts as long as a test needs it.

use std::{
    ops::Range,
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    tickets::{Encoding, ticket, ticket_bytes},
    topics::{Destination, Outbound, Source, Topics},
    wait::try_wait,
};
use ticket_router_proof::judge::Input;

use crate::checker::Watch;

/// More than one session timeout and one transaction timeout, on a busy machine.
const PROGRESS_DEADLINE: Duration = Duration::from_secs(90);
/// Enough to keep two routers busy, few enough that a kill always finds some on their way.
const ON_THEIR_WAY: usize = 2_000;
const KEYS: usize = 97;
/// A broker that was killed forgets a producer whose records are older than `producer.id.expiration.ms`, by their own timestamps, and then takes a
/// retried batch twice: so the timestamps are those of today.
static STARTED: LazyLock<i64> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(now.as_millis()).expect("it is before the year 292,000,000")
});

/// Feeds the incoming topic as fast as records come out, so that there is load at every moment of the test, however fast the router is.
pub struct Load<'a> {
    topics: &'a Topics,
    source: Source,
    watch: Watch,
    sent: usize,
    total: usize,
}

impl<'a> Load<'a> {
    /// Prepares a stream of so many records.
    pub fn new(topics: &'a Topics, total: usize) -> Self {
        let source = Source::new(topics.broker());
        Self { topics, source, watch: Watch::new(topics), sent: 0, total }
    }

    /// Feeds until so many records have come out, and leaves others on their way unless it was the total.
    #[track_caller]
    pub fn drive(&mut self, until: usize) {
        self.drive_while(until, || ());
    }

    /// The same, and does something between two looks.
    #[track_caller]
    pub fn drive_while(&mut self, until: usize, mut supervise: impl FnMut()) {
        let arrived = try_wait(PROGRESS_DEADLINE, || {
            supervise();
            let seen = self.watch.poll();
            let goal = self.total.min(seen + ON_THEIR_WAY);
            for n in self.sent..goal {
                self.source.send(&self.topics.incoming(), &nth(n));
            }
            self.sent = self.sent.max(goal);
            (seen >= until).then_some(())
        });
        assert!(
            arrived.is_some(),
            "of {} records sent only {} came out; {until} were waited for",
            self.sent,
            self.watch.poll()
        );
    }

    /// Feeds to the end, and gives the reader that saw all of it.
    #[track_caller]
    pub fn finish(self) -> Watch {
        self.finish_while(|| ())
    }

    /// The same, and does something between two looks.
    #[track_caller]
    pub fn finish_while(mut self, supervise: impl FnMut()) -> Watch {
        self.drive_while(self.total, supervise);
        self.source.flush();
        self.watch
    }
}

/// Sends records of [`nth`], and waits until the broker has them.
pub fn send(source: &Source, topics: &Topics, numbers: Range<usize>) {
    source.send_all(&topics.incoming(), &numbers.map(nth).collect::<Vec<_>>());
}

/// The n-th record: the keys take turns, and each key sees all destinations and both encodings.
pub fn nth(n: usize) -> Outbound {
    let key = format!("ticket-{}", n % KEYS);
    let destination = Destination::ALL[n % Destination::ALL.len()];
    let encoding = if n.is_multiple_of(2) { Encoding::Json } else { Encoding::Protobuf };
    let value = match destination {
        Destination::DeadLetter => format!("{{\"id\": \"{key}#{n}").into_bytes(),
        _ => ticket_bytes(&ticket(&format!("{key}#{n}"), destination), encoding),
    };
    let record = Outbound::new(key, value).number(n).at(*STARTED + i64::try_from(n).expect("n is small"));
    match (n % 3, encoding) {
        (0, _) => record.header("helpdesk-event", n.to_string()),
        (1, Encoding::Json) => record.header("content-type", "application/json"),
        _ => record,
    }
}

/// Where a record of [`nth`] belongs.
pub fn destination(input: &Input) -> Destination {
    Destination::ALL[input.number % Destination::ALL.len()]
}
