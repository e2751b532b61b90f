//! The texts of a decision that do not depend on the ticket, encoded once.

use prost::Message;

use crate::{
    encode::{Hex, string::push_string},
    policy::{Policy, RuleIndex},
    proto::v1::{Decision, decision::TriageReason},
    ticket::Format,
};

/// The encoded texts of one policy in one format.
#[derive(Debug)]
pub struct TextTable {
    /// `rule`, `reason` and `clauses` of each rule.
    rules: Vec<Box<[u8]>>,
    /// `rule`, `reason` and `clauses` of each rule in a ticket that is in triage for the reason: by rule,
    /// then by reason.
    rule_triage: Vec<Vec<Box<[u8]>>>,
    /// `reason` for triage without a rule, by reason.
    triage: Vec<Box<[u8]>>,
    /// `policyVersion`.
    version: Box<[u8]>,
}

impl TextTable {
    /// Encodes the texts of `policy`.
    #[must_use]
    pub fn new(format: Format, policy: &Policy) -> Self {
        let encode = |rule: &str, reason: &str, clauses: &[String]| {
            fragment(
                format,
                &Decision {
                    rule: rule.to_owned(),
                    reason: reason.to_owned(),
                    clauses: clauses.to_vec(),
                    ..Decision::default()
                },
            )
        };
        let rules = policy.rules();
        Self {
            rules: rules.iter().map(|rule| encode(&rule.id, &rule.reason, &rule.clauses)).collect(),
            rule_triage: rules
                .iter()
                .map(|rule| {
                    reasons()
                        .map(|reason| encode(&rule.id, triage_text(reason, &rule.reason), &rule.clauses))
                        .collect()
                })
                .collect(),
            triage: reasons().map(|reason| encode("", reason_text(reason), &[])).collect(),
            version: fragment(
                format,
                &Decision { policy_version: Hex::new(policy.version()).to_string(), ..Decision::default() },
            ),
        }
    }

    pub(super) fn of_rule(&self, rule: RuleIndex) -> &[u8] {
        &self.rules[rule.get()]
    }

    pub(super) fn of_triage(&self, reason: TriageReason, rule: Option<RuleIndex>) -> &[u8] {
        let texts = rule.map_or(&self.triage, |rule| &self.rule_triage[rule.get()]);
        &texts[reason as usize]
    }

    pub(super) fn version(&self) -> &[u8] {
        &self.version
    }
}

/// The reasons in the order of their numbers, which is the index into the tables.
fn reasons() -> impl Iterator<Item = TriageReason> {
    (0..).map_while(|number| TriageReason::try_from(number).ok())
}

/// The fields of a decision as they stand inside one: in protobuf as they are, in JSON `,"name":value` each.
fn fragment(format: Format, fields: &Decision) -> Box<[u8]> {
    match format {
        Format::Protobuf => fields.encode_to_vec().into(),
        Format::Json => {
            let mut out = Vec::new();
            let mut string = |name: &str, value: &str| {
                if !value.is_empty() {
                    out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                    push_string(&mut out, value);
                }
            };
            string("rule", &fields.rule);
            string("reason", &fields.reason);
            string("policyVersion", &fields.policy_version);
            for (index, clause) in fields.clauses.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b",\"clauses\":[" } else { b"," });
                push_string(&mut out, clause);
            }
            if !fields.clauses.is_empty() {
                out.push(b']');
            }
            out.into()
        }
    }
}

/// The sentence for a ticket in triage to which a rule applies: a triage rule speaks for itself.
fn triage_text(reason: TriageReason, of_rule: &str) -> &str {
    if reason == TriageReason::NoRule { of_rule } else { reason_text(reason) }
}

/// Says in one sentence why a ticket is in triage, and what would get it out.
#[must_use]
pub const fn reason_text(reason: TriageReason) -> &'static str {
    match reason {
        TriageReason::Unspecified => "",
        TriageReason::UnknownRole => {
            "The requester's role is one that this version of the router does not know; a person must decide who owns the ticket."
        }
        TriageReason::MissingRole => {
            "The ticket does not say whether a customer, a partner or a publisher asks; its source must set the requester's role."
        }
        TriageReason::UnknownCategory => {
            "The ticket's category is one that this version of the router does not know; a person must decide who owns the ticket."
        }
        TriageReason::MissingRequester => {
            "A partner or publisher asks, but the ticket does not say which one; its source must set the requester's id."
        }
        TriageReason::UnknownOffer => {
            "The ticket names an offer that is not in the catalog; check the id, or add the offer."
        }
        TriageReason::UnknownPublisher => {
            "The publisher of the offer, or the one that asks, is not in the catalog; check the id, or add the publisher."
        }
        TriageReason::UnknownPartner => {
            "The ticket names a partner that is not in the catalog; check the id, or add the partner."
        }
        TriageReason::FirstPartyOffer => {
            "The offer is Microsoft's own, and the rules of ownership are for third-party offers only."
        }
        TriageReason::RequesterNotPublisher => {
            "A publisher asks about an offer that another publisher made; a person must decide whether it may."
        }
        TriageReason::ContradictoryPartner => {
            "A partner asks, but the ticket names another partner; a person must decide which one is meant."
        }
        TriageReason::NoRule => "No rule says who owns such a ticket; a person must decide.",
        TriageReason::MissingOffer => {
            "Who owns the ticket depends on the offer, and the ticket names none; its source must set the offer's id."
        }
        TriageReason::MissingPartner => {
            "Who owns the ticket depends on the partner, and the ticket names none: the customer may have bought without a partner."
        }
        TriageReason::IncompleteOffer => {
            "Who owns the ticket depends on whether the offer is Azure-based, and the offer's record does not say."
        }
        TriageReason::MissingModel => {
            "Who owns the ticket depends on the partner's model, and the partner's record does not say."
        }
        TriageReason::MissingProvider => {
            "The ticket is for the partner's indirect provider, and the partner's record names none."
        }
        TriageReason::UnknownProvider => {
            "The ticket is for the partner's indirect provider, which is not in the catalog; check the id, or add the provider."
        }
        TriageReason::InvalidProvider => {
            "The ticket is for the partner's indirect provider, but the record it names is not an indirect provider's."
        }
        TriageReason::UnknownTechnicalSupport => {
            "Who owns the ticket depends on what the partner has elected for technical tickets, and its record says what this version of the router does not know."
        }
    }
}
