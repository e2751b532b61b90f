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

const NEXT: &str =
    "a party, or a table of `if-reseller`, `if-azure-based`, `if-not-azure-based`, `otherwise`";

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

/// Reads what comes next: a party, or a table of conditions and parties.
pub(in crate::policy) fn next(
    value: &Value<'_>,
    findings: &mut Vec<Finding>,
) -> Option<(Next, Vec<(PartyUse, Span)>)> {
    let used = |party: &Named<Party>| (PartyUse::Party(party.value), party.span.clone());
    match value.get_ref() {
        DeValue::String(_) => {
            let party = party(&text(value, findings)?, findings)?;
            Some((Next::to(party.value), vec![used(&party)]))
        }
        DeValue::Table(table) => {
            let mut fields = Fields::new("next", table, value.span());
            let before = findings.len();
            let mut uses = Vec::new();
            let mut choice = |key| {
                let value = fields.get(key)?;
                let party = party(&text(value, findings)?, findings)?;
                uses.push(used(&party));
                Some(party)
            };
            let if_reseller = choice("if-reseller");
            let if_azure_based = choice("if-azure-based");
            let if_not_azure_based = choice("if-not-azure-based");
            let otherwise = choice("otherwise");
            fields.finish(findings);
            if let (Some(_), Some(_), Some(never)) = (&if_azure_based, &if_not_azure_based, &otherwise) {
                findings.push(
                    Finding::new(
                        FindingKind::WrongValue,
                        "`otherwise` is never used here",
                        never.span.clone(),
                        "an offer is Azure-based or it is not",
                    )
                    .note("if the catalog does not say which, nobody takes over"),
                );
            }
            if uses.is_empty() && findings.len() == before {
                findings.push(wrong(value, NEXT));
            }
            if findings.len() > before {
                return None;
            }
            if if_reseller.is_some() {
                uses.push((PartyUse::IfReseller, value.span()));
            }
            let party = |named: Option<Named<Party>>| named.map(|named| named.value);
            let next = Next {
                if_reseller: party(if_reseller),
                if_azure_based: party(if_azure_based),
                if_not_azure_based: party(if_not_azure_based),
                otherwise: party(otherwise),
            };
            Some((next, uses))
        }
        _ => {
            findings.push(wrong(value, NEXT));
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
        None => (Next::NOBODY, Vec::new()),
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
