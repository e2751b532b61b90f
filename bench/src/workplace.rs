//! The folder that a run of the benchmark writes into.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// A folder for the broker's log, the tickets, the contenders' configs and what they print.
pub struct Workplace {
    path: PathBuf,
    is_kept: bool,
}

impl Workplace {
    /// Makes the folder: `keep`, or a temporary one that goes when the value is dropped.
    pub fn new(keep: Option<PathBuf>) -> Result<Self> {
        let is_kept = keep.is_some();
        let path = keep
            .unwrap_or_else(|| env::temp_dir().join(format!("ticket-router-bench-{}", std::process::id())));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let path = path.canonicalize()?;
        Ok(Self { path, is_kept })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            eprintln!("{} could not be removed: {error}", self.path.display());
        }
    }
}
