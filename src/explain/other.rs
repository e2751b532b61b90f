//! The least that would have to differ for another owner.

use super::{
    Named, OtherOwner,
    change::{Change, candidates},
    difference::{Difference, differences, of_category},
    words::{either, named, value_name},
    world::{Owned, World, made_up},
};
use crate::{
    catalog::Snapshot,
    decide::{Assignee, Ruling},
    policy::Policy,
    proto::v1::{decision::Owner, ticket::Category},
    ticket::Ticket,
};

/// How many ways to one owner are shown: more would hide the first ones.
const MAX_WAYS: usize = 4;

/// Ways to one owner, those that differ in the category alone taken together.
struct Target {
    owned: Owned,
    ways: Vec<Way>,
}

struct Way {
    facts: Vec<String>,
    changes: Vec<Difference>,
    categories: Vec<Category>,
}

/// Finds, for each owner that the ticket could have, the smallest changes that give it that owner: of one
/// fact; and of two where no single one leads to an owner of that kind.
pub(super) fn other_owners(
    policy: &Policy,
    catalog: &Snapshot,
    ticket: &Ticket<'_>,
    ruling: &Ruling<'_>,
) -> Vec<OtherOwner> {
    let (now, rule) = match ruling {
        Ruling::Owned { rule, assignee, .. } => {
            (Some(Owned::new(*assignee, *rule)), Some(policy.rule(*rule)))
        }
        Ruling::Triage { rule, .. } => (None, rule.map(|rule| policy.rule(rule))),
    };
    let world = World::of(ticket, catalog);
    let candidates = candidates(policy, rule);
    let mut targets = Vec::new();
    let mut single = Vec::new();
    for change in &candidates {
        let mut changed = world.clone();
        let Some(words) = change.apply(policy, &mut changed) else { continue };
        if let Some(owned) = changed.decide(policy) {
            let facts = differences(policy, &world, &changed);
            add(&mut targets, now.as_ref(), owned, &[change], &[words.as_str()], facts);
        }
        single.push((change, words, changed));
    }
    let is_reached = |targets: &[Target], owner: Owner| {
        targets.iter().any(|it| it.owned.owner == owner) || now.as_ref().is_some_and(|now| now.owner == owner)
    };
    let missing: Vec<Owner> = [Owner::Partner, Owner::Publisher, Owner::MicrosoftCommerce]
        .into_iter()
        .filter(|&owner| !is_reached(&targets, owner))
        .collect();
    if !missing.is_empty() {
        for (first, words, once) in &single {
            for second in
                candidates.iter().filter(|it| std::mem::discriminant(*it) != std::mem::discriminant(*first))
            {
                let mut changed = once.clone();
                let Some(more) = second.apply(policy, &mut changed) else { continue };
                if let Some(owned) = changed.decide(policy).filter(|it| missing.contains(&it.owner)) {
                    let facts = differences(policy, &world, &changed);
                    let words = [words.as_str(), more.as_str()];
                    add(&mut targets, now.as_ref(), owned, &[*first, second], &words, facts);
                }
            }
        }
    }
    targets.into_iter().map(|target| worded(policy, catalog, target)).collect()
}

fn add(
    targets: &mut Vec<Target>,
    now: Option<&Owned>,
    owned: Owned,
    changes: &[&Change],
    words: &[&str],
    differences: Vec<Difference>,
) {
    if now.is_some_and(|now| now.is_same_party(&owned)) {
        return;
    }
    let place = targets.iter().position(|target| target.owned.is_same_party(&owned)).unwrap_or_else(|| {
        targets.push(Target { owned, ways: Vec::new() });
        targets.len() - 1
    });
    let ways = &mut targets[place].ways;
    let category = changes.iter().find_map(|change| match change {
        Change::Category(category) => Some(*category),
        _ => None,
    });
    let facts: Vec<String> = words.iter().filter(|it| !it.is_empty()).map(|&it| it.to_owned()).collect();
    let is_same = |way: &&mut Way| {
        way.facts.iter().all(|fact| facts.contains(fact))
            && way.facts.len() == facts.len()
            && way.categories.is_empty() == category.is_none()
    };
    match ways.iter_mut().find(is_same) {
        Some(way) => way.categories.extend(category.filter(|it| !way.categories.contains(it))),
        None => {
            let categories = category.into_iter().collect();
            ways.push(Way { facts, changes: differences, categories });
        }
    }
}

fn worded(policy: &Policy, catalog: &Snapshot, target: Target) -> OtherOwner {
    let Owned { owner, id, .. } = &target.owned;
    let would_be =
        |name: &str| Named { owner: owner.as_str_name(), id: String::new(), name: name.to_owned() };
    let owner = match (id.as_str(), owner) {
        (made_up::PARTNER, _) => would_be("the partner that it would name"),
        (made_up::PROVIDER, _) => would_be("the provider that would be named"),
        (made_up::PUBLISHER, _) => would_be("the publisher of the offer that it would name"),
        (id, Owner::Partner) => named(catalog, Assignee::Partner(id)),
        (id, Owner::Publisher) => named(catalog, Assignee::Publisher(id)),
        _ => named(catalog, Assignee::MicrosoftCommerce),
    };
    let way = |mut way: Way| {
        if !way.categories.is_empty() {
            way.facts.push(category_words(policy, &way.categories));
            way.changes.push(of_category(&way.categories));
        }
        (way.facts, way.changes)
    };
    let (ways, changes) = target.ways.into_iter().take(MAX_WAYS).map(way).unzip();
    OtherOwner { owner, ways, changes }
}

/// `the category were commerce, deployment or none`: whole groups of the policy by their names.
fn category_words(policy: &Policy, categories: &[Category]) -> String {
    let mut rest: Vec<String> =
        categories.iter().map(|category| value_name(category.as_str_name(), "CATEGORY_")).collect();
    let mut names = Vec::new();
    for (column, group, members) in policy.groups() {
        let members: Vec<&str> = members.split(", ").collect();
        let is_whole = members.len() > 1 && members.iter().all(|&member| rest.iter().any(|it| it == member));
        if column == "category" && is_whole {
            rest.retain(|it| !members.contains(&it.as_str()));
            names.push(format!("{group} ({})", members.join(", ")));
        }
    }
    let none = rest.iter().position(|it| it == "none").map(|place| rest.remove(place));
    names.append(&mut rest);
    match (none.is_some(), names.is_empty()) {
        (true, true) => "it had no category".to_owned(),
        (true, false) => format!("the category were {}, or there were none", either(&names)),
        (false, _) => format!("the category were {}", either(&names)),
    }
}
