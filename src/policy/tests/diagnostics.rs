//! What a refused policy looks like to its author: one snapshot a kind of finding.

use super::super::*;

/// A complete policy, in which each test breaks something.
const SOUND: &str = r#"[groups.category]
technical = ["user-support", "break-fix"]

[attributes.tier]
values = ["gold", "silver"]

[[invariant]]
id = "no-technical"
when = { category = "technical" }
never = "microsoft-commerce"
reason = "a technical ticket never goes to Microsoft commerce"

[[rule]]
id = "technical"
when = { category = "technical" }
owner = "publisher"
assignee = "offer-publisher"
reason = "The publisher helps."

[[rule]]
id = "rest"
when = { category = { not = "technical" } }
owner = "microsoft-commerce"
reason = "Microsoft helps."

[[exception]]
id = "contoso"
when = { offer = "contoso-crm", category = "billing" }
overrides = ["rest"]
owner = "publisher"
assignee = "offer-publisher"
reason = "Contoso bills itself."
"#;

fn refused(text: &str) -> String {
    let refused = Policy::load("policy.toml", text).expect_err("the policy is broken");
    let plain = refused.to_string();
    assert!(!plain.contains('\u{1b}'), "no colours unless asked for");
    assert!(refused.render(true).contains('\u{1b}'), "colours where asked for");
    plain
}

/// Replaces a part of the sound policy.
fn with(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    SOUND.replace(from, to)
}

fn with_more(more: &str) -> String {
    format!("{SOUND}\n{more}")
}

macro_rules! refusals {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(refused($text.as_ref()));
        }
    )*};
}

refusals! {
    text_that_is_not_toml: with("when = { category = \"technical\" }", "when = { category = }");
    an_unknown_key: with("assignee =", "asignee =");
    a_missing_reason: with("reason = \"Microsoft helps.\"", "");
    an_empty_reason: with("\"Microsoft helps.\"", "\" \"");
    a_value_of_the_wrong_type: with("{ not = \"technical\" }", "5");
    a_boolean_for_azure_based: with("{ not = \"technical\" }", "\"other\", azure-based = true");
    an_id_that_could_not_stand_in_a_header: with("id = \"rest\"", "id = \"the rest\\u202e\"");
    an_unknown_column: with("category = { not", "categroy = { not");
    an_undeclared_attribute: with("category = \"billing\"", "attribute.plan = \"free\"");
    an_offer_in_a_rule: with("category = { not = \"technical\" }", "offer = \"contoso-crm\"");
    an_unknown_value_and_an_unknown_group_in_one_go:
        with("\"break-fix\"", "\"breakfix\"").replace("{ not = \"technical\" }", "{ not = \"techincal\" }");
    an_unknown_rule_to_override: with("overrides = [\"rest\"]", "overrides = [\"rset\"]");
    the_same_id_twice: with("id = \"contoso\"", "id = \"rest\"");
    a_group_named_like_a_value: with("technical = [", "billing = [\"payment\"]\ntechnical = [");
    a_condition_without_values: with("{ not = \"technical\" }", "[]");
    a_group_that_contains_itself:
        with("technical = [", "loop = [\"payment\", \"circle\"]\ncircle = [\"loop\"]\ntechnical = [");
    an_owner_and_an_assignee_that_do_not_agree: with("owner = \"publisher\"\nassignee = \"offer-publisher\"\nreason = \"The", "owner = \"partner\"\nassignee = \"offer-publisher\"\nreason = \"The");
    a_party_that_such_tickets_do_not_have: with("assignee = \"offer-publisher\"\nreason = \"The", "assignee = \"requesting-publisher\"\nreason = \"The");
    a_triage_rule_with_an_owner: with("owner = \"microsoft-commerce\"", "triage = \"no-rule\"\nowner = \"partner\"");
    an_exception_that_names_nobody: with("offer = \"contoso-crm\"", "offer = { not = \"contoso-crm\" }");
    an_exception_that_can_never_apply: with("category = \"billing\" }", "category = \"break-fix\" }");
    a_rule_that_can_never_apply: with("category = \"technical\" }\nowner", "category = \"technical\", azure-based = { not = [\"yes\", \"no\"] } }\nowner");
    a_hole: with("{ not = \"technical\" }", "{ not = [\"technical\", \"payment\", \"none\"] }, attribute.tier = [\"gold\", \"none\"]");
    a_next_that_is_never_used: with("overrides", "next = { if-azure-based = \"microsoft-commerce\", if-not-azure-based = \"offer-publisher\", otherwise = \"offer-publisher\" }\noverrides");
    a_next_that_names_nobody: with("overrides", "next = {}\noverrides");
    an_empty_policy: "";
    a_case_with_two_rules: with("{ not = \"technical\" }", "{ not = \"user-support\" }").replace("microsoft-commerce\"\nreason = \"Mic", "publisher\"\nassignee = \"offer-publisher\"\nreason = \"Mic");
    a_case_with_two_exceptions: with_more("[[exception]]\nid = \"zendesk\"\nwhen = { source = \"zendesk\" }\noverrides = [\"rest\"]\ntriage = \"no-rule\"\nreason = \"A person decides.\"\n");
    a_rule_and_an_exception_that_break_an_invariant:
        with("owner = \"publisher\"\nassignee = \"offer-publisher\"\nreason = \"The", "owner = \"microsoft-commerce\"\nreason = \"The")
            .replace("overrides = [\"rest\"]\nowner = \"publisher\"\nassignee = \"offer-publisher\"", "overrides = [\"technical\"]\nowner = \"microsoft-commerce\"")
            .replace("category = \"billing\" }", "category = \"break-fix\" }");
    a_table_that_is_too_large: too_large();
}

#[test]
fn a_mutilated_file_is_refused_or_loads_and_never_panics() {
    // Cuts, doublings and swaps of pieces, each at places that follow from the round's number.
    let pieces: Vec<&str> = SOUND.split_inclusive([' ', '\n', '"', ',']).collect();
    let mut refusals = 0;
    for round in 0..3_000_usize {
        let mut mutilated = pieces.clone();
        for step in 0..=round % 3 {
            let count = mutilated.len();
            let at = (round * 7_919 + step * 104_729) % count;
            match (round / 3 + step) % 3 {
                0 => drop(mutilated.remove(at)),
                1 => mutilated.insert(at, pieces[(round * 31) % pieces.len()]),
                _ => mutilated.swap(at, (at * 17 + round) % count),
            }
        }
        if let Err(refused) = Policy::load("policy.toml", &mutilated.concat()) {
            assert!(!refused.findings().is_empty() && !refused.to_string().is_empty());
            refusals += 1;
        }
    }
    assert!(refusals > 2_000, "{refusals} of 3,000 refused");
}

/// Rules that tell forty values of four attributes apart, without ever meeting.
fn too_large() -> String {
    let values: Vec<String> = (0..40).map(|value| format!("\"v{value}\"")).collect();
    let attributes = [("north", "billing"), ("east", "payment"), ("south", "transaction"), ("west", "other")];
    let mut text = String::new();
    for (attribute, _) in attributes {
        text += &format!("[attributes.{attribute}]\nvalues = [{}]\n", values.join(", "));
    }
    for (attribute, category) in attributes {
        for value in 0..40 {
            let when = format!("category = \"{category}\", attribute.{attribute} = \"v{value}\"");
            text += &format!("[[rule]]\nid = \"{attribute}-{value}\"\nwhen = {{ {when} }}\n");
            text += "triage = \"no-rule\"\nreason = \"r\"\n";
        }
    }
    text
}
