//! The policy that comes with the program, against the table of ownership row by row.

use super::{super::*, ELECTIONS, MODELS, *};
use crate::catalog::OfferContact::{self, CspProgram, CustomerSupport, Engineering};

const TECHNICAL: &[Category] = &[Category::UserSupport, Category::BreakFix];
const COMMERCE: &[Category] = &[
    Category::Billing,
    Category::SubscriptionManagement,
    Category::AccountSetup,
    Category::Payment,
    Category::OfferManagement,
    Category::Transaction,
    Category::AccountSupport,
];
const AZURE: &[Category] = &[Category::Deployment, Category::Provisioning];
const REST: &[Category] =
    &[Category::PublisherContact, Category::PartnerEnablement, Category::Other, Category::Unspecified];

type Row = (&'static str, Option<(Party, Vec<OfferContact>, Next)>);

/// The table of ownership, written out by hand once more.
fn row(requester: Role, category: Category, model: Model, election: Election, azure_based: bool) -> Row {
    use Party::*;
    let to = |rule, party, contacts: &[OfferContact], next| (rule, Some((party, contacts.to_vec(), next)));
    let if_reseller = |otherwise| Next { if_reseller: Some(Provider), ..Next::to(otherwise) };
    let by_azure = Next {
        if_azure_based: Some(MicrosoftCommerce),
        if_not_azure_based: Some(OfferPublisher),
        ..Next::NOBODY
    };
    let is = |categories: &[Category]| categories.contains(&category);
    match requester {
        Role::Customer if is(TECHNICAL) && election == Election::Coordinate => to(
            "customer-technical-coordinated",
            AssignedPartner,
            &[CustomerSupport, Engineering],
            Next::to(OfferPublisher),
        ),
        Role::Customer if category == Category::UserSupport => {
            to("customer-user-support", OfferPublisher, &[CustomerSupport], Next::to(AssignedPartner))
        }
        Role::Customer if category == Category::BreakFix => {
            to("customer-break-fix", OfferPublisher, &[Engineering], Next::to(AssignedPartner))
        }
        Role::Customer if is(COMMERCE) => {
            to("customer-commerce", AssignedPartner, &[], if_reseller(MicrosoftCommerce))
        }
        Role::Customer if is(AZURE) => to(
            "customer-azure",
            AssignedPartner,
            &[Engineering],
            Next { if_reseller: Some(Provider), ..by_azure },
        ),
        Role::Customer => to("customer-other", AssignedPartner, &[CspProgram], if_reseller(OfferPublisher)),
        Role::Partner if category == Category::UserSupport => {
            to("partner-user-support", OfferPublisher, &[CustomerSupport], Next::NOBODY)
        }
        Role::Partner if category == Category::BreakFix => {
            to("partner-break-fix", OfferPublisher, &[Engineering], Next::NOBODY)
        }
        Role::Partner if model == Model::IndirectReseller && is(COMMERCE) => {
            to("reseller-commerce", Provider, &[], Next::to(MicrosoftCommerce))
        }
        Role::Partner if model == Model::IndirectReseller && is(AZURE) => {
            to("reseller-azure", Provider, &[], by_azure)
        }
        Role::Partner if model == Model::IndirectReseller => {
            to("reseller-other", Provider, &[], Next::to(OfferPublisher))
        }
        Role::Partner if is(COMMERCE) => to("partner-commerce", MicrosoftCommerce, &[], Next::NOBODY),
        Role::Partner if category == Category::PublisherContact => to(
            "partner-publisher-contact",
            MicrosoftCommerce,
            &[CustomerSupport, Engineering, CspProgram],
            Next::to(OfferPublisher),
        ),
        Role::Partner if is(AZURE) && azure_based => {
            to("partner-azure-based", MicrosoftCommerce, &[Engineering], Next::to(OfferPublisher))
        }
        Role::Partner if is(AZURE) => {
            to("partner-not-azure-based", OfferPublisher, &[Engineering], Next::NOBODY)
        }
        Role::Partner => to("partner-other", OfferPublisher, &[CspProgram], Next::NOBODY),
        _ if is(COMMERCE) => to("publisher-commerce", MicrosoftCommerce, &[], Next::NOBODY),
        _ if is(AZURE) && azure_based => to("publisher-azure-based", MicrosoftCommerce, &[], Next::NOBODY),
        _ if is(AZURE) => to("publisher-not-azure-based", RequestingPublisher, &[], Next::NOBODY),
        _ if is(TECHNICAL) || category == Category::PartnerEnablement => {
            to("publisher-own-support", RequestingPublisher, &[], Next::NOBODY)
        }
        _ => ("publisher-other", None),
    }
}

fn found(policy: &Policy, case: &Case<'_>) -> Row {
    let Verdict::Rule(index) = policy.decide(case) else { panic!("no rule for {case:?}") };
    let rule = policy.rule(index);
    let outcome = match &rule.outcome {
        Outcome::Owned(to) => Some((to.assignee, to.contacts.clone(), to.next)),
        Outcome::Triage => None,
    };
    (
        policy.rules().iter().find(|found| found.id == rule.id).map(|rule| leak(&rule.id)).unwrap_or(""),
        outcome,
    )
}

fn leak(id: &str) -> &'static str {
    Box::leak(id.to_owned().into_boxed_str())
}

