//! `ticket-router policy …`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::policy::{BUILTIN, BUILTIN_CASES, BUILTIN_NAME, Policy, RuleIndex, load_cases};

mod table;

pub use table::{TableFormat, table};

/// The exit codes of the commands on policies.
mod exit {
    pub(super) const DONE: u8 = 0;
    pub(super) const FAILED: u8 = 1;
    pub(super) const USAGE: u8 = 64;
    pub(super) const BAD_POLICY: u8 = 65;
}

/// What can be done with a policy.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Prove a policy: every case has one rule, no rule is dead, the invariants hold.
    Check {
        /// The policy file; the built-in policy without it.
        file: Option<PathBuf>,
    },
    /// Print a policy as a table.
    Table {
        /// The policy file; the built-in policy without it.
        file: Option<PathBuf>,
        /// How the table is laid out.
        #[arg(long, value_enum, default_value_t)]
        format: TableFormat,
    },
    /// Run the cases of a policy, and show which rules they cover.
    Test {
        /// The policy file; the built-in policy without it.
        file: Option<PathBuf>,
        /// A file of cases or a folder of them; the built-in cases without it.
        #[arg(long, value_name = "PATH")]
        cases: Option<PathBuf>,
    },
}

/// Proves a policy and says on `out` what was proved. Returns the exit code: 0, 65 for a policy that is refused, 64 for a
/// file that cannot be read.
///
/// # Errors
///
/// Only those of writing.
pub fn check(
    file: Option<&Path>,
    coloured: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let policy = match load(file, coloured, err)? {
        Ok(policy) => policy,
        Err(code) => return Ok(code),
    };
    let summary = policy.summary();
    writeln!(
        out,
        "{}: proved: {} rules are complete and unambiguous over {} cells, {} exceptions, {} invariants hold; version {:032x}",
        name(file),
        summary.rules,
        summary.cells,
        summary.exceptions,
        summary.invariants,
        policy.version(),
    )?;
    Ok(exit::DONE)
}

/// Runs cases and shows on `out` which fail and which rules none covers. Returns the exit code: 0, 1 where a case fails
/// or a rule has no case, 64 and 65 as [`check`] does, for files of cases too.
///
/// # Errors
///
/// Only those of writing.
pub fn test(
    file: Option<&Path>,
    cases: Option<&Path>,
    coloured: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let policy = match load(file, coloured, err)? {
        Ok(policy) => policy,
        Err(code) => return Ok(code),
    };
    let files = match cases.map_or_else(|| Ok(builtin_cases()), read_cases) {
        Ok(files) => files,
        Err(error) => {
            writeln!(err, "error: {error}")?;
            return Ok(exit::USAGE);
        }
    };
    let mut covered = vec![0_usize; policy.rules().len()];
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for (name, text) in &files {
        let cases = match load_cases(&policy, name, text) {
            Ok(cases) => cases,
            Err(refused) => {
                writeln!(err, "{}", refused.render(coloured))?;
                return Ok(exit::BAD_POLICY);
            }
        };
        for case in &cases {
            let outcome = case.run(&policy);
            if let Some(rule) = outcome.rule {
                covered[RuleIndex::get(rule)] += 1;
            }
            if outcome.differences.is_empty() {
                passed += 1;
                continue;
            }
            failed += 1;
            writeln!(out, "failed: {} ({name})", case.name)?;
            for difference in &outcome.differences {
                writeln!(out, "    {difference}")?;
            }
        }
    }
    writeln!(out, "cases  rule")?;
    for (rule, &cases) in policy.rules().iter().zip(&covered) {
        let mark = if cases == 0 { "  <- no case" } else { "" };
        writeln!(out, "{cases:>5}  {}{mark}", rule.id)?;
    }
    let uncovered = covered.iter().filter(|&&cases| cases == 0).count();
    let rules = covered.len();
    writeln!(out, "{passed} passed, {failed} failed; {} of {rules} rules have a case", rules - uncovered)?;
    Ok(if failed == 0 && uncovered == 0 { exit::DONE } else { exit::FAILED })
}

/// Loads a policy, or says on `err` why not and returns the exit code.
fn load(file: Option<&Path>, coloured: bool, err: &mut dyn Write) -> io::Result<Result<Policy, u8>> {
    let text = match file.map_or_else(|| Ok(BUILTIN.to_owned()), fs::read_to_string) {
        Ok(text) => text,
        Err(error) => {
            writeln!(err, "error: cannot read `{}`: {error}", name(file))?;
            return Ok(Err(exit::USAGE));
        }
    };
    match Policy::load(&name(file), &text) {
        Ok(policy) => Ok(Ok(policy)),
        Err(refused) => {
            writeln!(err, "{}", refused.render(coloured))?;
            Ok(Err(exit::BAD_POLICY))
        }
    }
}

fn name(file: Option<&Path>) -> String {
    file.map_or_else(|| BUILTIN_NAME.to_owned(), |file| file.display().to_string())
}

fn builtin_cases() -> Vec<(String, String)> {
    BUILTIN_CASES.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// Reads a file of cases, or every `.toml` of a folder in the order of their names.
fn read_cases(path: &Path) -> Result<Vec<(String, String)>, String> {
    let failed = |path: &Path, error: io::Error| format!("cannot read `{}`: {error}", path.display());
    let mut files = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(|error| failed(path, error))? {
            let file = entry.map_err(|error| failed(path, error))?.path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                files.push(file);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(format!("there is no `.toml` file in `{}`", path.display()));
        }
    } else {
        files.push(path.to_owned());
    }
    let read = |file: PathBuf| match fs::read_to_string(&file) {
        Ok(text) => Ok((file.display().to_string(), text)),
        Err(error) => Err(failed(&file, error)),
    };
    files.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: impl Fn(&mut dyn Write, &mut dyn Write) -> io::Result<u8>) -> (u8, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = command(&mut out, &mut err).unwrap();
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn the_builtin_policy_is_proved() {
        let (code, out, err) = run(|out, err| check(None, false, out, err));
        assert_eq!((code, err.as_str()), (0, ""));
        insta::assert_snapshot!(out);
    }

    #[test]
    fn the_builtin_cases_pass_and_cover_every_rule() {
        let (code, out, err) = run(|out, err| test(None, None, false, out, err));
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_wrong_case_and_a_rule_without_one_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.toml");
        let text = "[[case]]\nname = \"wrong\"\ngiven = { requester = \"customer\" }\nexpect = { assignee = \"offer-publisher\" }\n";
        fs::write(&file, text).unwrap();
        let (code, out, _) = run(|out, err| test(None, Some(folder.path()), false, out, err));
        assert_eq!(code, 1);
        assert!(out.contains("assignee: expected offer-publisher, found assigned-partner"), "{out}");
        assert!(out.contains("customer-commerce  <- no case"), "{out}");
    }

    #[test]
    fn a_file_that_is_not_there_is_a_usage_error_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        assert_eq!(run(|out, err| check(Some(&file), false, out, err)).0, 64);
        fs::write(&file, "").unwrap();
        let (code, _, err) = run(|out, err| check(Some(&file), false, out, err));
        assert_eq!(code, 65);
        assert!(err.contains("a case has no rule"), "{err}");
    }

    #[test]
    fn the_table_fits_into_a_terminal_of_100_columns() {
        let (_, out, _) = run(|out, err| table(None, TableFormat::Text, 100, false, out, err));
        assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
        insta::assert_snapshot!(out);
        let (_, out, _) = run(|out, err| table(None, TableFormat::Markdown, 100, false, out, err));
        insta::assert_snapshot!("markdown", out);
    }
}
