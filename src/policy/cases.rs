//! Cases as data: what a support lead expects of a policy, and whether it does so.

use toml::de::DeValue;

use super::{
    Case, ELECTIONS, Election, Fact, MODELS, Next, Outcome, Party, Policy, Refused, RuleIndex, Verdict,
    column::{Column, Kind, NONE},
    finding::{Finding, FindingKind},
    read::{Fields, Text, Value, contacts, entries, next, parse, party, text, texts, wrong},
    suggest::did_you_mean,
};
use crate::{
    catalog::OfferContact,
    proto::v1::{
        decision::TriageReason,
        partner::Model,
        ticket::{Category, Severity, requester::Role},
    },
};

/// One case: what is given, and what is expected.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// What the case is about, in a sentence.
    pub name: String,
    given: Given,
    expected: Expected,
}

#[derive(Clone, Debug)]
struct Given {
    requester: Role,
    category: Category,
    severity: Severity,
    model: Option<Model>,
    technical_support: Option<Election>,
    azure_based: Option<bool>,
    source: String,
    /// In the order of the policy's attributes.
    attributes: Vec<Option<String>>,
    offer: String,
    publisher: String,
    partner: String,
}

#[derive(Clone, Default, Debug)]
struct Expected {
    rule: Option<String>,
    assignee: Option<Party>,
    contacts: Option<Vec<OfferContact>>,
    next: Option<Next>,
    triage: Option<TriageReason>,
}

/// How a case came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestOutcome {
    /// The rule that decided, if one did.
    pub rule: Option<RuleIndex>,
    /// What was expected and what came, a line a difference; none if the case passes.
    pub differences: Vec<String>,
}

impl TestCase {
    /// Decides the case and compares.
    #[must_use]
    pub fn run(&self, policy: &Policy) -> TestOutcome {
        let attributes: Vec<Option<&str>> = self.given.attributes.iter().map(Option::as_deref).collect();
        let verdict = policy.decide(&self.given.case(&attributes));
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: Option<String>, found: String| {
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                differences.push(format!("{what}: expected {expected}, found {found}"));
            }
        };
        let rule = match verdict {
            Verdict::Rule(index) => Some(index),
            Verdict::Absent(_) => None,
        };
        let decided = rule.map(|index| policy.rule(index));
        let assignment = decided.and_then(|rule| match &rule.outcome {
            Outcome::Owned(assignment) => Some(assignment),
            Outcome::Triage => None,
        });
        let triage = match verdict {
            Verdict::Absent(reason) => reason_name(reason),
            Verdict::Rule(_) if assignment.is_none() => reason_name(TriageReason::NoRule),
            Verdict::Rule(_) => "an owner".to_owned(),
        };
        let nobody = || "none, but triage".to_owned();
        compare("triage", self.expected.triage.map(reason_name), triage);
        let found = decided.map_or_else(|| "none".to_owned(), |rule| rule.id.clone());
        compare("rule", self.expected.rule.clone(), found);
        let found = assignment.map_or_else(nobody, |to| to.assignee.name().to_owned());
        compare("assignee", self.expected.assignee.map(|party| party.name().to_owned()), found);
        let words = |contacts: &[OfferContact]| format!("{contacts:?}");
        let found = assignment.map_or_else(nobody, |to| words(&to.contacts));
        compare("contacts", self.expected.contacts.as_deref().map(words), found);
        let found = assignment.map_or_else(nobody, |to| format!("{:?}", to.next));
        compare("next", self.expected.next.map(|next| format!("{next:?}")), found);
        TestOutcome { rule, differences }
    }
}

impl Given {
    fn case<'a>(&'a self, attributes: &'a [Option<&'a str>]) -> Case<'a> {
        fn fact<T>(value: Option<T>, reason: TriageReason) -> Fact<T> {
            value.map_or(Fact::Absent(reason), Fact::Known)
        }
        Case {
            requester: self.requester,
            category: self.category,
            severity: self.severity,
            model: fact(self.model, TriageReason::MissingModel),
            technical_support: fact(self.technical_support, TriageReason::MissingPartner),
            azure_based: fact(self.azure_based, TriageReason::IncompleteOffer),
            source: &self.source,
            attributes,
            offer: &self.offer,
            publisher: &self.publisher,
            partner: &self.partner,
        }
    }
}

/// Returns the name of a reason in a case file: `missing-model`.
fn reason_name(reason: TriageReason) -> String {
    let name = reason.as_str_name();
    name.strip_prefix("TRIAGE_REASON_").unwrap_or(name).to_ascii_lowercase().replace('_', "-")
}

/// Reads a file of cases for a policy.
///
/// # Errors
///
/// [`Refused`] with everything that is wrong with the file.
pub fn load_cases(policy: &Policy, name: &str, text: &str) -> Result<Vec<TestCase>, Refused> {
    let mut findings = Vec::new();
    let mut cases = Vec::new();
    if let Some(document) = parse(text, &mut findings) {
        let mut fields = Fields::new("file of cases", &document, 0..0);
        for case in fields.tables("case", &mut findings) {
            cases.extend(read_case(policy, case, &mut findings));
        }
        fields.finish(&mut findings);
    }
    if findings.is_empty() { Ok(cases) } else { Err(Refused::new(name, text, findings)) }
}

