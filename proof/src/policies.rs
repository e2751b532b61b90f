//! The policy that is built in, and the same with one rule changed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

const RULE: &str = "id = \"partner-publisher-contact\"";

/// Writes both; gives their paths.
pub fn write(root: &Path, folder: &Path) -> Result<[PathBuf; 2]> {
    let text = fs::read_to_string(root.join("policy/ownership.toml"))?;
    let paths = ["policy-as-written.toml", "policy-changed.toml"].map(|name| folder.join(name));
    fs::write(&paths[0], &text)?;
    fs::write(&paths[1], changed(&text).context("the policy has a rule for how to reach a publisher")?)?;
    Ok(paths)
}

/// A partner that asks how to reach a publisher is sent to the publisher, not to Microsoft.
fn changed(text: &str) -> Option<String> {
    let (before, from) = text.split_at(text.find(RULE)?);
    let (rule, after) = from.split_at(from.find("clauses")?);
    let rule = rule
        .replace("owner = \"microsoft-commerce\"", "owner = \"publisher\"\nassignee = \"offer-publisher\"")
        .replace("next = \"offer-publisher\"\n", "");
    Some([before, &rule, after].concat())
}
