//! The five outgoing topics, and what is known of each.

use std::ops::{Index, IndexMut};

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

/// What a destination is called.
struct Names {
    /// The config key of its topic.
    key: &'static str,
    /// The value of labels and attributes.
    label: &'static str,
    default_topic: &'static str,
}

impl Destination {
    /// All five, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Partner, Self::Publisher, Self::MicrosoftCommerce, Self::Triage, Self::DeadLetter];

    /// The labels of all five.
    pub const LABELS: [&'static str; Self::ALL.len()] = [
        Self::Partner.label(),
        Self::Publisher.label(),
        Self::MicrosoftCommerce.label(),
        Self::Triage.label(),
        Self::DeadLetter.label(),
    ];

    const fn names(self) -> Names {
        let (key, label, default_topic) = match self {
            Self::Partner => ("topics.partner", "partner", "tickets.partner"),
            Self::Publisher => ("topics.publisher", "publisher", "tickets.isv"),
            Self::MicrosoftCommerce => {
                ("topics.microsoft_commerce", "microsoft-commerce", "tickets.microsoft-commerce")
            }
            Self::Triage => ("topics.triage", "triage", "tickets.triage"),
            Self::DeadLetter => ("topics.dead_letter", "dead-letter", "tickets.dead-letter"),
        };
        Names { key, label, default_topic }
    }

    /// The config key that holds the topic's name.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.names().key
    }

    /// The word for it in labels and attributes. For a topic of owners it is the owner's, too.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.names().label
    }

    /// The topic's default name.
    #[must_use]
    pub const fn default_topic(self) -> &'static str {
        self.names().default_topic
    }

    /// The word for the owner whose topic this is. `None` for triage and dead letters, which have no owner.
    #[must_use]
    pub const fn owner(self) -> Option<&'static str> {
        match self {
            Self::Partner | Self::Publisher | Self::MicrosoftCommerce => Some(self.label()),
            Self::Triage | Self::DeadLetter => None,
        }
    }
}

/// A value for each destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerDestination<T>([T; Destination::ALL.len()]);

impl<T> PerDestination<T> {
    /// Makes the value of each destination.
    pub fn new(value: impl FnMut(Destination) -> T) -> Self {
        Self(Destination::ALL.map(value))
    }

    /// Returns the values in the order of [`Destination::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Destination, &T)> {
        Destination::ALL.into_iter().zip(&self.0)
    }

    /// Returns the values, to be changed, in the order of [`Destination::ALL`].
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }
}

impl<T> Index<Destination> for PerDestination<T> {
    type Output = T;

    fn index(&self, destination: Destination) -> &T {
        &self.0[destination as usize]
    }
}

impl<T> IndexMut<Destination> for PerDestination<T> {
    fn index_mut(&mut self, destination: Destination) -> &mut T {
        &mut self.0[destination as usize]
    }
}
