//! What is wrong with settings.

use std::fmt;

/// One problem with the settings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The setting, with its full path; empty if it is not about one.
    pub key: String,
    /// Where its value came from: file and line, a variable, `--set`; empty for a rule between settings.
    pub origin: String,
    /// What is wrong, and what is allowed.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.as_str(), self.origin.as_str()) {
            ("", "") => f.write_str(&self.text),
            ("", origin) => write!(f, "{origin}: {}", self.text),
            (key, "") => write!(f, "`{key}` {}", self.text),
            (key, origin) => write!(f, "{origin}: `{key}` {}", self.text),
        }
    }
}

/// Settings that cannot be used: every problem, one on each line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What is wrong, in the order of the keys.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}
