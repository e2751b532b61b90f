//! The machine against a model of log, group and transactions: seeded schedules of records, rebalances,
//! faults and crashes.
//!
//! The model keeps Kafka's promises and none that Kafka does not make: it does not rewind after an abort, it
//! delivers to a member that has lost its partitions until that member polls, and a commit that reports
//! failure may have happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    BeginFault, Command, Failure, Fault, Handling, Machine, Offset, Partition, Polled, Record, SendFault,
    Settings, at_hand,
};

const SCHEDULES: u64 = 4_000;

/// SplitMix64, so that a schedule is its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }
}

/// What breaks the machine's promises on purpose, to show that the checks see it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sabotage {
    None,
    IgnoreSendErrors,
    NoRewind,
    MembershipAtCommit,
    /// The client tells its old position after it was rewound, and the machine believes it.
    StalePosition,
    /// Positions are never told, so what is not delivered is never committed.
    NoPosition,
}

/// A record as the client delivers it.
#[derive(Clone, Copy, Debug)]
struct Delivered {
    partition: Partition,
    offset: Offset,
    bytes: usize,
}

impl Record for Delivered {
    fn position(&self) -> (Partition, Offset) {
        (self.partition, self.offset)
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

type Written = (Partition, Offset, Handling);

/// A member of the group: the machine and the state of its clients.
struct Member {
    machine: Machine<Delivered>,
    /// The group's generation that the member belongs to; `None` while it joins.
    generation: Option<u64>,
    /// It was told that it has partitions, and has not given them up.
    owns: bool,
    /// What the group tells it at the next poll.
    notice: Option<Polled<Delivered>>,
    positions: BTreeMap<Partition, Offset>,
    /// The partitions of which something was consumed since they were assigned or rewound: of the others the
    /// client tells no position.
    consumed: BTreeSet<Partition>,
    open: Option<Open>,
    /// The brokers have forgotten the producer.
    is_forgotten: bool,
}

/// A transaction as the coordinator has it.
struct Open {
    generation: Option<u64>,
    written: Vec<Written>,
    offsets: Vec<(Partition, Offset)>,
    must_abort: bool,
}

struct World {
    random: Random,
    sabotage: Sabotage,
    settings: Settings,
    ends: BTreeMap<Partition, Offset>,
    /// Offsets that are never delivered: markers of upstream transactions, and aborted records.
    hidden: BTreeSet<(Partition, Offset)>,
    /// Records that the broker refuses unless they come as dead letters.
    poison: BTreeSet<(Partition, Offset)>,
    committed: BTreeMap<Partition, Offset>,
    output: Vec<Written>,
    members: Vec<Member>,
    generation: u64,
    /// Members that still own something of an earlier generation.
    is_joining: bool,
    has_faults: bool,
    now: Duration,
}

impl World {
    fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut random = Random(seed);
        let partitions = 1 + random.below(4) as Partition;
        let ends: BTreeMap<_, _> = (0..partitions).map(|it| (it, random.below(40) as Offset)).collect();
        let mut hidden = BTreeSet::new();
        if random.one_in(2) {
            for (&partition, &end) in &ends {
                hidden.extend((0..end).filter(|_| random.one_in(3)).map(|offset| (partition, offset)));
            }
        }
        let mut poison = BTreeSet::new();
        if random.one_in(3) {
            let partition = random.below(partitions as usize) as Partition;
            poison.insert((partition, random.below(40) as Offset));
        }
        let settings = Settings {
            max_records: 1 + random.below(12),
            max_gathered: 1 + random.below(12),
            max_age: Duration::from_millis(1 + random.below(30) as u64),
            finish_deadline: Duration::from_millis(200),
        };
        let count = 1 + random.below(3);
        let mut world = Self {
            random,
            sabotage,
            settings,
            committed: ends.keys().map(|&it| (it, 0)).collect(),
            ends,
            hidden,
            poison,
            output: Vec::new(),
            members: Vec::new(),
            generation: 0,
            is_joining: false,
            has_faults: true,
            now: Duration::ZERO,
        };
        for _ in 0..count {
            let member = world.member();
            world.members.push(member);
        }
        world.rebalance();
        world
    }

    fn member(&self) -> Member {
        Member {
            machine: Machine::new(self.settings),
            generation: None,
            owns: false,
            notice: None,
            positions: BTreeMap::new(),
            consumed: BTreeSet::new(),
            open: None,
            is_forgotten: false,
        }
    }

    /// Starts a rebalance: who owns something is asked to give it up, or finds later that it has lost it.
    fn rebalance(&mut self) {
        self.is_joining = true;
        for index in 0..self.members.len() {
            let lost = self.has_faults && self.random.one_in(4);
            let member = &mut self.members[index];
            if member.owns && member.notice.is_none() {
                member.notice = Some(Polled::Taken { lost });
                if lost {
                    member.generation = None;
                }
            } else if matches!(member.notice, Some(Polled::Given(_))) {
                member.notice = None;
            }
        }
    }

    /// Ends the rebalance when every member has given up what it owned, or has lost it.
    fn complete_rebalance(&mut self) {
        let holds = |it: &Member| it.owns && it.generation.is_some();
        if !self.is_joining || self.members.iter().any(holds) {
            return;
        }
        self.is_joining = false;
        self.generation += 1;
        let joined: Vec<_> = (0..self.members.len()).filter(|&it| !self.members[it].owns).collect();
        for (turn, &index) in joined.iter().enumerate() {
            let share: Vec<_> = self
                .ends
                .keys()
                .copied()
                .filter(|&partition| partition as usize % joined.len() == turn)
                .collect();
            let member = &mut self.members[index];
            member.generation = Some(self.generation);
            member.notice = Some(Polled::Given(share));
        }
        if joined.is_empty() {
            self.is_joining = true;
        }
    }

    /// Lets one member take one step.
    fn step(&mut self) {
        self.now += Duration::from_millis(self.random.below(4) as u64);
        self.complete_rebalance();
        if self.has_faults && self.random.one_in(150) {
            self.rebalance();
        }
        let index = self.random.below(self.members.len());
        if self.has_faults && self.random.one_in(300) {
            self.restart(index);
            return;
        }
        let command = self.members[index].machine.next(self.now);
        self.obey(index, command);
    }

    /// kill -9, or the end of a worker that cannot go on: its transaction is aborted when its id is taken over.
    fn restart(&mut self, index: usize) {
        self.members[index] = self.member();
        self.rebalance();
    }

    fn fault(&mut self, chance: usize) -> Option<Fault> {
        if !self.has_faults || !self.random.one_in(chance) {
            return None;
        }
        Some([Fault::Retriable, Fault::Abortable, Fault::Fatal][self.random.below(3)])
    }

    fn obey(&mut self, index: usize, command: Command<Delivered>) {
        let now = self.now;
        match command {
            Command::Poll { .. } => self.poll(index),
            Command::Begin => {
                self.tell_positions(index);
                let member = &mut self.members[index];
                let outcome = match member.generation {
                    None => Err(BeginFault::NotMember),
                    generation => {
                        member.open = Some(Open {
                            generation,
                            written: Vec::new(),
                            offsets: Vec::new(),
                            must_abort: false,
                        });
                        Ok(())
                    }
                };
                member.machine.began(outcome, now);
            }
            Command::Route(record, handling) => self.route(index, record, handling),
            Command::SendOffsets(offsets) => {
                let fault = self.fault(30);
                // Only a producer without an open transaction is forgotten.
                let is_first = self.members[index].open.as_ref().is_some_and(|it| it.offsets.is_empty());
                if self.has_faults && is_first && self.random.one_in(40) {
                    self.members[index].is_forgotten = true;
                }
                let current = self.generation;
                let late = self.sabotage == Sabotage::MembershipAtCommit;
                let member = &mut self.members[index];
                let open = member.open.as_mut().expect("offsets go into a transaction");
                let generation = if late { member.generation.or(Some(current)) } else { open.generation };
                let outcome = match fault {
                    _ if member.is_forgotten => Err(Fault::Forgotten),
                    Some(fault) => Err(fault),
                    None if open.must_abort || generation != Some(current) => Err(Fault::Abortable),
                    None => {
                        open.offsets = offsets;
                        Ok(())
                    }
                };
                if outcome == Err(Fault::Forgotten) {
                    member.open = None;
                }
                member.machine.offsets_sent(outcome, now);
            }
            Command::Renew => {
                let member = &mut self.members[index];
                assert!(member.open.is_none(), "a producer is replaced only when nothing is in flight");
                member.is_forgotten = false;
                member.machine.renewed();
            }
            Command::Commit => self.commit(index),
            Command::Abort => {
                let fault = self.fault(20);
                let member = &mut self.members[index];
                if fault.is_none() {
                    member.open = None;
                }
                member.machine.aborted(fault.map_or(Ok(()), Err), now);
            }
            Command::Seek(partition, offset) => {
                let member = &mut self.members[index];
                if self.sabotage == Sabotage::StalePosition {
                    let stale = member.positions[&partition];
                    member.machine.sought(partition);
                    member.machine.reached([(partition, stale)]);
                }
                if self.sabotage != Sabotage::NoRewind {
                    member.positions.insert(partition, offset);
                    member.consumed.remove(&partition);
                }
                member.machine.sought(partition);
            }
            Command::Assign(partitions) => {
                // Offsets that wait in an open transaction are not stable: the broker holds the answer back.
                let is_pending = |it: &Member| {
                    it.open
                        .iter()
                        .flat_map(|open| &open.offsets)
                        .any(|(partition, _)| partitions.contains(partition))
                };
                if self.members.iter().any(is_pending) {
                    return;
                }
                let committed = &self.committed;
                let member = &mut self.members[index];
                member.positions = partitions.into_iter().map(|it| (it, committed[&it])).collect();
                member.consumed.clear();
                member.machine.assigned(member.positions.clone());
            }
            Command::Unassign => {
                let member = &mut self.members[index];
                assert!(member.open.is_none(), "partitions are given up only when nothing is in flight");
                member.positions.clear();
                member.consumed.clear();
                member.generation = None;
                member.owns = false;
                member.machine.unassigned();
                self.is_joining = true;
            }
            Command::Leave => unreachable!("nobody is told to stop"),
            Command::Fail(failure) => {
                assert_ne!(failure, Failure::DeadLetterRefused, "dead letters are never refused here");
                assert_ne!(failure, Failure::NoCommit, "no fault lasts for half a minute here");
                self.restart(index);
            }
        }
    }

    fn poll(&mut self, index: usize) {
        let ends = &self.ends;
        let member = &mut self.members[index];
        // A notice waits behind records that were fetched before it came.
        if member.notice.is_some() && (!self.has_faults || self.random.one_in(3)) {
            let notice = member.notice.take().expect("it was there");
            member.owns = true;
            member.machine.polled(notice);
            return;
        }
        let behind: Vec<_> =
            member.positions.iter().filter(|(partition, position)| **position < ends[*partition]).collect();
        if behind.is_empty() || (self.has_faults && self.random.one_in(8)) {
            member.machine.polled(Polled::Nothing);
            self.tell_positions(index);
            return;
        }
        let (&partition, &offset) = behind[self.random.below(behind.len())];
        member.positions.insert(partition, offset + 1);
        member.consumed.insert(partition);
        if self.hidden.contains(&(partition, offset)) {
            member.machine.polled(Polled::Nothing);
            return;
        }
        // Some records are so large that a transaction begins with them at once.
        let bytes = if self.random.one_in(10) { at_hand::MAX_BYTES + 1 } else { 1 };
        member.machine.polled(Polled::Record(Delivered { partition, offset, bytes }));
    }

    fn tell_positions(&mut self, index: usize) {
        if self.sabotage == Sabotage::NoPosition {
            return;
        }
        let Member { machine, positions, consumed, .. } = &mut self.members[index];
        machine.reached(consumed.iter().map(|it| (*it, positions[it])));
    }

    fn route(&mut self, index: usize, Delivered { partition, offset, .. }: Delivered, handling: Handling) {
        let is_undelivered = self.has_faults && self.random.one_in(60);
        let member = &mut self.members[index];
        let open = member.open.as_mut().expect("records go into a transaction");
        let is_refused = self.poison.contains(&(partition, offset)) && handling == Handling::Ordinary;
        if is_refused || is_undelivered {
            // The client's own error does not fail the transaction: the machine must.
            let fault = if is_refused { SendFault::Refused } else { SendFault::Undelivered };
            let is_ignored = self.sabotage == Sabotage::IgnoreSendErrors;
            member.machine.sent(if is_ignored { Ok(()) } else { Err(fault) });
            return;
        }
        open.written.push((partition, offset, handling));
        member.machine.sent(Ok(()));
    }

    fn commit(&mut self, index: usize) {
        let fault = self.fault(30);
        let happens_all_the_same = fault == Some(Fault::Fatal) && self.random.one_in(2);
        let now = self.now;
        let open = self.members[index].open.take().expect("a transaction is committed once");
        if fault.is_none() || happens_all_the_same {
            self.output.extend(open.written);
            self.committed.extend(open.offsets);
        } else {
            self.members[index].open = Some(open);
        }
        self.members[index].machine.committed(fault.map_or(Ok(()), Err), now);
    }

    fn is_done(&self) -> bool {
        self.committed == self.ends
    }

    /// Lost, repeated or out of order: what is wrong with the output.
    fn verdict(&self) -> Result<(), String> {
        if !self.is_done() {
            return Err(format!("stuck: committed {:?} of {:?}", self.committed, self.ends));
        }
        for (&partition, &end) in &self.ends {
            let offsets: Vec<_> = self.output.iter().filter(|it| it.0 == partition).map(|it| it.1).collect();
            let tickets = (0..end).filter(|offset| !self.hidden.contains(&(partition, *offset)));
            if offsets != tickets.collect::<Vec<_>>() {
                return Err(format!("partition {partition} of {end} records came out as {offsets:?}"));
            }
        }
        let dead: BTreeSet<_> =
            self.output.iter().filter(|it| it.2 == Handling::Poison).map(|it| (it.0, it.1)).collect();
        if dead.is_subset(&self.poison) {
            Ok(())
        } else {
            Err(format!("good records became dead letters: {dead:?}"))
        }
    }
}

fn run(seed: u64, sabotage: Sabotage) -> Result<(), String> {
    let mut world = World::new(seed, sabotage);
    for _ in 0..1_500 {
        world.step();
    }
    world.has_faults = false;
    for _ in 0..20_000 {
        if world.is_done() {
            break;
        }
        world.step();
    }
    world.verdict()
}

/// `TICKET_ROUTER_SCHEDULES` sets how many schedules are tried, `TICKET_ROUTER_SEED` the first one's seed.
#[test]
fn no_schedule_loses_repeats_or_reorders_a_record() {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |it| it.parse().expect("the variable holds a number"))
    };
    let first = number("TICKET_ROUTER_SEED", 1);
    for seed in first..first + number("TICKET_ROUTER_SCHEDULES", SCHEDULES) {
        if let Err(wrong) = run(seed, Sabotage::None) {
            panic!("seed {seed}: {wrong}");
        }
    }
}

#[test]
fn the_simulation_sees_each_broken_promise() {
    for (sabotage, name) in [
        (Sabotage::IgnoreSendErrors, "ignored send errors"),
        (Sabotage::NoRewind, "no rewind after an abort"),
        (Sabotage::MembershipAtCommit, "membership taken at the commit"),
        (Sabotage::StalePosition, "a position from before a rewind"),
        (Sabotage::NoPosition, "positions that are never told"),
    ] {
        assert!((1..5_000).any(|seed| run(seed, sabotage).is_err()), "{name} went unnoticed");
    }
}
