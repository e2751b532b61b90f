//! The tables `topics` and `catalog`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::route::Destination;

/// The topics that tickets come from and go to.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// Tickets as the helpdesk wrote them.
    #[schemars(length(min = 1, max = 249))]
    pub incoming: String,
    /// Tickets that a partner owns.
    #[schemars(length(min = 1, max = 249))]
    pub partner: String,
    /// Tickets that a publisher owns.
    #[schemars(length(min = 1, max = 249))]
    pub publisher: String,
    /// Tickets that Microsoft commerce owns.
    #[schemars(length(min = 1, max = 249))]
    pub microsoft_commerce: String,
    /// Tickets that need a person, each with the reason.
    #[schemars(length(min = 1, max = 249))]
    pub triage: String,
    /// Records that are not tickets or cannot be routed, byte for byte, each with the reason.
    ///
    /// It holds everything that came in, personal data included: give it rights and a retention of its own.
    #[schemars(length(min = 1, max = 249))]
    pub dead_letter: String,
}

impl Default for Topics {
    fn default() -> Self {
        let topic = |destination: Destination| destination.default_topic().to_owned();
        Self {
            incoming: "tickets.incoming".to_owned(),
            partner: topic(Destination::Partner),
            publisher: topic(Destination::Publisher),
            microsoft_commerce: topic(Destination::MicrosoftCommerce),
            triage: topic(Destination::Triage),
            dead_letter: topic(Destination::DeadLetter),
        }
    }
}

impl Topics {
    /// Returns the five topics that the router writes, each with its config key, in the order of [`Destination::ALL`].
    pub fn outputs(&self) -> [(&'static str, &str); Destination::ALL.len()] {
        Destination::ALL.map(|destination| (destination.key(), self.output(destination)))
    }

    /// Returns the topic of a destination.
    pub fn output(&self, destination: Destination) -> &str {
        match destination {
            Destination::Partner => &self.partner,
            Destination::Publisher => &self.publisher,
            Destination::MicrosoftCommerce => &self.microsoft_commerce,
            Destination::Triage => &self.triage,
            Destination::DeadLetter => &self.dead_letter,
        }
    }
}

/// Where the offers, publishers and partners come from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// Topics, which the router reads to their end before the first ticket and follows from then on; or a folder,
    /// which it reads once.
    pub from: CatalogFrom,

    /// Folder that holds `offers.jsonl`, `publishers.jsonl` and `partners.jsonl`.
    ///
    /// Required with `catalog.from = "folder"`, refused otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,

    /// Names of the compacted topics, for `catalog.from = "topics"`.
    pub topics: CatalogTopics,
}

impl Catalog {
    /// Returns the three compacted topics, each with the key of its setting; none with a folder.
    pub fn compacted(&self) -> Vec<(&'static str, &str)> {
        match self.from {
            CatalogFrom::Folder => Vec::new(),
            CatalogFrom::Topics => self.topics.named().to_vec(),
        }
    }
}

/// The kind of source of the catalog.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum CatalogFrom {
    /// Compacted topics, which the router follows.
    #[default]
    Topics,
    /// A folder of files, which the router reads at start.
    Folder,
}

/// Names of the compacted topics. A record's key is its id; a null value removes it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogTopics {
    /// Offers by offer id.
    #[schemars(length(min = 1, max = 249))]
    pub offers: String,
    /// Publishers by publisher id.
    #[schemars(length(min = 1, max = 249))]
    pub publishers: String,
    /// Partners by partner id.
    #[schemars(length(min = 1, max = 249))]
    pub partners: String,
}

impl CatalogTopics {
    /// Returns the three topics, each with the key of its setting.
    pub fn named(&self) -> [(&'static str, &str); 3] {
        [
            ("catalog.topics.offers", &self.offers),
            ("catalog.topics.publishers", &self.publishers),
            ("catalog.topics.partners", &self.partners),
        ]
    }
}

impl Default for CatalogTopics {
    fn default() -> Self {
        Self {
            offers: "catalog.offers".to_owned(),
            publishers: "catalog.publishers".to_owned(),
            partners: "catalog.partners".to_owned(),
        }
    }
}
