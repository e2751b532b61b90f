//! The digest of a policy.

use super::super::*;

#[test]
fn the_version_of_the_builtin_policy_changes_only_knowingly() {
    insta::assert_snapshot!(format!("{:032x}", Policy::builtin().version()));
}

#[test]
fn comments_layout_groups_and_the_order_of_rules_do_not_change_the_version() {
    let one = r#"
        [[rule]]
        id = "rest"
        when = { category = { not = "technical" }, source = ["a", "b"] }
        triage = "no-rule"
        reason = "r"
        [[rule]]
        id = "technical"
        when = { category = "technical", source = ["b", "a"] }
        triage = "no-rule"
        reason = "r"
        [[rule]]
        id = "others"
        when = { source = { not = ["a", "b"] } }
        owner = "publisher"
        assignee = "offer-publisher"
        reason = "r"
        [groups.category]
        technical = ["user-support", "break-fix"]
    "#;
    let two = r#"
        # a comment
        [groups]
        category.repairs = ["break-fix", "user-support"]
        source.known = ["b", "a"]
        [[rule]]
        reason = "r"
        id = "others"
        assignee = "offer-publisher"
        owner = "publisher"
        when.source.not = "known"
        [[rule]]
        id = "technical"
        triage = "no-rule"
        reason = "r"
        when = { source = "known", category = "repairs", severity = ["a", "b", "c", "none"] }
        [[rule]]
        id = "rest"
        when = { category = { not = ["user-support", "break-fix"] }, source = "known" }
        triage = "no-rule"
        reason = "r"
    "#;
    let version = |text: &str| Policy::load("p", text).unwrap_or_else(|e| panic!("{e}")).version();
    assert_eq!(version(one), version(two));
    for (from, to) in [
        (
            "reason = \"r\"\n        [[rule]]\n        id = \"technical\"",
            "reason = \"s\"\n[[rule]]\nid = \"technical\"",
        ),
        ("id = \"rest\"", "id = \"remainder\""),
        ("reason = \"r\"\n        [groups", "reason = \"r\"\ncontacts = \"engineering\"\n[groups"),
        ("reason = \"r\"\n        [groups", "reason = \"r\"\nreading = true\n[groups"),
        ("reason = \"r\"\n        [groups", "reason = \"r\"\nnext = \"microsoft-commerce\"\n[groups"),
    ] {
        assert!(one.contains(from), "{from}");
        assert_ne!(version(&one.replace(from, to)), version(one), "{to}");
    }
}
