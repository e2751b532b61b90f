//! What a worker counts: plain figures of the open transaction, added to the totals when it has committed.

use super::{
    fate::Fate,
    fields::{self, FieldNames},
};
use crate::{
    policy::RuleIndex,
    route::Destination,
    ticket::{DeadLetterReason, Note},
};

/// The triage reasons, those that a later version of the contract adds included.
const TRIAGE_REASONS: usize = 32;

/// Counts of records. No figure is derived from another, so that they can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records read.
    pub read: u64,
    /// Records written, by [`Destination`].
    pub written: [u64; Destination::ALL.len()],
    /// Tickets with an owner, by rule.
    pub tickets: Vec<u64>,
    /// Tickets in triage, by rule, those without one last; then by reason.
    pub triage: Vec<[u64; TRIAGE_REASONS]>,
    /// Dead letters, by reason.
    pub dead_letters: [u64; DeadLetterReason::ALL.len()],
    /// Tickets with an odd field, by the number of its name, then by [`Note`].
    pub fields: Vec<[u64; Note::ALL.len()]>,
}

impl Counts {
    /// Makes counts for a policy with this number of rules.
    #[must_use]
    pub fn new(rules: usize) -> Self {
        Self {
            tickets: vec![0; rules],
            triage: vec![[0; TRIAGE_REASONS]; rules + 1],
            fields: vec![Default::default(); fields::MAX_NAMES],
            ..Self::default()
        }
    }

    /// Counts what a record became.
    pub fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Owned(_, rule) => self.tickets[rule.get()] += 1,
            Fate::Triage(reason, rule) => {
                let row = rule.map_or(self.triage.len() - 1, RuleIndex::get);
                self.triage[row][reason as usize % TRIAGE_REASONS] += 1;
            }
            Fate::DeadLetter(reason) => self.dead_letters[reason as usize] += 1,
        }
    }

    /// Counts what is odd about a ticket that was sent.
    pub fn note<'n>(&mut self, notes: impl Iterator<Item = (Note, &'n str)>) {
        self.note_by(FieldNames::of_process(), notes);
    }

    fn note_by<'n>(&mut self, names: &FieldNames, notes: impl Iterator<Item = (Note, &'n str)>) {
        for (note, name) in notes {
            self.fields[names.number(name)][note as usize] += 1;
        }
    }

    /// Adds other counts of the same policy.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        add(&mut self.written, &other.written);
        self.tickets.resize(self.tickets.len().max(other.tickets.len()), 0);
        add(&mut self.tickets, &other.tickets);
        self.triage.resize(self.triage.len().max(other.triage.len()), [0; TRIAGE_REASONS]);
        self.triage.iter_mut().zip(&other.triage).for_each(|(all, more)| add(all, more));
        add(&mut self.dead_letters, &other.dead_letters);
        self.fields.resize(self.fields.len().max(other.fields.len()), Default::default());
        self.fields.iter_mut().zip(&other.fields).for_each(|(all, more)| add(all, more));
    }
}

fn add(all: &mut [u64], more: &[u64]) {
    all.iter_mut().zip(more).for_each(|(all, more)| *all += more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::decision::TriageReason;

    #[test]
    fn counts_of_transactions_are_added() {
        let mut counts = Counts::new(2);
        counts.read = 4;
        counts.count(Fate::Owned(Destination::Partner, RuleIndex(1)));
        counts.count(Fate::Triage(TriageReason::NoRule, Some(RuleIndex(0))));
        counts.count(Fate::Triage(TriageReason::UnknownOffer, None));
        counts.count(Fate::DeadLetter(DeadLetterReason::Poison));
        let names = FieldNames::default();
        counts.note_by(&names, [(Note::OddValue, "tags"), (Note::Dropped, "other")].into_iter());
        counts.note_by(&names, [(Note::OddValue, "tags")].into_iter());
        let of_tags = names.number("tags");
        assert_eq!((counts.fields[0], counts.fields[of_tags]), ([0, 0, 1], [2, 0, 0]));
        let mut total = Counts::default();
        total.add(&counts);
        total.add(&counts);
        assert_eq!((total.read, total.tickets[1]), (8, 2));
        assert_eq!(total.triage[0][TriageReason::NoRule as usize], 2);
        assert_eq!(total.triage[2][TriageReason::UnknownOffer as usize], 2);
        assert_eq!(total.dead_letters[DeadLetterReason::Poison as usize], 2);
    }

    #[test]
    fn every_triage_reason_of_the_contract_has_its_place() {
        let known = (0..).map_while(|number| TriageReason::try_from(number).ok()).count();
        assert!((10..=TRIAGE_REASONS).contains(&known), "{known}");
    }
}
