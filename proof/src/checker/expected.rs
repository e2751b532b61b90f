//! Where each ticket of a run belongs: by the oracle, and by what was in force when.

use ticket_router_proof::{
    judge::{Expectation, Input, Output, Ticket},
    topics::DEAD_LETTER,
    world::World,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    oracle::{Owner, Policy, owner},
    timeline::Timeline,
};

/// Catalog, policies and rights of a run, and what is learnt about them on the way.
pub struct Marketplace {
    world: World,
    pub timeline: Timeline,
    /// Tickets that were dead letters while their topic was forbidden.
    pub refused_meanwhile: u64,
    /// The oldest catalog that a decision was made with: how long before the ticket was sent it had been replaced, in milliseconds.
    pub oldest_catalog_ms: i64,
    /// Tickets whose owner depends on which catalog was in force.
    pub sensitive: u64,
}

/// Who may own a ticket: mostly the same whatever the catalog's state and the policy. A topic, and a digest of the assignee.
pub enum Owners {
    Same(u8, u64),
    /// By state of the catalog, then by policy.
    Differ(Box<[[(u8, u64); 2]; 2]>),
}

impl Marketplace {
    pub fn new(world: World, timeline: Timeline) -> Self {
        Self { world, timeline, refused_meanwhile: 0, oldest_catalog_ms: 0, sensitive: 0 }
    }

    fn dead_letter(&mut self, owners: &Owners, input: &Input, output: &Output<'_>) -> Option<String> {
        let of = |name: &str| output.record.header(&format!("ticket-router.error.{name}"));
        let was_forbidden = of("reason") == Some("TOPIC_CLOSED")
            && owners
                .topics()
                .iter()
                .any(|topic| self.timeline.was_forbidden(*topic, input.timestamp, output.seen_at));
        if was_forbidden {
            self.refused_meanwhile += 1;
            return None;
        }
        Some(format!("is a ticket, and a dead letter: {}", of("detail").unwrap_or_default()))
    }
}

impl Expectation for Marketplace {
    /// `None` for what is no ticket.
    type Of = Option<Owners>;

    fn of(&self, _: &Input, ticket: Option<&Ticket>) -> Option<Owners> {
        let compact = |(topic, assignee): Owner| (topic as u8, xxh3_64(assignee.as_bytes()));
        let ticket = ticket?;
        let all = [0, 1].map(|state| {
            [Policy::AsWritten, Policy::ContactsAtPublisher]
                .map(|policy| compact(owner(ticket, &self.world.states[state], policy)))
        });
        let (topic, assignee) = all[0][0];
        let is_same = all.iter().flatten().all(|it| *it == (topic, assignee));
        Some(if is_same { Owners::Same(topic, assignee) } else { Owners::Differ(Box::new(all)) })
    }

    fn objection(&mut self, of: &Option<Owners>, input: &Input, output: &Output<'_>) -> Option<String> {
        let owners = match (of, output.topic) {
            (None, DEAD_LETTER) => return None,
            (None, _) => return Some("is no ticket, and has an owner".to_owned()),
            (Some(owners), DEAD_LETTER) => return self.dead_letter(owners, input, output),
            (Some(owners), _) => owners,
        };
        let (from, to) = (input.timestamp, output.seen_at);
        let version = output.record.header("ticket-router.policy-version").unwrap_or_default();
        let Some(policy) = self.timeline.policy(version, from, to) else {
            return Some(format!("was decided by policy {version}, not in force then"));
        };
        // The judge itself says so.
        let routed = output.routed.as_ref()?;
        let got = (output.topic as u8, xxh3_64(routed.assignee.as_bytes()));
        let is_right = match owners {
            Owners::Same(topic, assignee) => (*topic, *assignee) == got,
            Owners::Differ(all) => {
                self.sensitive += u64::from(all[0][policy] != all[1][policy]);
                let matching = [0, 1].map(|state| all[state][policy] == got);
                let age = self.timeline.catalog_age(matching, from, to);
                self.oldest_catalog_ms = self.oldest_catalog_ms.max(age.unwrap_or_default());
                age.is_some_and(|age| age <= self.timeline.catalog_grace_ms)
            }
        };
        let (assignee, expected) = (&routed.assignee, owners.topics());
        (!is_right)
            .then(|| format!("is assigned to `{assignee}`, expected {expected:?}: {:?}", routed.ticket))
    }
}

impl Owners {
    /// The topics that the ticket may end in, whatever the time.
    fn topics(&self) -> Vec<usize> {
        match self {
            Self::Same(topic, _) => vec![usize::from(*topic)],
            Self::Differ(all) => {
                let mut topics: Vec<_> = all.iter().flatten().map(|(topic, _)| usize::from(*topic)).collect();
                topics.sort_unstable();
                topics.dedup();
                topics
            }
        }
    }
}
