//! Why a transaction was aborted, as a label.

/// Why a transaction was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortCause {
    /// Client or broker refused a record, or all records of its topic.
    Refused,
    /// A record was not delivered.
    Undelivered,
    /// The partitions are lost to others.
    Lost,
    /// A transaction call failed.
    Broker,
    /// A test asked for it.
    Injected,
}

impl AbortCause {
    /// All causes, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Refused, Self::Undelivered, Self::Lost, Self::Broker, Self::Injected];

    /// The word in labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Undelivered => "undelivered",
            Self::Lost => "lost",
            Self::Broker => "broker",
            Self::Injected => "injected",
        }
    }
}
