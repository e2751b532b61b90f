//! What the marketplace holds, in the words of the contracts. Some records have two states and flip between them while a run lasts.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The largest incoming value that the routers of a run take.
pub const MAX_RECORD_BYTES: usize = 65_536;

/// The catalog in its two states.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    pub states: [Catalog; 2],
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Catalog {
    pub offers: BTreeMap<String, Offer>,
    pub publishers: BTreeMap<String, Publisher>,
    pub partners: BTreeMap<String, Partner>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub publisher_id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_based: Option<bool>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_party: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publisher {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Partner {
    pub id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub technical_support: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_handles: Vec<String>,
}

impl World {
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(fs::write(path, serde_json::to_vec(self)?)?)
    }

    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}
