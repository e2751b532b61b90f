//! The clauses of the source document, in short.

/// Partner Center, "Support for commercial marketplace products in the CSP program", in the document's order.
const SUMMARIES: [(&str, &str); 9] = [
    (
        "S1",
        "Partners are the first contact for customers' questions on billing and subscriptions of third-party products.",
    ),
    ("S2", "Partners take technical questions on a third-party product to its publisher."),
    (
        "S3",
        "The publisher gives technical support for its offer, user support and break-fix, and a direct way to reach it.",
    ),
    (
        "S4",
        "Publishers give partners documentation, training and notices, so that a partner can coordinate support itself.",
    ),
    (
        "S5",
        "The partner gives all other support: billing, account set-up, payment. It may direct technical queries to the publisher.",
    ),
    (
        "S6",
        "Microsoft supports publishers and partners on its commerce system, such as onboarding, transactions, billing, and \
         deploying and provisioning Azure-based solutions.",
    ),
    (
        "S7",
        "Microsoft does not support the products of publishers. It gives partners their support contacts; partners contact \
         the publisher for every other kind of support.",
    ),
    ("S8", "An indirect provider and its resellers share these duties; a reseller asks its provider."),
    ("S9", "The contacts of a publisher are part of its offer: engineering, customer support, CSP program."),
];

/// What a clause says, in short; empty for one that is not of the document.
pub(super) fn summary(id: &str) -> &'static str {
    SUMMARIES.iter().find(|(clause, _)| *clause == id).map_or("", |(_, text)| text)
}
