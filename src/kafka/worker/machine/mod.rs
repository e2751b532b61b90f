//! What a worker does next: the consume–route–produce loop as a pure state machine.
//!
//! The machine holds no client and no clock. [`Machine::next`] says what to do; the shell does it and reports how it went; nothing else
//! moves the machine. So the worker that runs in production is the one that the property tests drive through rebalances, aborts and
//! faults in simulated logs.
//!
//! The rules it keeps, each with the loss or the duplicate that breaking it costs:
//! - offsets leave only inside a transaction, in the name of the generation that was current when it began;
//! - a record that could not be sent dooms its transaction, since the commit would succeed without it;
//! - after an abort the input is rewound to the transaction's first offsets, since librdkafka does not;
//! - before partitions are given up the open transaction ends: committed, or aborted where they are lost already.

mod fruitless;
mod suspicion;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use fruitless::Fruitless;
use suspicion::Suspicion;

/// A partition of the input topic.
pub type Partition = i32;
/// An offset in such a partition.
pub type Offset = i64;

/// When a transaction is closed, and how long a call may fail.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Records in a transaction at most; at least 1.
    pub max_records: usize,
    /// Records that are polled, as far as they are there, before a transaction begins with them; at least 1. If there are no more, their
    /// offsets are all that the transaction has to send.
    pub max_gathered: usize,
    /// Age of a transaction at most, counted from its begin.
    pub max_age: Duration,
    /// How long commit or abort may be tried again before the outcome counts as unknown.
    pub finish_deadline: Duration,
}

/// What the shell must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Poll the consumer, and wait for a record if `may_wait`; report with [`Machine::polled`].
    Poll {
        /// No transaction is open, and no record is at hand for one.
        may_wait: bool,
    },
    /// Begin a transaction if the consumer is a member of its group; report with [`Machine::began`].
    Begin,
    /// Route the first of the records at hand and send the result; report with [`Machine::sent`].
    Route(Handling),
    /// Add these offsets to the transaction, in place of those that were added before; report with [`Machine::offsets_sent`].
    SendOffsets(Vec<(Partition, Offset)>),
    /// Flush, then commit the transaction; report with [`Machine::committed`].
    Commit,
    /// Abort the transaction; report with [`Machine::aborted`].
    Abort,
    /// Make the next record of the partition the one at this offset; report with [`Machine::sought`].
    Seek(Partition, Offset),
    /// Take these partitions; report with [`Machine::assigned`].
    Assign(Vec<Partition>),
    /// Give all partitions up; report with [`Machine::unassigned`].
    Unassign,
    /// Throw the producer away and take a new one, with a new epoch; report with [`Machine::renewed`].
    Renew,
    /// Leave the group: nothing is in flight.
    Leave,
    /// Throw consumer and producer away: nothing that they hold can be trusted.
    Fail(Failure),
}

/// How a record is to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Like any other.
    Ordinary,
    /// It made three transactions fail: it goes to the dead-letter topic.
    Poison,
}

/// What came of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// A record.
    Record(Partition, Offset),
    /// No record is at hand: the input is drained for now.
    Nothing,
    /// The group gives these partitions.
    Given(Vec<Partition>),
    /// The group takes all partitions back; `lost` where others may own them already.
    Taken {
        /// The assignment was lost: the session is over.
        lost: bool,
    },
}

/// What a failed call means for the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The same call may succeed.
    Retriable,
    /// The transaction must be aborted.
    Abortable,
    /// The brokers do not know the producer any more: the transaction never began, and a new producer is needed.
    Forgotten,
    /// The producer is lost. Also every error that says none of the others.
    Fatal,
}

/// Why a record was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendFault {
    /// Client or broker will not have this record, or no record for its topic.
    Refused,
    /// The record is not to blame.
    Undelivered,
}

/// Why no transaction was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginFault {
    /// The consumer is no member of its group at the moment.
    NotMember,
    /// The producer is lost.
    Fatal,
}

/// Why the machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A call reported a fatal error.
    Fatal,
    /// Commit or abort could not be brought to an end within the deadline.
    OutcomeUnknown,
    /// The broker refused even the dead letter of a poison record.
    DeadLetterRefused,
    /// Transaction after transaction was aborted, and no new producer helped.
    NoCommit,
}

