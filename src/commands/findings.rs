//! What a check found: lines for a person, or one JSON document for a program.

use std::{fmt, io};

use clap::ValueEnum;
use serde::Serialize;

use super::{
    exit::{Ended, Exit, Failure},
    io::Io,
};
use crate::{catalog, config, kafka::check, policy};

/// How a check shows what it found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub enum CheckFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object on one line of standard output, refusals included
    Json,
}

/// How a check ended.
pub struct Verdict {
    /// The exit code.
    pub exit: Exit,
    /// The result in one line; empty if the findings say everything.
    pub summary: String,
}

impl CheckFormat {
    /// Runs a check, and prints its result in this format.
    ///
    /// # Errors
    ///
    /// As text: those of the check. As JSON, its refusals are findings, and only the output can fail.
    pub fn run(self, io: &mut Io<'_>, check: impl FnOnce(&mut Io<'_>) -> Result<Verdict, Failure>) -> Ended {
        if self == Self::Text {
            let verdict = check(io)?;
            if !verdict.summary.is_empty() {
                writeln!(io.out, "{}", verdict.summary)?;
            }
            return Ok(verdict.exit);
        }
        let mut quiet = Io {
            input: &mut *io.input,
            out: &mut io::sink(),
            err: &mut *io.err,
            width: io.width,
            is_coloured: false,
            collected: Some(Vec::new()),
        };
        let ended = check(&mut quiet);
        let mut findings = quiet.collected.unwrap_or_default();
        let verdict = ended.unwrap_or_else(|failure| {
            let (exit, reasons) = reasons(failure);
            findings.extend(reasons);
            Verdict { exit, summary: String::new() }
        });
        let Verdict { exit, summary } = verdict;
        let document = Document { ok: exit == Exit::Done, exit: exit as u8, summary, findings };
        writeln!(io.out, "{}", serde_json::to_string(&document)?)?;
        Ok(exit)
    }
}

/// The JSON document of a check.
#[derive(Serialize)]
struct Document {
    ok: bool,
    exit: u8,
    #[serde(skip_serializing_if = "String::is_empty")]
    summary: String,
    findings: Vec<Finding>,
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The check fails.
    Error,
    /// The brokers are away: the check fails until they are back.
    Outage,
    /// Somebody should look at it.
    Warning,
    /// A fact to know.
    Info,
}

/// One thing that a check found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of thing, in a word that stays.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The file that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line of the file, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The topic that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// Makes a finding without a place.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { severity, code, message, detail: None, file: None, line: None, topic: None, remedy: None }
    }

    /// Makes a warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Puts the finding into a file.
    #[must_use]
    pub fn in_file(self, file: impl Into<String>, line: Option<u64>) -> Self {
        Self { file: Some(file.into()), line, ..self }
    }

    /// Puts the finding into a topic.
    #[must_use]
    pub fn in_topic(self, topic: impl Into<String>) -> Self {
        Self { topic: Some(topic.into()), ..self }
    }

    fn with(self, detail: String, remedy: String) -> Self {
        let some = |text: String| Some(text).filter(|it| !it.is_empty());
        Self { detail: some(detail), remedy: some(remedy), ..self }
    }
}

