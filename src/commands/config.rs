//! The settings of a command; `config check` and `config show`.

use std::{env, path::PathBuf};

use clap::Args;

use super::{
    data::load_policy,
    exit::{Ended, Exit, Failure, OrExit as _},
    findings::{CheckFormat, Finding, Verdict},
    io::Io,
};
use crate::{
    config::{Config, Sources},
    kafka::clients,
};

/// The variable that names the config file if `--config` does not.
const CONFIG_VARIABLE: &str = "TICKET_ROUTER_CONFIG";

/// Where the settings come from.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The config file (TOML); without it, the file that the variable `TICKET_ROUTER_CONFIG` names, if it is set
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
        self.file().is_some() || !self.overrides.is_empty()
    }

    fn file(&self) -> Option<PathBuf> {
        let named = || env::var_os(CONFIG_VARIABLE).filter(|it| !it.is_empty()).map(PathBuf::from);
        self.config.clone().or_else(named)
    }

    /// Loads and checks the settings; warns of variables that are none.
    ///
    /// # Errors
    ///
    /// They are refused: exit 64.
    pub fn load(&self, io: &mut Io<'_>) -> Result<Config, Failure> {
        let file = self.file();
        let sources = Sources::of_process(file.as_deref(), &self.overrides);
        for (variable, meant) in sources.misnamed() {
            let text = format!("the variable {variable} is not read; did you mean {meant}?");
            io.found(Finding::warning("misnamed-variable", text));
        }
        Config::load(&sources).or_exit(Exit::Usage)
    }
}

/// What can be done with a config.
#[derive(Debug, clap::Subcommand)]
pub enum ConfigCommand {
    Check(CheckArgs),
    Show(ShowArgs),
}

impl ConfigCommand {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// The settings are refused.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        match self {
            Self::Check(args) => args.run(io),
            Self::Show(args) => args.run(io),
        }
    }
}

/// Check a config without asking the brokers: its settings, the policy, and what librdkafka takes
#[derive(Args, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

impl CheckArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        self.format.run(io, |io| self.check(io))
    }

    fn check(&self, io: &mut Io<'_>) -> Result<Verdict, Failure> {
        let config = self.config.load(io)?;
        find_insecure(&config, io);
        clients::check_settings(&config).or_exit(Exit::Usage)?;
        load_policy(config.policy.file.as_deref())?;
        let summary = "the config is good; `ticket-router topics check` asks the brokers".to_owned();
        Ok(Verdict { exit: Exit::Done, summary })
    }
}

/// Warns of protections that the settings give up.
pub fn find_insecure(config: &Config, io: &mut Io<'_>) {
    for warning in config.warnings() {
        io.found(Finding::warning("insecure", warning));
    }
}

/// Print the settings as they take effect, as TOML, with secrets as `***`
#[derive(Args, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only what differs from the defaults
    #[arg(long)]
    changed: bool,
}

impl ShowArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        let config = self.config.load(io)?;
        let text = if self.changed { config.changed() } else { config.redacted() };
        write!(io.out, "{text}")?;
        Ok(Exit::Done)
    }
}