#[derive(Debug)]
struct Transaction {
    began: Duration,
    /// Records that were polled for it.
    records: usize,
    spans: BTreeMap<Partition, Span>,
    /// How far the consumer had come when it began, markers and aborted records behind the last ticket included.
    passed: BTreeMap<Partition, Offset>,
    stage: Stage,
    /// The offsets sent are those behind its last records.
    is_in_step: bool,
    /// When it was first tried to end it.
    finishing: Option<Duration>,
    /// A record of the transaction was refused.
    blamed: bool,
}

impl Transaction {
    fn take(&mut self, (partition, offset): (Partition, Offset)) {
        let span = self.spans.entry(partition).or_insert(Span { first: offset, next: offset });
        span.next = offset + 1;
        self.records += 1;
        self.is_in_step = false;
    }

    fn offsets(&self) -> Vec<(Partition, Offset)> {
        let mut offsets = self.passed.clone();
        for (&partition, span) in &self.spans {
            let next = offsets.entry(partition).or_insert(span.next);
            *next = span.next.max(*next);
        }
        offsets.into_iter().collect()
    }
}

#[derive(Clone, Copy, Debug)]
struct Span {
    first: Offset,
    next: Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its first offsets are to be sent before any of its records.
    ///
    /// The coordinator answers neither request until it is done with the transaction before; librdkafka asks again after `retry.backoff.ms`
    /// for offsets, and after 20 ms for a record's partition. And an abort of a transaction that the coordinator does not know costs the
    /// producer: so it is known before any of its topics can be refused.
    Begun,
    Open,
    /// It takes no more records.
    Ending,
    Doomed,
}

/// The state of one worker.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    owned: BTreeSet<Partition>,
    transaction: Option<Transaction>,
    /// Records that were polled and are not routed yet; those of the open transaction, if there is one.
    at_hand: VecDeque<(Partition, Offset)>,
    /// The last poll found no record.
    is_drained: bool,
    /// The records at hand take enough memory.
    is_laden: bool,
    rewinds: BTreeMap<Partition, Offset>,
    /// The offset that comes next for the group, as far as it is committed.
    committed: BTreeMap<Partition, Offset>,
    /// The offset that comes next for the consumer. All tickets before it are committed, or in the open transaction, or at hand.
    reached: BTreeMap<Partition, Offset>,
    given: Option<Vec<Partition>>,
    taken: bool,
    suspicion: Suspicion,
    fruitless: Fruitless,
    stopping: bool,
    failure: Option<Failure>,
}

