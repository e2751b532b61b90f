//! What goes wrong, and in which order: drawn from a seed before anything starts.

use std::{fmt, time::Duration};

use clap::ValueEnum;

use crate::random::Random;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    Kill,
    Stop,
    LongStop,
    Term,
    Stall,
    Abort,
    BrokerRestart,
    BrokerKill,
    Latency,
    BlackHole,
    Reset,
    Cut,
    Partitions,
    Policy,
    Right,
    DiskFull,
}

impl Kind {
    pub const ALL: [Self; 16] = [
        Self::Kill,
        Self::Stop,
        Self::LongStop,
        Self::Term,
        Self::Stall,
        Self::Abort,
        Self::BrokerRestart,
        Self::BrokerKill,
        Self::Latency,
        Self::BlackHole,
        Self::Reset,
        Self::Cut,
        Self::Partitions,
        Self::Policy,
        Self::Right,
        Self::DiskFull,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Stop => "SIGSTOP past the session",
            Self::LongStop => "SIGSTOP past the transaction",
            Self::Term => "SIGTERM and restart",
            Self::Stall => "handling past max.poll.interval",
            Self::Abort => "injected aborts",
            Self::BrokerRestart => "broker restarted",
            Self::BrokerKill => "broker killed and restarted",
            Self::Latency => "network latency",
            Self::BlackHole => "network black hole",
            Self::Reset => "connections reset",
            Self::Cut => "streams cut in the middle",
            Self::Partitions => "partitions added",
            Self::Policy => "policy changed",
            Self::Right => "write right taken away",
            Self::DiskFull => "broker's disk full",
        }
    }
}

/// How much of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What CI can wait for.
    Smoke,
    /// What the guarantees are measured with.
    Full,
    /// Every kind.
    All,
}

impl Scope {
    const fn count(self, kind: Kind, nodes: usize) -> usize {
        use Kind::{
            Abort, BlackHole, BrokerKill, BrokerRestart, Cut, DiskFull, Kill, Latency, LongStop, Partitions,
            Policy, Reset, Right, Stall, Stop, Term,
        };
        match (self, kind) {
            (Self::Smoke, Kill) => 3,
            (Self::Smoke, Stop | BrokerRestart | Reset) => 1,
            (Self::Smoke, BrokerKill) if nodes > 1 => 1,
            (Self::Smoke, _) => 0,
            (_, Kill) => 20,
            (_, Stop | BrokerRestart | BrokerKill | BlackHole | Reset | Cut | Term) => 2,
            (Self::All, LongStop | Stall | Abort | Latency | Partitions | Policy) => 2,
            (_, LongStop | Abort | Latency | Policy) => 1,
            (Self::All, Right | DiskFull) => 1,
            (Self::Full, Stall | Partitions | Right | DiskFull) => 0,
        }
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: Kind,
    /// The router or the node that it strikes.
    pub target: usize,
    /// How long the cause lasts.
    pub lasts: Duration,
    /// How long nothing more happens afterwards.
    pub pause: Duration,
}

impl Step {
    /// How long it takes with everything that belongs to it, as far as one can know beforehand.
    pub fn planned(&self) -> Duration {
        let around = match self.kind {
            Kind::Term | Kind::Abort | Kind::Stall | Kind::Right => 3,
            Kind::BrokerRestart | Kind::BrokerKill => 6,
            Kind::Policy | Kind::DiskFull => 10,
            _ => 0,
        };
        self.lasts + self.pause + Duration::from_secs(around)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::BrokerRestart | Kind::BrokerKill | Kind::DiskFull => "node",
            Kind::Partitions | Kind::Policy | Kind::Right => "all, from",
            _ => "router",
        };
        write!(
            f,
            "{:32} {what} {}, {:.1} s, then {:.1} s of peace",
            self.kind.name(),
            self.target,
            self.lasts.as_secs_f64(),
            self.pause.as_secs_f64()
        )
    }
}

/// Draws the schedule, of some kinds only if there are any.
pub fn draw(scope: Scope, only: &[Kind], routers: usize, nodes: usize, seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed);
    let is_wanted = |kind: &Kind| only.is_empty() || only.contains(kind);
    let mut kinds: Vec<_> = Kind::ALL
        .into_iter()
        .filter(is_wanted)
        .flat_map(|kind| vec![kind; scope.count(kind, nodes)])
        .collect();
    random.shuffle(&mut kinds);
    kinds.into_iter().map(|kind| step(kind, routers, nodes, &mut random)).collect()
}

fn step(kind: Kind, routers: usize, nodes: usize, random: &mut Random) -> Step {
    let targets = match kind {
        Kind::BrokerRestart | Kind::BrokerKill | Kind::DiskFull => nodes,
        _ => routers,
    };
    let target = random.below(targets);
    let lasts = match kind {
        // Until whoever supervises the process starts it again.
        Kind::Kill => random.between(0, 2_000),
        Kind::Term | Kind::Partitions | Kind::Policy => 0,
        Kind::Stop => 12_000,
        Kind::LongStop => 20_000,
        Kind::Stall => 25_000,
        Kind::Abort => 15_000,
        // With several nodes another one must take over meanwhile.
        Kind::BrokerRestart | Kind::BrokerKill => {
            if nodes > 1 {
                random.between(8_000, 15_000)
            } else {
                random.between(0, 3_000)
            }
        }
        Kind::Latency => 10_000,
        Kind::BlackHole => random.between(8_000, 22_000),
        Kind::Reset | Kind::Cut => random.between(1_000, 3_000),
        // Three transactions must fail before it shows.
        Kind::Right => 25_000,
        Kind::DiskFull => 10_000,
    };
    let pause = match kind {
        Kind::Partitions => random.between(10_000, 15_000),
        // Sometimes too short to recover in.
        _ => random.between(4_000, 12_000),
    };
    Step { kind, target, lasts: Duration::from_millis(lasts), pause: Duration::from_millis(pause) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_one_another() {
        assert_eq!(draw(Scope::All, &[], 2, 1, 7), draw(Scope::All, &[], 2, 1, 7));
        assert_ne!(draw(Scope::All, &[], 2, 1, 7), draw(Scope::All, &[], 2, 1, 8));
    }

    #[test]
    fn every_kind_of_fault_is_in_the_schedule_of_all_faults() {
        let schedule = draw(Scope::All, &[], 2, 1, 1);
        assert!(Kind::ALL.iter().all(|kind| schedule.iter().any(|step| step.kind == *kind)));
    }

    #[test]
    fn the_full_schedule_kills_twenty_times_and_stops_three_times() {
        let schedule = draw(Scope::Full, &[], 2, 1, 1);
        let count = |wanted: &[Kind]| schedule.iter().filter(|step| wanted.contains(&step.kind)).count();
        assert_eq!(count(&[Kind::Kill]), 20);
        assert_eq!(count(&[Kind::Stop, Kind::LongStop]), 3);
        assert!(count(&[Kind::BrokerRestart, Kind::BrokerKill]) >= 2);
    }
}
