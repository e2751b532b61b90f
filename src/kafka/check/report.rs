use std::collections::BTreeMap;
use std::fmt;

use crate::kafka::limits::TopicLimits;
use crate::kafka::offsets::{PartitionState, Start};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The router would lose, repeat or not route tickets: it does not start.
    Error,
    /// It works, but something will hurt sooner or later.
    Warning,
    /// A fact to know.
    Info,
}

/// One thing that the check found: one readable line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found, on what.
    pub text: String,
    /// What to do; empty for a mere fact.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        write!(f, "{severity}: {}", self.text)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "; {}", self.remedy) }
    }
}

/// What the check found, and what the worker needs to know of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The findings, in the order in which they were made.
    pub findings: Vec<Finding>,
    /// What each outgoing topic takes, as far as its settings could be read.
    pub limits: BTreeMap<String, TopicLimits>,
    /// The partitions of the incoming topic, each with where the group starts; empty where that was not found out.
    pub starts: Vec<(PartitionState, Start)>,
}

impl Report {
    /// Says whether the router may start.
    pub fn is_ok(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    pub(super) fn error(&mut self, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, text, remedy);
    }

    pub(super) fn warning(&mut self, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, text, remedy);
    }

    pub(super) fn info(&mut self, text: impl Into<String>) {
        self.add(Severity::Info, text, "");
    }

    fn add(&mut self, severity: Severity, text: impl Into<String>, remedy: impl Into<String>) {
        self.findings.push(Finding { severity, text: text.into(), remedy: remedy.into() });
    }
}
