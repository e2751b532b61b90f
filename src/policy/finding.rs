//! What is wrong with a policy file, and where.

use std::ops::Range;

/// A range of bytes of the file.
pub(super) type Span = Range<usize>;

/// The kinds of findings; each has a code that stays.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FindingKind {
    /// Not TOML.
    Syntax,
    /// A key that has no meaning here.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// A value of the wrong type, or one that the key does not allow.
    WrongValue,
    /// A condition on a column that does not exist, or not here.
    UnknownColumn,
    /// A value, or a group, that the column does not have.
    UnknownValue,
    /// An override of a rule that does not exist.
    UnknownRule,
    /// The same name twice.
    Duplicate,
    /// A condition or group without any value.
    EmptySet,
    /// A group that contains itself.
    CircularGroup,
    /// Owner and assignee do not agree, or the assignee is nobody for such tickets.
    WrongParty,
    /// An exception that names no offer, publisher, partner or source.
    Unnamed,
    /// A case without a rule.
    Hole,
    /// A case with two rules.
    Overlap,
    /// A rule, or an exception, that can never apply.
    Dead,
    /// A rule, or an exception, that breaks an invariant.
    Invariant,
    /// A table that is too large to prove.
    TooLarge,
}

impl FindingKind {
    /// Returns the code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown-key",
            Self::MissingKey => "missing-key",
            Self::WrongValue => "wrong-value",
            Self::UnknownColumn => "unknown-column",
            Self::UnknownValue => "unknown-value",
            Self::UnknownRule => "unknown-rule",
            Self::Duplicate => "duplicate",
            Self::EmptySet => "empty-set",
            Self::CircularGroup => "circular-group",
            Self::WrongParty => "wrong-party",
            Self::Unnamed => "unnamed",
            Self::Hole => "hole",
            Self::Overlap => "overlap",
            Self::Dead => "dead",
            Self::Invariant => "invariant",
            Self::TooLarge => "too-large",
        }
    }
}

/// One thing that is wrong with a policy file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// What is wrong, in one line.
    pub title: String,
    /// TOML that, added to the file, mends it.
    pub row: Option<String>,
    pub(super) marks: Vec<Mark>,
    pub(super) notes: Vec<String>,
    pub(super) helps: Vec<String>,
}

/// A place in the file that a finding points to; the first is the main one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub(super) span: Span,
    pub(super) label: String,
}

impl Finding {
    /// Returns what is at its places, and the facts about it, a line each.
    #[must_use]
    pub fn detail(&self) -> String {
        let labels = self.marks.iter().map(|mark| mark.label.as_str()).filter(|label| !label.is_empty());
        labels.chain(self.notes.iter().map(String::as_str)).collect::<Vec<_>>().join("\n")
    }

    /// Returns what to do, a line each, and the TOML that mends it, if there is any.
    #[must_use]
    pub fn remedy(&self) -> String {
        self.helps.iter().chain(&self.row).map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Makes a finding that points to a place.
    pub(super) fn new(
        kind: FindingKind,
        title: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Self {
        let marks = vec![Mark { span, label: label.into() }];
        Self { kind, title: title.into(), row: None, marks, notes: Vec::new(), helps: Vec::new() }
    }

    /// Points to one more place.
    pub(super) fn mark(mut self, span: Span, label: impl Into<String>) -> Self {
        self.marks.push(Mark { span, label: label.into() });
        self
    }

    /// Adds a fact.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// Adds advice, if there is any.
    pub(super) fn help_if(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Adds the TOML that mends it.
    pub(super) fn row(mut self, row: String) -> Self {
        self.row = Some(row);
        self
    }
}