impl fmt::Display for Finding {
    /// `offers.jsonl:12: error: …`, as compilers and editors know it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.file.as_ref().or(self.topic.as_ref()) {
            f.write_str(place)?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        let severity = match self.severity {
            Severity::Error | Severity::Outage => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        write!(f, "{severity}: {}", self.message)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl From<&check::Finding> for Finding {
    fn from(finding: &check::Finding) -> Self {
        let (severity, code) = match finding.severity {
            check::Severity::Error => (Severity::Error, "brokers"),
            check::Severity::Outage => (Severity::Outage, "brokers-away"),
            check::Severity::Warning => (Severity::Warning, "brokers"),
            check::Severity::Info => (Severity::Info, "brokers"),
        };
        Self::new(severity, code, &finding.text).with(String::new(), finding.remedy.clone())
    }
}

impl From<&catalog::Finding> for Finding {
    fn from(finding: &catalog::Finding) -> Self {
        let severity = match finding.level() {
            catalog::Level::Error => Severity::Error,
            catalog::Level::Warning => Severity::Warning,
        };
        Self::new(severity, finding.problem.code(), finding.problem.to_string())
            .in_file(&finding.file, finding.line)
    }
}

impl From<&config::Problem> for Finding {
    fn from(problem: &config::Problem) -> Self {
        let place = problem.origin.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        let Some((file, line)) = place else {
            return Self::new(Severity::Error, "setting", problem.to_string());
        };
        let message = config::Problem { origin: String::new(), ..problem.clone() }.to_string();
        Self::new(Severity::Error, "setting", message).in_file(file, Some(line))
    }
}

/// Returns why a check could not be made, or what it refused.
fn reasons(failure: Failure) -> (Exit, Vec<Finding>) {
    match failure {
        Failure::Told(exit) => (exit, Vec::new()),
        Failure::Policy(refused) => (Exit::Data, of_policy(&refused)),
        Failure::Error(exit, error) => match error.downcast_ref::<config::Refused>() {
            Some(refused) => (exit, refused.problems.iter().map(Into::into).collect()),
            None => {
                let code = if exit == Exit::Usage { "usage" } else { "failed" };
                (exit, vec![Finding::new(Severity::Error, code, format!("{error:#}"))])
            }
        },
    }
}

fn of_policy(refused: &policy::Refused) -> Vec<Finding> {
    let finding = |it: &policy::Finding| {
        Finding::new(Severity::Error, it.kind.code(), &it.title)
            .in_file(refused.name(), refused.line(it))
            .with(it.detail(), it.remedy())
    };
    refused.findings().iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;
    use crate::commands::{catalog, io::tests::run, policy};

    #[derive(clap::Parser)]
    struct Line<C: clap::Subcommand> {
        #[command(subcommand)]
        command: C,
    }

    /// Runs a check as JSON; gives its exit code and its document, which is all that it prints.
    fn document<C: clap::Subcommand>(
        arguments: &[&str],
        command: impl FnOnce(C, &mut Io<'_>) -> Ended,
    ) -> (u8, Value) {
        let arguments = [&["it"], arguments, &["--format", "json"]].concat();
        let line = <Line<C> as clap::Parser>::parse_from(arguments);
        let (code, out, err) = run(|io| command(line.command, io));
        assert_eq!((err.as_str(), out.lines().count()), ("", 1), "{out}");
        (code, serde_json::from_str(&out).unwrap())
    }

    fn policy(arguments: &[&str]) -> (u8, Value) {
        document(arguments, policy::PolicyCommand::run)
    }

    #[test]
    fn a_good_check_has_no_findings() {
        let (code, document) = policy(&["check"]);
        assert_eq!((code, &document["ok"], &document["exit"]), (0, &json!(true), &json!(0)));
        assert_eq!(document["findings"], json!([]));
        assert!(document["summary"].as_str().unwrap().contains(": proved: "), "{document}");
    }

    #[test]
    fn a_refused_policy_gives_each_finding_with_its_place_and_what_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        let text = crate::policy::BUILTIN.replacen("{ requester =", "{ requestor =", 1);
        let line = 1 + text.lines().position(|line| line.contains("requestor")).unwrap();
        fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        let (code, document) = policy(&["check", &file]);
        assert_eq!((code, &document["ok"], &document["exit"]), (65, &json!(false), &json!(65)));
        let findings = document["findings"].as_array().unwrap();
        let finding =
            findings.iter().find(|it| it["code"] == "unknown-column").expect("a finding for the column");
        assert_eq!(
            (&finding["severity"], &finding["file"], &finding["line"]),
            (&json!("error"), &json!(file), &json!(line))
        );
        assert!(finding["remedy"].as_str().unwrap().contains("requester"), "{finding}");
    }

    #[test]
    fn a_hole_comes_with_the_rule_that_fills_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        fs::write(&file, "").unwrap();
        let (code, document) = policy(&["check", &file.display().to_string()]);
        assert_eq!((code, &document["findings"][0]["code"]), (65, &json!("hole")));
        assert!(document["findings"][0]["remedy"].as_str().unwrap().contains("[[rule]]"), "{document}");
    }

    #[test]
    fn a_failed_case_and_a_rule_without_one_are_findings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.toml");
        let case = "[[case]]\nname = \"wrong\"\ngiven = { requester = \"customer\" }\nexpect = { assignee = \"offer-publisher\" }\n";
        fs::write(&file, case).unwrap();
        let file = file.display().to_string();
        let (code, document) = policy(&["test", "--cases", &file]);
        assert_eq!(code, 1);
        let detail = "assignee: expected offer-publisher, found assigned-partner";
        let failed = json!({"severity": "error", "code": "case-failed", "message": "wrong", "detail": detail, "file": file});
        assert_eq!(document["findings"], json!([failed]));
    }

    #[test]
    fn a_catalog_gives_its_lines_and_a_folder_that_cannot_be_read_is_a_finding_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let checked = || document(&["check", &path], catalog::CatalogCommand::run);
        let (code, unreadable) = checked();
        assert_eq!((code, &unreadable["findings"][0]["code"]), (64, &json!("usage")), "{unreadable}");
        for (name, text) in [("offers", "\n{"), ("publishers", "{\"id\":\"p\"}"), ("partners", "")] {
            fs::write(folder.path().join(format!("{name}.jsonl")), text).unwrap();
        }
        let (code, document) = checked();
        assert_eq!((code, &document["summary"]), (65, &json!("1 error, 2 warnings")));
        let first = &document["findings"][0];
        let place = ["severity", "code", "file", "line"].map(|key| &first[key]);
        assert_eq!(place, [&json!("error"), &json!("refused"), &json!("offers.jsonl"), &json!(2)]);
        assert_eq!(document["findings"][1]["code"], "no-records");
    }

    #[test]
    fn a_refused_setting_has_its_line() {
        let problem = config::Problem {
            key: "http.listen".to_owned(),
            origin: "config.toml:7".to_owned(),
            text: "is here".to_owned(),
        };
        let expected = json!({"severity": "error", "code": "setting", "message": "`http.listen` is here", "file": "config.toml", "line": 7});
        assert_eq!(serde_json::to_value(Finding::from(&problem)).unwrap(), expected);
        let problem = config::Problem { origin: "--set".to_owned(), ..problem };
        let expected =
            json!({"severity": "error", "code": "setting", "message": "--set: `http.listen` is here"});
        assert_eq!(serde_json::to_value(Finding::from(&problem)).unwrap(), expected);
    }
}
