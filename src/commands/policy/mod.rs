//! `ticket-router policy …`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use self::table::TableArgs;
use super::{
    data::{load_policy, read},
    exit::{Ended, Exit, Failure, OrExit as _},
    findings::{CheckFormat, Finding, Severity, Verdict},
    io::Io,
};
use crate::{
    catalog::{Encodings, Quoted, Snapshot},
    console::count,
    folder::load_folder,
    nearest::nearest,
    policy::{BUILTIN, BUILTIN_CASES, BUILTIN_NAME, Policy, RuleIndex, load_cases},
};

mod table;

/// What can be done with a policy.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    Print(PrintArgs),
    Check(CheckArgs),
    Table(TableArgs),
    Test(TestArgs),
}

impl PolicyCommand {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or is refused.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        match self {
            Self::Print(args) => args.run(io),
            Self::Check(args) => args.run(io),
            Self::Table(args) => args.run(io),
            Self::Test(args) => args.run(io),
        }
    }
}

/// Print the built-in policy, to begin your own with
#[derive(Debug, clap::Args)]
pub struct PrintArgs {
    /// Its cases instead
    #[arg(long)]
    cases: bool,
}

impl PrintArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        if self.cases {
            for (name, text) in BUILTIN_CASES {
                writeln!(io.out, "# {name}\n{text}")?;
            }
        } else {
            write!(io.out, "{BUILTIN}")?;
        }
        Ok(Exit::Done)
    }
}

/// Prove a policy: every case has one rule, no rule is dead, the invariants hold
#[derive(Debug, Default, clap::Args)]
pub struct CheckArgs {
    /// The policy file; the built-in policy without it
    file: Option<PathBuf>,
    /// A catalog folder: warn of exceptions for ids that it does not have
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

impl CheckArgs {
    fn run(self, io: &mut Io<'_>) -> Ended {
        self.format.run(io, |io| self.check(io))
    }

    fn check(&self, io: &mut Io<'_>) -> Result<Verdict, Failure> {
        let policy = load_policy(self.file.as_deref())?;
        if let Some(folder) = &self.catalog {
            let catalog = load_folder(folder, Encodings::PROTOBUF, |_| ()).or_exit(Exit::Usage)?.snapshot;
            for warning in strangers(&policy, &catalog) {
                io.found(Finding::warning("unknown-id", warning));
            }
        }
        let summary = policy.summary();
        let summary = format!(
            "{}: proved: {} are complete and unambiguous over {}, {}, {} hold; version {:032x}",
            name(self.file.as_deref()),
            count(summary.rules as u64, "rule"),
            count(summary.cells as u64, "cell"),
            count(summary.exceptions as u64, "exception"),
            count(summary.invariants as u64, "invariant"),
            policy.version(),
        );
        Ok(Verdict { exit: Exit::Done, summary })
    }
}

/// Words a warning for each id that the policy names and nobody in the catalog has.
fn strangers(policy: &Policy, catalog: &Snapshot) -> Vec<String> {
    let offers: Vec<&str> = catalog.offers().map(|it| it.id()).collect();
    let publishers: Vec<&str> = catalog.publishers().map(|it| it.id()).collect();
    let partners: Vec<&str> = catalog.partners().map(|it| it.id()).collect();
    let mut warnings = Vec::new();
    for (column, known) in [("offer", offers), ("publisher", publishers), ("partner", partners)] {
        for id in policy.values(column).filter(|id| !known.contains(id)) {
            let meant = nearest(id, known.iter().copied(), 1);
            let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {}?", Quoted(meant)));
            let id = Quoted(id);
            warnings.push(format!("the policy names {column} {id}, which the catalog does not have{meant}"));
        }
    }
    warnings
}

/// Run the cases of a policy, and show which rules they cover
#[derive(Debug, Default, clap::Args)]
pub struct TestArgs {
    /// The policy file; the built-in policy and its cases without it
    #[arg(requires = "cases")]
    file: Option<PathBuf>,
    /// A file of cases or a folder of them; may be repeated
    #[arg(long, value_name = "PATH")]
    cases: Vec<PathBuf>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

impl TestArgs {
    /// Runs the cases, and shows which fail and which rules none covers: both end with 1.
    fn run(self, io: &mut Io<'_>) -> Ended {
        self.format.run(io, |io| self.check(io))
    }