fn read_case(policy: &Policy, mut fields: Fields<'_, '_>, findings: &mut Vec<Finding>) -> Option<TestCase> {
    let name = fields.require_text("name", findings);
    let given = fields.require("given", findings).and_then(|value| given(policy, value, findings));
    let expected = fields.require("expect", findings).and_then(|value| expected(policy, value, findings));
    fields.finish(findings);
    Some(TestCase { name: name?.value, given: given?, expected: expected? })
}

fn given(policy: &Policy, value: &Value<'_>, findings: &mut Vec<Finding>) -> Option<Given> {
    let DeValue::Table(table) = value.get_ref() else {
        findings.push(wrong(value, "a table of columns"));
        return None;
    };
    let mut given = Given {
        requester: Role::Unspecified,
        category: Category::Unspecified,
        severity: Severity::Unspecified,
        model: None,
        technical_support: None,
        azure_based: None,
        source: String::new(),
        attributes: vec![None; policy.attributes.len()],
        offer: String::new(),
        publisher: String::new(),
        partner: String::new(),
    };
    for (key, value) in super::read::columns_of(table) {
        let Some(column) = policy.columns.iter().find(|column| column.name == key.value) else {
            let title = format!("there is no column `{}`", key.value.escape_debug());
            let names = policy.columns.iter().map(|column| column.name.as_str());
            findings.push(
                Finding::new(FindingKind::UnknownColumn, title, key.span, "unknown column")
                    .help_if(did_you_mean(&key.value, names)),
            );
            continue;
        };
        if let Some(value) = text(value, findings) {
            give(&mut given, column, value, findings);
        }
    }
    if given.requester == Role::Unspecified {
        let title = "the case does not say who asks";
        findings.push(Finding::new(FindingKind::MissingKey, title, value.span(), "`requester` is missing"));
    }
    Some(given)
}

fn give(given: &mut Given, column: &Column, text: Text, findings: &mut Vec<Finding>) {
    let place = || column.value(&text.value);
    let known = match column.kind {
        Kind::Source => return given.source = text.value,
        Kind::Offer => return given.offer = text.value,
        Kind::Publisher => return given.publisher = text.value,
        Kind::Partner => return given.partner = text.value,
        Kind::Attribute(index) => {
            let value = Some(text.value).filter(|value| value != NONE);
            return given.attributes[index] = value;
        }
        Kind::Requester => place().map(|value| {
            given.requester = [Role::Customer, Role::Partner, Role::Publisher][value];
        }),
        Kind::Category => place().and_then(|value| Category::try_from(value as i32).ok()).map(|category| {
            given.category = category;
        }),
        Kind::Severity => place().and_then(|value| Severity::try_from(value as i32).ok()).map(|severity| {
            given.severity = severity;
        }),
        Kind::Model => place().map(|value| given.model = Some(MODELS[value])),
        Kind::TechnicalSupport => place().map(|value| given.technical_support = Some(ELECTIONS[value])),
        Kind::AzureBased => place().map(|value| given.azure_based = Some(value == 0)),
    };
    if known.is_none() {
        let title = format!("`{}` is not a value of `{}`", text.value.escape_debug(), column.name);
        let values = column.values.iter().map(String::as_str);
        findings.push(
            Finding::new(FindingKind::UnknownValue, title, text.span.clone(), "unknown value")
                .note("a case gives one value a column, not a group")
                .help_if(did_you_mean(&text.value, values)),
        );
    }
}

fn expected(policy: &Policy, value: &Value<'_>, findings: &mut Vec<Finding>) -> Option<Expected> {
    let DeValue::Table(table) = value.get_ref() else {
        findings.push(wrong(value, "a table of what is expected"));
        return None;
    };
    if entries(table).is_empty() {
        let title = "the case expects nothing";
        findings.push(Finding::new(FindingKind::EmptySet, title, value.span(), "empty"));
    }
    let mut fields = Fields::new("expectation", table, value.span());
    let mut expected = Expected::default();
    if let Some(rule) = fields.get("rule").and_then(|value| text(value, findings)) {
        if !policy.rules.iter().any(|known| known.id == rule.value) {
            let title = format!("there is no rule `{}`", rule.value.escape_debug());
            let known = policy.rules.iter().map(|rule| rule.id.as_str());
            findings.push(
                Finding::new(FindingKind::UnknownRule, title, rule.span, "unknown rule")
                    .help_if(did_you_mean(&rule.value, known)),
            );
        }
        expected.rule = Some(rule.value);
    }
    if let Some(assignee) = fields.get("assignee").and_then(|value| text(value, findings)) {
        expected.assignee = party(&assignee, findings).map(|party| party.value);
    }
    if let Some(value) = fields.get("contacts") {
        expected.contacts = Some(contacts(&texts(value, findings), findings));
    }
    if let Some(value) = fields.get("next") {
        expected.next = match value.get_ref() {
            DeValue::String(word) if word.as_ref() == "nobody" => Some(Next::NOBODY),
            _ => next(value, findings).map(|(next, _)| next),
        };
    }
    if let Some(reason) = fields.get("triage").and_then(|value| text(value, findings)) {
        let reasons: Vec<(String, TriageReason)> = (1..)
            .map_while(|number| TriageReason::try_from(number).ok())
            .map(|reason| (reason_name(reason), reason))
            .collect();
        let list: Vec<(&str, TriageReason)> =
            reasons.iter().map(|(name, reason)| (name.as_str(), *reason)).collect();
        expected.triage =
            super::read::named("a triage reason", &reason, &list, findings).map(|reason| reason.value);
    }
    fields.finish(findings);
    Some(expected)
}
