//! What a check found, one line a finding.

use std::{collections::BTreeMap, fmt};

use rdkafka::error::KafkaError;

use crate::kafka::{
    error::{code, is_outage},
    limits::TopicLimits,
    offsets::{PartitionState, Start},
};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The router would lose, repeat or not route tickets: it does not start until somebody changes something.
    Error,
    /// Brokers do not answer, or a partition has no leader: the router does not start until they are back.
    Outage,
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
            Severity::Error | Severity::Outage => "error",
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
    /// Returns whether the router may start.
    pub fn is_ok(&self) -> bool {
        !self.has(Severity::Error) && !self.has(Severity::Outage)
    }

    /// Whether the router may start once the brokers are back, without anybody changing anything.
    pub fn is_outage(&self) -> bool {
        self.has(Severity::Outage) && !self.has(Severity::Error)
    }

    fn has(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity == severity)
    }

    pub(super) fn error(&mut self, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, text, remedy);
    }

    pub(super) fn outage(&mut self, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Outage, text, remedy);
    }

    /// Adds a Kafka error that no check knows a remedy for: an outage if it passes when the brokers are back.
    pub(super) fn failure(&mut self, text: impl Into<String>, error: &KafkaError, remedy: impl Into<String>) {
        let severity = if code(error).is_some_and(is_outage) { Severity::Outage } else { Severity::Error };
        self.add(severity, text, remedy);
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
