//! What machine and shell say to each other: commands one way, outcomes the other.

use std::time::Duration;

#[cfg(doc)]
use super::Machine;

/// A partition of the input topic.
pub type Partition = i32;
/// An offset in such a partition.
pub type Offset = i64;

/// When a transaction is closed, and how long a call may fail.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Records in a transaction at most; at least 1.
    pub max_records: usize,
    /// Records that are gathered, if there are as many, before a transaction begins with them; at least 1.
    /// If there are no more, one request sends the offsets of all.
    pub max_gathered: usize,
    /// Age of a transaction at most, counted from its begin.
    pub max_age: Duration,
    /// How long commit or abort may be tried again before the outcome counts as unknown.
    pub finish_deadline: Duration,
}

/// A polled record. The machine keeps it until it is to be routed.
pub trait Record {
    /// Where the record came from.
    fn position(&self) -> (Partition, Offset);

    /// The memory that the record takes, in bytes.
    fn bytes(&self) -> usize;
}

/// What the shell must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<R> {
    /// Poll the consumer, and wait for a record if `may_wait`; report with [`Machine::polled`].
    Poll {
        /// No transaction is open, and no record is at hand for one.
        may_wait: bool,
    },
    /// Begin a transaction if the consumer is a member of its group; report with [`Machine::began`].
    Begin,
    /// Route this record and send the result; report with [`Machine::sent`].
    Route(R, Handling),
    /// Add these offsets to the transaction, in place of those that were added before; report with
    /// [`Machine::offsets_sent`].
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
pub enum Polled<R> {
    /// A record.
    Record(R),
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
