//! The settings of a command.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure, OrExit as _};
use crate::config::{Config, Sources};

/// Where the settings come from.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The config file (TOML); without it, defaults and environment only
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, over file and environment; may be repeated. Not for secrets
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

impl ConfigArgs {
    /// Says whether any setting was named.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.config.is_some() || !self.overrides.is_empty()
    }

    /// Loads and checks the settings.
    ///
    /// # Errors
    ///
    /// They are refused: exit 64.
    pub fn load(&self) -> Result<Config, Failure> {
        Config::load(&Sources::of_process(self.config.as_deref(), &self.overrides)).or_exit(Exit::Usage)
    }
}
