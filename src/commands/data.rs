//! What tickets are decided with: a policy and a catalog.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{
    exit::{Exit, Failure, OrExit as _},
    io::Io,
};
use crate::{
    catalog::{Encodings, Finding, Snapshot},
    folder::load_folder,
    policy::Policy,
};

/// What tickets are decided with.
#[derive(Clone, Debug, clap::Args)]
pub struct DataArgs {
    /// The folder with offers.jsonl, publishers.jsonl and partners.jsonl
    #[arg(long, value_name = "DIR")]
    pub catalog: PathBuf,
    /// A policy file; the built-in policy without it
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

impl DataArgs {
    /// Loads both; findings about lines of the catalog that are `shown` are told.
    ///
    /// # Errors
    ///
    /// A file cannot be read (exit 64), or the policy is refused (exit 65).
    pub fn load(
        &self,
        encodings: Encodings,
        shown: impl Fn(&Finding) -> bool,
        io: &mut Io<'_>,
    ) -> Result<(Policy, Snapshot), Failure> {
        let policy = load_policy(self.policy.as_deref())?;
        let tell = |finding: Finding| {
            if shown(&finding) {
                io.tell(&finding.to_string());
            }
        };
        let folder = load_folder(&self.catalog, encodings, tell).or_exit(Exit::Usage)?;
        Ok((policy, folder.snapshot))
    }
}

/// Reads a policy file, or the built-in one.
///
/// # Errors
///
/// The file cannot be read (exit 64), or the policy is refused (exit 65).
pub fn load_policy(file: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = file else { return Ok(Policy::builtin()) };
    let text = read(path)?;
    Policy::load(&path.display().to_string(), &text).map_err(Failure::Policy)
}

/// Reads a file that the user named.
///
/// # Errors
///
/// It cannot be read (exit 64).
pub fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display())).or_exit(Exit::Usage)
}
