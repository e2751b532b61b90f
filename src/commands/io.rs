//! Where a command reads and writes, and what it may take for granted there.

use std::io::{Read, Write};

use super::{
    exit::{Exit, Failure},
    findings::Finding,
};
use crate::kafka::check::{Report, Severity};

/// The streams of a command.
pub struct Io<'a> {
    /// What the command works on.
    pub input: &'a mut dyn Read,
    /// Results.
    pub out: &'a mut dyn Write,
    /// Messages.
    pub err: &'a mut dyn Write,
    /// Columns of the terminal that results go to.
    pub width: u16,
    /// Whether messages may have colours.
    pub is_coloured: bool,
    /// The findings of a check whose result is a JSON document; otherwise they are told at once.
    pub collected: Option<Vec<Finding>>,
}

impl Io<'_> {
    /// Prints one message. One that cannot be written stops nothing.
    pub fn tell(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Tells a finding, or keeps it for the JSON document.
    pub fn found(&mut self, finding: impl Into<Finding>) {
        let finding = finding.into();
        match &mut self.collected {
            Some(collected) => collected.push(finding),
            None => self.tell(&finding.to_string()),
        }
    }

    /// Prints a finding as a result, or keeps it for the JSON document.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn print(&mut self, finding: Finding, text: &dyn std::fmt::Display) -> std::io::Result<()> {
        match &mut self.collected {
            Some(collected) => collected.push(finding),
            None => writeln!(self.out, "{text}")?,
        }
        Ok(())
    }

    /// Prints what a check of the brokers found and somebody should know.
    ///
    /// # Errors
    ///
    /// The brokers are not as they must be, or do not answer.
    pub fn tell_findings(&mut self, report: &Report) -> Result<(), Failure> {
        for finding in report.findings.iter().filter(|it| it.severity != Severity::Info) {
            self.found(finding);
        }
        if report.is_ok() { Ok(()) } else { Err(Failure::Told(Exit::of(report))) }
    }
}

/// What commands print into in tests.
#[cfg(test)]
pub mod tests {
    use super::{super::exit::Ended, Io};

    /// Runs a command in a terminal of this width without colours, and gives its exit code and both outputs.
    pub fn run_at(
        width: u16,
        input: &str,
        command: impl FnOnce(&mut Io<'_>) -> Ended,
    ) -> (u8, String, String) {
        let (mut input, mut out, mut err) = (input.as_bytes(), Vec::new(), Vec::new());
        let mut io = Io {
            input: &mut input,
            out: &mut out,
            err: &mut err,
            width,
            is_coloured: false,
            collected: None,
        };
        let exit = command(&mut io).unwrap_or_else(|failure| failure.tell(&mut io));
        let text = |bytes| String::from_utf8(bytes).expect("commands write UTF-8");
        (exit as u8, text(out), text(err))
    }

    /// Runs a command as [`run_at`] does, 100 columns wide and without input.
    pub fn run(command: impl FnOnce(&mut Io<'_>) -> Ended) -> (u8, String, String) {
        run_at(100, "", command)
    }
}
