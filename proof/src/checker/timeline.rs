//! What was in force when, from the notes of the run.

use std::collections::HashMap;

use ticket_router_proof::notes::Note;

/// Catalogs, policies and rights over time. All times are milliseconds since 1970.
pub struct Timeline {
    /// How much older than the ticket a catalog may be: the routers follow its topics, and a network that is silent holds both back.
    pub catalog_grace_ms: i64,
    /// Each state with the time from which it may, and until which it may, have been in force.
    catalogs: Vec<(usize, i64, i64)>,
    policies: Vec<(String, usize, i64, i64)>,
    forbidden: Vec<(usize, i64, i64)>,
}

/// How long a right that was given back may still be missed: the routers look for it from time to time.
const FORBIDDEN_GRACE_MS: i64 = 60_000;

impl Timeline {
    pub fn new(notes: &[Note], catalog_grace_ms: i64) -> Self {
        let mut catalogs: Vec<(usize, i64, i64)> = Vec::new();
        let mut policies: Vec<(String, usize, i64, i64)> = Vec::new();
        let mut forbidden = Vec::new();
        for note in notes {
            match note {
                Note::Catalog { state, began, ended } => {
                    if let Some((.., until)) = catalogs.last_mut() {
                        *until = *ended;
                    }
                    catalogs.push((*state, *began, i64::MAX));
                }
                Note::Policy { version, is_changed, began, ended } => {
                    if let Some((.., until)) = policies.last_mut() {
                        *until = *ended;
                    }
                    policies.push((version.clone(), usize::from(*is_changed), *began, i64::MAX));
                }
                Note::Forbidden { topic, began, ended } => {
                    forbidden.push((*topic, *began, *ended + FORBIDDEN_GRACE_MS));
                }
                _ => {}
            }
        }
        Self { catalog_grace_ms, catalogs, policies, forbidden }
    }

    /// Which of the two policies a version is, if it was in force at some moment between.
    pub fn policy(&self, version: &str, from: i64, to: i64) -> Option<usize> {
        let found = self
            .policies
            .iter()
            .find(|(it, _, began, ended)| it == version && *began <= to && *ended >= from);
        found.map(|(_, policy, ..)| *policy)
    }

    /// How long before `from` the youngest catalog that matches was replaced; 0 if one was in force between `from` and `to`.
    pub fn catalog_age(&self, matching: [bool; 2], from: i64, to: i64) -> Option<i64> {
        let candidates = self.catalogs.iter().filter(|(state, began, _)| matching[*state] && *began <= to);
        candidates.map(|(.., ended)| (from - *ended).max(0)).min()
    }

    pub fn was_forbidden(&self, topic: usize, from: i64, to: i64) -> bool {
        self.forbidden.iter().any(|(it, began, ended)| *it == topic && *began <= to && *ended >= from)
    }

    /// Versions by name, for the report.
    pub fn policies(&self) -> usize {
        self.policies.iter().map(|(version, ..)| (version, ())).collect::<HashMap<_, _>>().len()
    }

    pub fn flips(&self) -> usize {
        self.catalogs.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> Timeline {
        let flip = |state, at| Note::Catalog { state, began: at, ended: at + 1 };
        let policy = |version: &str, is_changed, at| Note::Policy {
            version: version.to_owned(),
            is_changed,
            began: at,
            ended: at + 10,
        };
        let notes = [flip(0, 0), flip(1, 100), flip(0, 200), policy("a", false, 0), policy("b", true, 150)];
        Timeline::new(&notes, 50)
    }

    #[test]
    fn a_catalog_that_was_in_force_meanwhile_has_no_age() {
        let timeline = timeline();
        assert_eq!(timeline.catalog_age([true, false], 50, 60), Some(0));
        assert_eq!(timeline.catalog_age([false, true], 50, 60), None, "it comes later");
        assert_eq!(timeline.catalog_age([false, true], 90, 110), Some(0));
        assert_eq!(timeline.catalog_age([false, true], 241, 250), Some(40));
    }

    #[test]
    fn a_policy_counts_from_its_first_router_to_the_last_router_without_it() {
        let timeline = timeline();
        assert_eq!(timeline.policy("a", 155, 156), Some(0));
        assert_eq!(timeline.policy("a", 161, 170), None);
        assert_eq!(timeline.policy("b", 100, 149), None);
        assert_eq!(timeline.policy("b", 100, 151), Some(1));
    }
}