#[test]
fn every_case_has_the_outcome_of_its_row() {
    let policy = Policy::builtin();
    let categories: Vec<Category> = [TECHNICAL, COMMERCE, AZURE, REST].concat();
    assert_eq!(categories.len(), 15);
    for requester in [Role::Customer, Role::Partner, Role::Publisher] {
        for &category in &categories {
            for model in MODELS {
                for election in ELECTIONS {
                    for azure_based in [true, false] {
                        let case = Case {
                            category,
                            model: Fact::Known(model),
                            technical_support: Fact::Known(election),
                            azure_based: Fact::Known(azure_based),
                            ..case(requester)
                        };
                        let expected = row(requester, category, model, election, azure_based);
                        assert_eq!(found(&policy, &case), expected, "{case:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_rule_whose_reason_says_our_reading_is_marked_as_one_and_the_other_way_round() {
    for rule in Policy::builtin().rules() {
        let says_so = rule.reason.contains("our reading");
        assert_eq!(rule.reading, says_so, "{}", rule.id);
        assert_eq!(rule.clauses.is_empty(), rule.id == "publisher-other", "{}", rule.id);
        assert_eq!(BUILTIN.lines().nth(rule.line - 1), Some("[[rule]]"), "{}", rule.id);
    }
}

#[test]
fn an_absent_value_matters_only_where_it_would_change_the_rule() {
    let policy = Policy::builtin();
    let decide = |requester, category| {
        let verdict = policy.decide(&Case { category, ..case(requester) });
        match verdict {
            Verdict::Rule(index) => policy.rule(index).id.clone(),
            Verdict::Absent(reason) => reason.as_str_name().to_owned(),
        }
    };
    let missing = |name: &str| format!("TRIAGE_REASON_{name}");
    assert_eq!(decide(Role::Customer, Category::Billing), "customer-commerce");
    assert_eq!(decide(Role::Customer, Category::BreakFix), missing("MISSING_PARTNER"));
    assert_eq!(decide(Role::Customer, Category::Deployment), "customer-azure");
    assert_eq!(decide(Role::Partner, Category::BreakFix), "partner-break-fix");
    assert_eq!(decide(Role::Partner, Category::Billing), missing("MISSING_MODEL"));
    // Of the two that are missing, the first in the order of the reasons.
    assert_eq!(decide(Role::Partner, Category::Deployment), missing("INCOMPLETE_OFFER"));
    assert_eq!(decide(Role::Publisher, Category::Deployment), missing("INCOMPLETE_OFFER"));
    assert_eq!(decide(Role::Publisher, Category::Unspecified), "publisher-other");
    assert_eq!(decide(Role::Unspecified, Category::Billing), missing("MISSING_ROLE"));
    let reseller = Case {
        category: Category::Provisioning,
        model: Fact::Known(Model::IndirectReseller),
        ..case(Role::Partner)
    };
    assert_eq!(found(&policy, &reseller).0, "reseller-azure");
    let direct = Case { model: Fact::Known(Model::DirectBill), ..reseller };
    assert_eq!(policy.decide(&direct), Verdict::Absent(TriageReason::IncompleteOffer));
}

/// Cuts a policy file into what comes before the first rule and the rules.
fn rules_of(text: &str) -> (String, Vec<String>) {
    let mut parts = text.split("[[rule]]");
    let head = parts.next().expect("split gives one part at least").to_owned();
    (head, parts.map(|rule| format!("[[rule]]{rule}")).collect())
}

#[test]
fn any_one_rule_deleted_leaves_its_hole_and_the_row_suggested_fills_it() {
    let (head, rules) = rules_of(BUILTIN);
    let policy = Policy::builtin();
    assert_eq!(rules.len(), policy.summary().rules);
    for deleted in 0..rules.len() {
        let mut text = head.clone();
        for (_, rule) in rules.iter().enumerate().filter(|&(index, _)| index != deleted) {
            text.push_str(rule);
        }
        let refused = Policy::load("policy.toml", &text).expect_err("a rule is missing");
        let [hole] = refused.findings() else { panic!("one hole, found:\n{refused}") };
        assert_eq!(hole.kind, FindingKind::Hole);
        let row = hole.row.as_deref().expect("a hole has a row");
        let mended = Policy::load("policy.toml", &format!("{text}\n{row}")).unwrap_or_else(|e| panic!("{e}"));
        let filled = mended.rules().iter().find(|rule| rule.id == "new-rule").expect("the row is a rule");
        assert_eq!(filled.conditions, policy.rules()[deleted].conditions, "{}", policy.rules()[deleted].id);
    }
}