impl Machine {
    /// Makes the machine of a worker that owns no partition yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            owned: BTreeSet::new(),
            transaction: None,
            at_hand: VecDeque::new(),
            is_drained: false,
            is_laden: false,
            rewinds: BTreeMap::new(),
            committed: BTreeMap::new(),
            reached: BTreeMap::new(),
            given: None,
            taken: false,
            suspicion: Suspicion::default(),
            fruitless: Fruitless::default(),
            stopping: false,
            failure: None,
        }
    }

    /// Says what to do now. `now` is any clock that only goes forward.
    pub fn next(&mut self, now: Duration) -> Command {
        if let Some(failure) = self.failure {
            return Command::Fail(failure);
        }
        if let Some(command) = self.finish(now) {
            return command;
        }
        if self.taken {
            return Command::Unassign;
        }
        if self.stopping && self.transaction.is_none() {
            return Command::Leave;
        }
        if self.fruitless.must_renew {
            return Command::Renew;
        }
        if let Some(partitions) = &self.given {
            return Command::Assign(partitions.clone());
        }
        match (&self.transaction, self.at_hand.front()) {
            (Some(transaction), _) if transaction.stage == Stage::Begun => {
                return Command::SendOffsets(transaction.offsets());
            }
            (Some(_), Some(&record)) => return Command::Route(self.suspicion.handling(record)),
            (None, Some(_))
                if self.is_drained
                    || self.is_laden
                    || self.at_hand.len() >= self.max_records().min(self.settings.max_gathered) =>
            {
                return Command::Begin;
            }
            _ => {}
        }
        if let Some((&partition, &offset)) = self.rewinds.first_key_value() {
            return Command::Seek(partition, offset);
        }
        if self.transaction.is_none() && self.is_drained && self.uncommitted().next().is_some() {
            return Command::Begin;
        }
        Command::Poll { may_wait: self.transaction.is_none() && self.at_hand.is_empty() }
    }

    /// The step that ends the open transaction, if it is to end now.
    fn finish(&mut self, now: Duration) -> Option<Command> {
        let must_end = self.taken || self.stopping || self.is_drained;
        let max_records = self.max_records();
        let transaction = self.transaction.as_mut()?;
        if transaction.stage == Stage::Open && self.at_hand.is_empty() {
            let is_due =
                transaction.records >= max_records || now >= transaction.began + self.settings.max_age;
            if must_end || is_due {
                transaction.stage = Stage::Ending;
            }
        }
        let command = match transaction.stage {
            Stage::Begun | Stage::Open => return None,
            Stage::Ending if transaction.is_in_step => Command::Commit,
            Stage::Ending => Command::SendOffsets(transaction.offsets()),
            Stage::Doomed => Command::Abort,
        };
        transaction.finishing.get_or_insert(now);
        Some(command)
    }

    /// How far the consumer has come where the group has not: what lies between are tickets at hand, and markers and aborted records,
    /// which are never delivered.
    fn uncommitted(&self) -> impl Iterator<Item = (Partition, Offset)> {
        self.reached
            .iter()
            .map(|(&partition, &offset)| (partition, offset))
            .filter(|(partition, offset)| self.committed.get(partition).is_none_or(|it| it < offset))
    }

    fn max_records(&self) -> usize {
        self.settings.max_records.min(self.suspicion.limit().unwrap_or(usize::MAX))
    }

    /// Takes the outcome of [`Command::Poll`].
    pub fn polled(&mut self, polled: Polled) {
        self.is_drained = polled == Polled::Nothing;
        match polled {
            Polled::Record(partition, offset) => {
                self.at_hand.push_back((partition, offset));
                if let Some(transaction) = &mut self.transaction {
                    transaction.take((partition, offset));
                }
            }
            Polled::Nothing => {}
            Polled::Given(partitions) => self.given = Some(partitions),
            Polled::Taken { lost } => {
                self.taken = true;
                self.given = None;
                if lost && let Some(transaction) = &mut self.transaction {
                    transaction.stage = Stage::Doomed;
                }
            }
        }
    }

    /// Takes that the records at hand take enough memory: a transaction begins with them, however few they are.
    pub fn laden(&mut self) {
        self.is_laden = true;
    }

    /// Takes how far the consumer has come: the offsets that it would read next. Called when all that it has delivered is known here.
    pub fn reached(&mut self, positions: impl IntoIterator<Item = (Partition, Offset)>) {
        let known = positions
            .into_iter()
            // A partition that is to be rewound has tickets before its position.
            .filter(|(partition, _)| self.owned.contains(partition) && !self.rewinds.contains_key(partition));
        self.reached.extend(known);
    }

    /// Takes the outcome of [`Command::Begin`].
    pub fn began(&mut self, outcome: Result<(), BeginFault>, now: Duration) {
        self.is_laden = false;
        match outcome {
            Ok(()) => {
                let mut transaction = Transaction {
                    began: now,
                    records: 0,
                    spans: BTreeMap::new(),
                    passed: self.uncommitted().collect(),
                    stage: Stage::Begun,
                    is_in_step: false,
                    finishing: None,
                    blamed: false,
                };
                self.at_hand.iter().for_each(|&record| transaction.take(record));
                self.transaction = Some(transaction);
            }
            Err(BeginFault::NotMember) => {
                // The group has news, which come with a poll. The records are read again once it has settled, by the member that owns them then.
                self.reached.clear();
                for (partition, offset) in std::mem::take(&mut self.at_hand) {
                    self.rewind(partition, offset);
                }
            }
            Err(BeginFault::Fatal) => self.failure = Some(Failure::Fatal),
        }
    }

    /// Takes the outcome of [`Command::Route`].
    pub fn sent(&mut self, outcome: Result<(), SendFault>) {
        self.at_hand.pop_front().expect("a record is routed only when one is at hand");
        if let Err(fault) = outcome {
            self.doom(fault);
        }
    }

    /// Makes the open transaction one that must abort, since one of its records will not arrive.
    pub fn doom(&mut self, fault: SendFault) {
        if let Some(transaction) = &mut self.transaction {
            transaction.stage = Stage::Doomed;
            transaction.blamed |= fault == SendFault::Refused;
        }
    }

    /// Takes the outcome of [`Command::SendOffsets`].
    pub fn offsets_sent(&mut self, outcome: Result<(), Fault>, now: Duration) {
        match outcome {
            Ok(()) => {
                let transaction = self.transaction.as_mut().expect("offsets are sent only in a transaction");
                transaction.is_in_step = true;
                if transaction.stage == Stage::Begun {
                    transaction.stage = Stage::Open;
                }
            }
            Err(fault) => self.failed_to_finish(fault, now),
        }
    }

    /// What comes next is not what was aborted: the shell has learnt what a topic takes.
    pub fn learnt(&mut self) {
        self.fruitless = Fruitless::default();
    }

    /// Takes the outcome of [`Command::Commit`].
    pub fn committed(&mut self, outcome: Result<(), Fault>, now: Duration) {
        match outcome {
            Ok(()) => {
                let ended = self.transaction.take().expect("only an open transaction is committed");
                self.committed.extend(ended.offsets());
                self.suspicion.committed(&ended);
                self.fruitless = Fruitless::default();
            }
            // The offsets were taken, so the brokers knew the producer a moment ago: the commit may have happened.
            Err(Fault::Forgotten) => self.failure = Some(Failure::OutcomeUnknown),
            Err(fault) => self.failed_to_finish(fault, now),
        }
    }

    /// Takes the outcome of [`Command::Abort`].
    pub fn aborted(&mut self, outcome: Result<(), Fault>, now: Duration) {
        match outcome {
            Ok(()) => {
                let ended = self.transaction.take().expect("only an open transaction is aborted");
                self.give_back(&ended);
                if !ended.blamed {
                    self.failure = self.fruitless.aborted(now).err();
                } else if self.suspicion.blame(&ended).is_err() {
                    self.failure = Some(Failure::DeadLetterRefused);
                }
            }
            // There is no abort of an abort.
            Err(Fault::Abortable) => self.failure = Some(Failure::Fatal),
            Err(fault) => self.failed_to_finish(fault, now),
        }
    }

    /// Reads a transaction's records again.
    fn give_back(&mut self, ended: &Transaction) {
        self.at_hand.clear();
        for (&partition, span) in &ended.spans {
            self.rewind(partition, span.first);
        }
    }

    fn failed_to_finish(&mut self, fault: Fault, now: Duration) {
        let Some(transaction) = &mut self.transaction else { return };
        match fault {
            Fault::Retriable => {
                let since = *transaction.finishing.get_or_insert(now);
                if now >= since + self.settings.finish_deadline {
                    self.failure = Some(Failure::OutcomeUnknown);
                }
            }
            Fault::Abortable => transaction.stage = Stage::Doomed,
            Fault::Forgotten => {
                let ended = self.transaction.take().expect("it was there");
                self.give_back(&ended);
                self.fruitless.must_renew = true;
            }
            Fault::Fatal => self.failure = Some(Failure::Fatal),
        }
    }

    /// Whether transaction after transaction was aborted, with no record to blame.
    #[must_use]
    pub fn is_fruitless(&self) -> bool {
        self.fruitless.is_many()
    }

    /// Takes the success of [`Command::Renew`].
    pub fn renewed(&mut self) {
        self.fruitless.must_renew = false;
    }

    /// Takes the success of [`Command::Seek`].
    pub fn sought(&mut self, partition: Partition) {
        self.rewinds.remove(&partition);
    }

    /// Takes the success of [`Command::Assign`], and where each partition starts.
    pub fn assigned(&mut self, starts: impl IntoIterator<Item = (Partition, Offset)>) {
        self.owned = self.given.take().into_iter().flatten().collect();
        self.committed = starts.into_iter().collect();
    }

    /// Takes the success of [`Command::Unassign`].
    pub fn unassigned(&mut self) {
        self.taken = false;
        self.owned.clear();
        self.rewinds.clear();
        self.committed.clear();
        self.reached.clear();
        self.at_hand.clear();
        self.suspicion = Suspicion::default();
    }

    /// Ends the open transaction, then leaves.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Only what is still owned is rewound: another worker reads the rest from the committed offsets.
    fn rewind(&mut self, partition: Partition, offset: Offset) {
        self.reached.remove(&partition);
        if self.owned.contains(&partition) {
            let first = self.rewinds.entry(partition).or_insert(offset);
            *first = offset.min(*first);
        }
    }
}

#[cfg(test)]
mod simulation;
