//! Where records go and in which format.

use crate::ticket::Format;

/// One of the five outgoing topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// The CSP partner's topic.
    Partner,
    /// The publisher's topic.
    Publisher,
    /// The topic of Microsoft's commerce support.
    MicrosoftCommerce,
    /// For a person to decide.
    Triage,
    /// For what is not a ticket.
    DeadLetter,
}

impl Destination {
    /// All five, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Partner, Self::Publisher, Self::MicrosoftCommerce, Self::Triage, Self::DeadLetter];

    /// The topic's default name.
    #[must_use]
    pub const fn default_topic(self) -> &'static str {
        match self {
            Self::Partner => "tickets.partner",
            Self::Publisher => "tickets.isv",
            Self::MicrosoftCommerce => "tickets.microsoft-commerce",
            Self::Triage => "tickets.triage",
            Self::DeadLetter => "tickets.dead-letter",
        }
    }
}

/// The format of what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// Protobuf, whatever came in.
    #[default]
    Protobuf,
    /// ProtoJSON, whatever came in.
    Json,
    /// The format of the ticket.
    Same,
}

impl OutputFormat {
    /// The format in which a ticket of format `input` is written.
    #[must_use]
    pub const fn format(self, input: Format) -> Format {
        match self {
            Self::Protobuf => Format::Protobuf,
            Self::Json => Format::Json,
            Self::Same => input,
        }
    }
}

/// The media type of a format, as in a `content-type` header.
#[must_use]
pub const fn media_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Protobuf => "application/protobuf",
    }
}
