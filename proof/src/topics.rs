//! The names of the topics.

pub const INCOMING: &str = "tickets.incoming";
pub const OFFERS: &str = "catalog.offers";
pub const PUBLISHERS: &str = "catalog.publishers";
pub const PARTNERS: &str = "catalog.partners";

pub const PARTNER: usize = 0;
pub const PUBLISHER: usize = 1;
pub const MICROSOFT: usize = 2;
pub const TRIAGE: usize = 3;
pub const DEAD_LETTER: usize = 4;

/// The outgoing topics, in the order of the constants above.
pub const OUTGOING: [&str; 5] =
    ["tickets.partner", "tickets.isv", "tickets.microsoft-commerce", "tickets.triage", "tickets.dead-letter"];

/// The header with the number that the generator gave a record.
pub const NUMBER: &str = "proof-number";

/// The names of the topics of one run.
pub struct Names {
    pub incoming: String,
    pub outgoing: [String; 5],
}

impl Names {
    /// The usual names behind a prefix.
    pub fn prefixed(prefix: &str) -> Self {
        let named = |name: &str| format!("{prefix}{name}");
        Self { incoming: named(INCOMING), outgoing: OUTGOING.map(named) }
    }

    /// The index of an outgoing topic.
    pub fn index(&self, topic: &str) -> Option<usize> {
        self.outgoing.iter().position(|it| it == topic)
    }
}
