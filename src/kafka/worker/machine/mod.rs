//! What a worker does next: the consume–route–produce loop as a pure state machine.
//!
//! The machine holds no client and no clock. [`Machine::next`] says what to do; the shell does it and reports
//! how it went; nothing else moves the machine. So the worker that runs in production is the one that the
//! property tests drive through rebalances, aborts and faults in simulated logs.
//!
//! The rules it keeps, each with the loss or the duplicate that breaking it costs:
//! - offsets leave only inside a transaction, in the name of the generation that was current when it began;
//! - a record that could not be sent dooms its transaction, since the commit would succeed without it;
//! - after an abort the input is rewound to the transaction's first offsets, since librdkafka does not;
//! - before partitions are given up the open transaction ends: committed, or aborted where they are lost already.

mod at_hand;
mod fruitless;
mod protocol;
#[cfg(test)]
mod simulation;
mod suspicion;
mod transaction;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use at_hand::AtHand;
use fruitless::Fruitless;
use suspicion::Suspicion;
use transaction::{Stage, Transaction};

pub use protocol::{
    BeginFault, Command, Failure, Fault, Handling, Offset, Partition, Polled, Record, SendFault, Settings,
};

/// The state of one worker.
#[derive(Debug)]
pub struct Machine<R> {
    settings: Settings,
    owned: BTreeSet<Partition>,
    transaction: Option<Transaction>,
    /// If a transaction is open, these records belong to it.
    at_hand: AtHand<R>,
    /// Whether the last poll found no record.
    is_drained: bool,
    rewinds: BTreeMap<Partition, Offset>,
    /// The offset that comes next for the group, as far as it is committed.
    committed: BTreeMap<Partition, Offset>,
    /// The offset that comes next for the consumer. All tickets before it are committed, or in the open
    /// transaction, or at hand.
    reached: BTreeMap<Partition, Offset>,
    given: Option<Vec<Partition>>,
    taken: bool,
    suspicion: Suspicion,
    fruitless: Fruitless,
    stopping: bool,
    failure: Option<Failure>,
}

impl<R: Record> Machine<R> {
    /// Makes the machine of a worker that owns no partition yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            owned: BTreeSet::new(),
            transaction: None,
            at_hand: AtHand::new(),
            is_drained: false,
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
    pub fn next(&mut self, now: Duration) -> Command<R> {
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
        match &self.transaction {
            Some(transaction) if transaction.stage == Stage::Begun => {
                return Command::SendOffsets(transaction.offsets());
            }
            Some(_) => {
                if let Some(record) = self.at_hand.pop() {
                    let handling = self.suspicion.handling(record.position());
                    return Command::Route(record, handling);
                }
            }
            None if self.has_gathered_enough() => return Command::Begin,
            None => {}
        }
        if let Some((&partition, &offset)) = self.rewinds.first_key_value() {
            return Command::Seek(partition, offset);
        }
        if self.transaction.is_none() && self.is_drained && self.uncommitted().next().is_some() {
            return Command::Begin;
        }
        Command::Poll { may_wait: self.transaction.is_none() && self.at_hand.is_empty() }
    }

    /// Whether a transaction is to begin with the records at hand.
    fn has_gathered_enough(&self) -> bool {
        let enough = self.max_records().min(self.settings.max_gathered);
        !self.at_hand.is_empty()
            && (self.is_drained || self.at_hand.is_laden() || self.at_hand.len() >= enough)
    }

    /// The step that ends the open transaction, if it is to end now.
    fn finish(&mut self, now: Duration) -> Option<Command<R>> {
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

    /// How far the consumer has come where the group has not: what lies between are tickets at hand, and
    /// markers and aborted records, which are never delivered.
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
    pub fn polled(&mut self, polled: Polled<R>) {
        self.is_drained = matches!(polled, Polled::Nothing);
        match polled {
            Polled::Record(record) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.take(record.position());
                }
                self.at_hand.push(record);
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

    /// Takes how far the consumer has come: the offsets that it would read next. Called when all that it has
    /// delivered is known here.
    pub fn reached(&mut self, positions: impl IntoIterator<Item = (Partition, Offset)>) {
        let known = positions
            .into_iter()
            // A partition that is to be rewound has tickets before its position.
            .filter(|(partition, _)| self.owned.contains(partition) && !self.rewinds.contains_key(partition));
        self.reached.extend(known);
    }

    /// Takes the outcome of [`Command::Begin`].
    pub fn began(&mut self, outcome: Result<(), BeginFault>, now: Duration) {
        match outcome {
            Ok(()) => {
                let mut transaction = Transaction::new(now, self.uncommitted().collect());
                self.at_hand.iter().for_each(|record| transaction.take(record.position()));
                self.transaction = Some(transaction);
            }
            Err(BeginFault::NotMember) => {
                // The group has news, which come with a poll. The records are read again once it has settled,
                // by the member that owns them then.
                self.reached.clear();
                while let Some(record) = self.at_hand.pop() {
                    let (partition, offset) = record.position();
                    self.rewind(partition, offset);
                }
            }
            Err(BeginFault::Fatal) => self.failure = Some(Failure::Fatal),
        }
    }

    /// Takes the outcome of [`Command::Route`].
    pub fn sent(&mut self, outcome: Result<(), SendFault>) {
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
