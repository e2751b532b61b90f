//! How a command ends: its exit code, and what it says if it could not do its work.

use std::process::ExitCode;

use super::io::Io;
use crate::{config, console, kafka::check::Report, policy};

/// The exit codes, after `sysexits.h`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// The work is done, or nobody reads the output any more.
    Done = 0,
    /// Something failed; the message says why.
    Failed = 1,
    /// The usage or the config is wrong.
    Usage = 64,
    /// The policy or the catalog is bad.
    Data = 65,
    /// The brokers do not answer: try again later.
    TryLater = 75,
    /// The brokers are not as they must be.
    Broker = 78,
}

impl Exit {
    /// The exit code of a check of the brokers.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        match report {
            report if report.is_ok() => Self::Done,
            report if report.is_outage() => Self::TryLater,
            _ => Self::Broker,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What [`super`]'s commands return.
pub type Ended = Result<Exit, Failure>;

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// It is told with its causes.
    Error(Exit, anyhow::Error),
    /// A policy, or a file of its cases, is refused: exit 65.
    Policy(policy::Refused),
    /// The reason was told already.
    Told(Exit),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(Exit::Failed, error.into())
    }
}

impl Failure {
    /// Makes a failure of wrong usage out of one sentence.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Error(Exit::Usage, anyhow::anyhow!(text.into()))
    }

    /// Says why on standard error, and returns the exit code. Nobody is told that nobody reads on.
    pub fn tell(self, io: &mut Io<'_>) -> Exit {
        match self {
            Self::Told(exit) => exit,
            Self::Error(_, error) if console::is_closed_pipe(&error) => Exit::Done,
            Self::Error(exit, error) => {
                io.tell(&words(&error));
                exit
            }
            Self::Policy(refused) => {
                io.tell(&refused.render(io.is_coloured));
                Exit::Data
            }
        }
    }
}

/// An error and its causes, a line each; every problem of a config is an error of its own.
fn words(error: &anyhow::Error) -> String {
    if let Some(refused) = error.downcast_ref::<config::Refused>() {
        let problems: Vec<_> = refused.problems.iter().map(|problem| format!("error: {problem}")).collect();
        return problems.join("\n");
    }
    let causes = error.chain().skip(1).map(|cause| format!("\n  because: {cause}"));
    format!("error: {error}{}", causes.collect::<String>())
}

/// Gives an error the exit code of its kind.
pub trait OrExit<T> {
    /// Makes the error a failure with this exit code.
    ///
    /// # Errors
    ///
    /// The error.
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure::Error(exit, error.into()))
    }
}
