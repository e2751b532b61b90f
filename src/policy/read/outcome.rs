//! The outcome of a rule: owner, assignee, contacts, next; or triage.

use toml::de::DeValue;

use super::{
    Never, PartyUse,
    fields::{Fields, Text, Value, text, wrong},
};
use crate::{
    catalog::OfferContact,
    policy::{
        finding::{Finding, FindingKind, Span},
        rule::{Assignment, Next, Outcome, Party},
        suggest::did_you_mean,
    },
    proto::v1::decision::Owner,
};

const OWNERS: [(&str, Owner); 3] = [
    ("publisher", Owner::Publisher),
    ("partner", Owner::Partner),
    ("microsoft-commerce", Owner::MicrosoftCommerce),
];

const NEVER: [(&str, Never); 4] = [
    ("publisher", Never::Owner(Owner::Publisher)),
    ("partner", Never::Owner(Owner::Partner)),
    ("microsoft-commerce", Never::Owner(Owner::MicrosoftCommerce)),
    ("triage", Never::Triage),
];

const CONTACTS: [(&str, OfferContact); 3] = [
    ("customer-support", OfferContact::CustomerSupport),
    ("engineering", OfferContact::Engineering),
    ("csp-program", OfferContact::CspProgram),
];

/// A word of the file that stands for something, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::policy) struct Named<T> {
    pub(in crate::policy) value: T,
    pub(in crate::policy) name: String,
    pub(in crate::policy) span: Span,
}

/// Looks a word up in a closed list.
pub(in crate::policy) fn named<T: Copy>(
    what: &str,
    text: &Text,
    list: &[(&str, T)],
    findings: &mut Vec<Finding>,
) -> Option<Named<T>> {
    if let Some(&(_, value)) = list.iter().find(|(name, _)| *name == text.value) {
        return Some(Named { value, name: text.value.clone(), span: text.span.clone() });
    }
    let known = list.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    findings.push(
        Finding::new(
            FindingKind::WrongValue,
            format!("`{}` is not {what}", text.value.escape_debug()),
            text.span.clone(),
            "unknown word",
        )
        .note(format!("known are {known}"))
        .help_if(did_you_mean(&text.value, list.iter().map(|(name, _)| *name))),
    );
    None
}

/// Reads a party.
pub(in crate::policy) fn party(text: &Text, findings: &mut Vec<Finding>) -> Option<Named<Party>> {
    let parties = Party::ALL.map(|party| (party.name(), party));
    named("a party", text, &parties, findings)
}

/// Reads where an invariant forbids a ticket to go.
pub(super) fn never(text: &Text, findings: &mut Vec<Finding>) -> Option<Named<Never>> {
    named("an owner", text, &NEVER, findings)
}

/// Reads a list of contacts.
pub(in crate::policy) fn contacts(names: &[Text], findings: &mut Vec<Finding>) -> Vec<OfferContact> {
    let mut contacts = Vec::new();
    for name in names {
        let Some(contact) = named("a contact", name, &CONTACTS, findings) else { continue };
        if contacts.contains(&contact.value) {
            let title = format!("the contact `{}` stands twice", contact.name);
            findings.push(Finding::new(FindingKind::Duplicate, title, contact.span, "the second"));
        } else {
            contacts.push(contact.value);
        }
    }
    contacts
}

/// Returns the name of a contact in a policy file.
pub(crate) fn contact_name(contact: OfferContact) -> &'static str {
    match contact {
        OfferContact::CustomerSupport => "customer-support",
        OfferContact::Engineering => "engineering",
        OfferContact::CspProgram => "csp-program",
    }
}

/// Reads what comes next: a party, or one for resellers and one for all others.
pub(in crate::policy) fn next(
    value: &Value<'_>,
    findings: &mut Vec<Finding>,
) -> Option<(Next, Vec<(PartyUse, Span)>)> {
    let used = |party: &Named<Party>| (PartyUse::Party(party.value), party.span.clone());
    match value.get_ref() {
        DeValue::String(_) => {
            let party = party(&text(value, findings)?, findings)?;
            Some((Next::Party(party.value), vec![used(&party)]))
        }
        DeValue::Table(table) => {
            let mut fields = Fields::new("next", table, value.span());
            let then = fields.require_text("if-reseller", findings);
            let otherwise = fields.require_text("otherwise", findings);
            fields.finish(findings);
            let then = party(&then?, findings);
            let otherwise = party(&otherwise?, findings);
            let (then, otherwise) = (then?, otherwise?);
            let uses = vec![(PartyUse::IfReseller, value.span()), used(&then), used(&otherwise)];
            Some((Next::IfReseller { then: then.value, otherwise: otherwise.value }, uses))
        }
        _ => {
            findings.push(wrong(value, "a party, or `{ if-reseller = …, otherwise = … }`"));
            None
        }
    }
}

/// Reads the outcome of a rule, and the parties that it names.
pub(super) fn outcome(
    fields: &mut Fields<'_, '_>,
    findings: &mut Vec<Finding>,
) -> Option<(Outcome, Vec<(PartyUse, Span)>)> {
    if let Some(value) = fields.get("triage") {
        let reason = text(value, findings).and_then(|reason| {
            named("a triage reason that a rule can give", &reason, &[("no-rule", ())], findings)
        });
        for key in ["owner", "assignee", "contacts", "next"] {
            if let Some(value) = fields.get(key) {
                let title = format!("a triage rule has no `{key}`");
                findings.push(
                    Finding::new(FindingKind::UnknownKey, title, value.span(), "nobody owns the ticket yet")
                        .help("drop either `triage` or this"),
                );
            }
        }
        reason?;
        return Some((Outcome::Triage, Vec::new()));
    }
    let owner = fields.require_text("owner", findings);
    let owner = owner.and_then(|owner| named("an owner", &owner, &OWNERS, findings));
    let assignee = match fields.get("assignee") {
        Some(value) => text(value, findings).and_then(|name| party(&name, findings)),
        None => match &owner {
            // There is one Microsoft, so the owner says it all.
            Some(owner) if owner.value == Owner::MicrosoftCommerce => Some(Named {
                value: Party::MicrosoftCommerce,
                name: owner.name.clone(),
                span: owner.span.clone(),
            }),
            _ => {
                fields.require("assignee", findings);
                None
            }
        },
    };
    let contacts = contacts(&fields.texts("contacts", findings), findings);
    let (next, mut parties) = match fields.get("next") {
        Some(value) => self::next(value, findings)?,
        None => (Next::Nobody, Vec::new()),
    };
    let (owner, assignee) = (owner?, assignee?);
    if assignee.value.owner() != owner.value {
        let title = format!("the assignee `{}` is not a `{}`", assignee.name, owner.name);
        findings.push(
            Finding::new(FindingKind::WrongParty, title, assignee.span.clone(), "this party")
                .mark(owner.span, "does not agree with this owner"),
        );
    }
    parties.push((PartyUse::Party(assignee.value), assignee.span));
    Some((Outcome::Owned(Assignment { assignee: assignee.value, contacts, next }), parties))
}