    fn check(&self, io: &mut Io<'_>) -> Result<Verdict, Failure> {
        let policy = load_policy(self.file.as_deref())?;
        let mut files = if self.file.is_some() { Vec::new() } else { builtin_cases() };
        for path in &self.cases {
            files.extend(read_cases(path)?);
        }
        let mut covered = vec![0_usize; policy.rules().len()];
        let (mut passed, mut failed) = (0_usize, 0_usize);
        for (name, text) in &files {
            for case in load_cases(&policy, name, text).map_err(Failure::Policy)? {
                let outcome = case.run(&policy);
                if let Some(rule) = outcome.rule {
                    covered[RuleIndex::get(rule)] += 1;
                }
                if outcome.differences.is_empty() {
                    passed += 1;
                    continue;
                }
                failed += 1;
                let differences = outcome.differences.join("\n    ");
                let finding = Finding {
                    detail: Some(outcome.differences.join("\n")),
                    ..Finding::new(Severity::Error, "case-failed", case.name.clone()).in_file(name, None)
                };
                io.print(finding, &format_args!("failed: {} ({name})\n    {differences}", case.name))?;
            }
        }
        writeln!(io.out, "cases  rule")?;
        for (rule, &cases) in policy.rules().iter().zip(&covered) {
            let mark = if cases == 0 { "  <- no case" } else { "" };
            writeln!(io.out, "{cases:>5}  {}{mark}", rule.id)?;
            if let (0, Some(collected)) = (cases, &mut io.collected) {
                let text = format!("rule {} has no case", Quoted(&rule.id));
                collected.push(Finding::new(Severity::Error, "no-case", text));
            }
        }
        let uncovered = covered.iter().filter(|&&cases| cases == 0).count();
        let rules = covered.len();
        let exit = if failed == 0 && uncovered == 0 { Exit::Done } else { Exit::Failed };
        let with_case = rules - uncovered;
        let summary = format!("{passed} passed, {failed} failed; {with_case} of {rules} rules have a case");
        Ok(Verdict { exit, summary })
    }
}

fn name(file: Option<&Path>) -> String {
    file.map_or_else(|| BUILTIN_NAME.to_owned(), |file| file.display().to_string())
}

fn builtin_cases() -> Vec<(String, String)> {
    BUILTIN_CASES.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// Reads a file of cases, or every `.toml` of a folder in the order of their names.
fn read_cases(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut files = Vec::new();
    if path.is_dir() {
        let failed = || format!("cannot read `{}`", path.display());
        for entry in fs::read_dir(path).with_context(failed).or_exit(Exit::Usage)? {
            let file = entry.with_context(failed).or_exit(Exit::Usage)?.path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                files.push(file);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(Failure::usage(format!("there is no `.toml` file in `{}`", path.display())));
        }
    } else {
        files.push(path.to_owned());
    }
    files.into_iter().map(|file| Ok((file.display().to_string(), read(&file)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::{table::TableFormat, *};
    use crate::commands::io::tests::run;

    fn check(file: Option<&Path>) -> (u8, String, String) {
        run(|io| CheckArgs { file: file.map(Path::to_owned), ..CheckArgs::default() }.run(io))
    }

    fn test() -> (u8, String, String) {
        run(|io| TestArgs::default().run(io))
    }

    fn table(format: TableFormat) -> (u8, String, String) {
        run(|io| TableArgs { file: None, format }.run(io))
    }

    #[test]
    fn the_builtin_policy_is_proved() {
        let (code, out, err) = check(None);
        assert_eq!((code, err.as_str()), (0, ""));
        insta::assert_snapshot!(out);
    }

    #[test]
    fn the_builtin_cases_pass_and_cover_every_rule() {
        let (code, out, err) = test();
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_wrong_case_and_a_rule_without_one_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.toml");
        let text = "[[case]]\nname = \"wrong\"\ngiven = { requester = \"customer\" }\nexpect = { assignee = \"offer-publisher\" }\n";
        fs::write(&file, text).unwrap();
        let policy = folder.path().join("policy");
        fs::write(&policy, BUILTIN).unwrap();
        let args = TestArgs { file: Some(policy), cases: vec![file], ..TestArgs::default() };
        let (code, out, _) = run(|io| args.run(io));
        assert_eq!(code, 1);
        assert!(out.contains("assignee: expected offer-publisher, found assigned-partner"), "{out}");
        assert!(out.contains("customer-commerce  <- no case"), "{out}");
    }

    #[test]
    fn a_file_that_is_not_there_is_a_usage_error_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        assert_eq!(check(Some(&file)).0, 64);
        fs::write(&file, "").unwrap();
        let (code, _, err) = check(Some(&file));
        assert_eq!(code, 65);
        assert!(err.contains("a case has no rule"), "{err}");
    }

    #[test]
    fn the_table_fits_into_a_terminal_of_100_columns() {
        let (_, out, _) = table(TableFormat::Text);
        assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
        insta::assert_snapshot!(out);
        let (_, out, _) = table(TableFormat::Markdown);
        insta::assert_snapshot!("markdown", out);
    }

    #[test]
    fn own_cases_come_beside_the_built_in_ones_on_the_built_in_policy_alone_and_several_times() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[case]]\nname = \"mine\"\ngiven = { requester = \"customer\", category = \"billing\" }\nexpect = { rule = \"customer-commerce\" }\n";
        let files = ["one.toml", "two.toml"].map(|name| folder.path().join(name));
        for file in &files {
            fs::write(file, text).unwrap();
        }
        let passed = |cases: Vec<PathBuf>| {
            let (code, out, _) = run(|io| TestArgs { cases, ..TestArgs::default() }.run(io));
            assert_eq!(code, 0, "{out}");
            let words = out.lines().last().unwrap().split(' ').next().unwrap().to_owned();
            words.parse::<usize>().unwrap()
        };
        assert_eq!(passed(files.to_vec()), passed(Vec::new()) + 2);
        let policy = folder.path().join("policy");
        fs::write(&policy, BUILTIN).unwrap();
        let args = TestArgs { file: Some(policy), cases: files.to_vec(), ..TestArgs::default() };
        let (_, out, _) = run(|io| args.run(io));
        assert!(out.lines().last().unwrap().starts_with("2 passed, 0 failed; 1 of "), "{out}");
    }

    #[test]
    fn what_is_printed_is_the_built_in_policy_and_ids_that_nobody_has_are_told() {
        let (_, mut policy, _) = run(|io| PrintArgs { cases: false }.run(io));
        policy.push_str(
            "\n[[exception]]\nid = \"mine\"\nwhen = { offer = \"Harborlight.helpdesk\", category = \"billing\", requester = \"customer\" }\n\
             overrides = [\"customer-commerce\"]\nowner = \"publisher\"\nassignee = \"offer-publisher\"\ncontacts = [\"customer-support\"]\nreason = \"Agreed.\"\n",
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        fs::write(&file, policy).unwrap();
        let catalog = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/catalog"));
        let (code, out, err) =
            run(|io| CheckArgs { file: Some(file), catalog, ..CheckArgs::default() }.run(io));
        assert_eq!(code, 0, "{err}");
        assert!(out.contains(", 1 exception, "), "{out}");
        assert_eq!(
            err,
            "warning: the policy names offer `Harborlight.helpdesk`, which the catalog does not have; did you mean `harborlight.helpdesk`?\n"
        );
    }
}
