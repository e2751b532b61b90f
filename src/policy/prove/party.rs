//! Outcomes that name a party which such tickets do not have.

use super::example;
use crate::policy::{
    column::Kind,
    draft::{Draft, DraftRule},
    finding::{Finding, FindingKind},
    read::PartyUse,
    region::Region,
    rule::Party,
    values::ValueSet,
};

/// Finds the rules and exceptions that name such a party.
pub(super) fn find(draft: &Draft, findings: &mut Vec<Finding>) {
    for rule in &draft.rules {
        check(draft, rule, &rule.region, findings);
    }
    for exception in &draft.exceptions {
        let mut regions = exception
            .overrides
            .iter()
            .filter_map(|&(rule, _)| exception.region.and(&draft.rules[rule].region));
        let before = findings.len();
        while let Some(region) = regions.next().filter(|_| findings.len() == before) {
            check(draft, exception, &region, findings);
        }
    }
}

fn check(draft: &Draft, rule: &DraftRule, region: &Region, findings: &mut Vec<Finding>) {
    let requester = draft
        .columns
        .iter()
        .position(|column| column.kind == Kind::Requester)
        .expect("every policy has the column");
    let column = &draft.columns[requester];
    for (used, span) in &rule.parties {
        let (name, askers) = askers(*used);
        let others = ValueSet::of(
            column.size(),
            (0..column.size()).filter(|&value| !askers.contains(&column.values[value].as_str())),
        );
        let mut without = Region::all(draft.columns.len());
        without.narrow(requester, others);
        let Some(common) = region.and(&without).filter(|_| askers.len() < column.size()) else { continue };
        let title = format!("`{}` takes tickets that have no {name}", rule.id.value);
        let askers = askers.iter().map(|asker| format!("a {asker}'s")).collect::<Vec<_>>().join(" or ");
        findings.push(
            Finding::new(FindingKind::WrongParty, title, span.clone(), "named here")
                .mark(rule.id.span.clone(), "by this one")
                .note(format!("only {askers} ticket has one"))
                .note(example(draft, &common)),
        );
    }
}

/// Says whose tickets have the party.
fn askers(used: PartyUse) -> (&'static str, &'static [&'static str]) {
    const ALL: &[&str] = &["customer", "partner", "publisher"];
    match used {
        PartyUse::IfReseller => ("assigned partner that could be a reseller", &["customer"]),
        PartyUse::Party(party) => match party {
            Party::AssignedPartner => ("assigned partner", &["customer"]),
            Party::RequestingPartner => ("requesting partner", &["partner"]),
            Party::RequestingPublisher => ("requesting publisher", &["publisher"]),
            Party::Provider => ("partner with a provider", &["customer", "partner"]),
            Party::OfferPublisher => ("offer publisher", ALL),
            Party::MicrosoftCommerce => ("Microsoft commerce", ALL),
        },
    }
}
