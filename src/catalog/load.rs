//! Loading a file of records, one JSON object a line.

use std::{
    fmt,
    io::{self, BufRead},
};

use thiserror::Error;

use super::{
    Draft, Encodings, InvalidRecord, MAX_RECORD_BYTES, Quoted, Record, RefusedAddress, UnknownField,
    UnknownValue, Upserted, lines::Lines, read, snapshot::Stocked,
};
use crate::ticket::{Format, Payload};

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// The record was left out.
    Error,
    /// The record was kept, and somebody should look at it.
    Warning,
}

/// Something in a catalog folder that a person should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The line, counted from 1; none if it is about records taken together.
    pub line: Option<u64>,
    /// What it is.
    pub problem: Problem,
}

impl Finding {
    /// Says how bad it is.
    #[must_use]
    pub fn level(&self) -> Level {
        if matches!(self.problem, Problem::Refused(_)) { Level::Error } else { Level::Warning }
    }
}

impl fmt::Display for Finding {
    /// `offers.jsonl:12: error: …`, as compilers and editors know it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let level = match self.level() {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, ": {level}: {}", self.problem)
    }
}

/// What a finding is about. Ids and names are as the file has them.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Problem {
    /// The line is not a record.
    #[error(transparent)]
    Refused(#[from] InvalidRecord),
    /// The contract has no such field; it was passed over.
    #[error("unknown field {}{}", Quoted(path), Meant(*meant))]
    UnknownField {
        /// The path of the field.
        path: String,
        /// The field that it probably stands for.
        meant: Option<&'static str>,
    },
    /// An enum has a value that this version does not know; it is kept.
    #[error("`{path}` is {value}, which this version does not know{}; tickets that depend on it go to triage",
        Meant(*meant))]
    UnknownValue {
        /// The path of the field.
        path: String,
        /// The number or name, quoted.
        value: String,
        /// The name that it probably stands for.
        meant: Option<&'static str>,
    },
    /// The record was taken without an address.
    #[error("{0}; the record is taken without it")]
    Address(RefusedAddress),
    /// An earlier line had the id: the last one wins.
    #[error("id {} is there twice, this line wins", Quoted(id))]
    RepeatedId {
        /// The id.
        id: String,
    },
    /// Tickets about the offer go to triage.
    #[error("offer {}: publisher {} is not in the catalog", Quoted(offer), Quoted(publisher))]
    UnknownPublisher {
        /// The offer's id.
        offer: String,
        /// Its `publisherId`.
        publisher: String,
    },
    /// Some tickets about the offer go to triage.
    #[error("offer {} does not say whether it is `azureBased`", Quoted(offer))]
    NoAzureBased {
        /// The offer's id.
        offer: String,
    },
    /// A support agent is not shown whom to turn to.
    #[error("offer {} names no contact, and its publisher {}", Quoted(offer),
        if *has_support { "only has a general `supportUri`" } else { "has no `supportUri` either" })]
    NoContact {
        /// The offer's id.
        offer: String,
        /// The publisher's own address is shown instead.
        has_support: bool,
    },
    /// Some tickets of the partner go to triage.
    #[error("partner {} does not say its `model`", Quoted(partner))]
    NoModel {
        /// The partner's id.
        partner: String,
    },
    /// Tickets that are the provider's go to triage.
    #[error("partner {} is an indirect reseller without a `providerId`", Quoted(partner))]
    NoProvider {
        /// The partner's id.
        partner: String,
    },
    /// Tickets that are the provider's go to triage.
    #[error("partner {}: provider {} is not in the catalog", Quoted(partner), Quoted(provider))]
    UnknownProvider {
        /// The partner's id.
        partner: String,
        /// Its `providerId`.
        provider: String,
    },
    /// Tickets that are the provider's go to triage.
    #[error("partner {}: provider {} is not an indirect provider", Quoted(partner), Quoted(provider))]
    InvalidProvider {
        /// The partner's id.
        partner: String,
        /// Its `providerId`.
        provider: String,
    },
}

impl Problem {
    /// Returns what kind of problem it is, in a word that stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::UnknownField { .. } => "unknown-field",
            Self::UnknownValue { .. } => "unknown-value",
            Self::Address(_) => "address",
            Self::RepeatedId { .. } => "repeated-id",
            Self::UnknownPublisher { .. } => "unknown-publisher",
            Self::NoAzureBased { .. } => "no-azure-based",
            Self::NoContact { .. } => "no-contact",
            Self::NoModel { .. } => "no-model",
            Self::NoProvider { .. } => "no-provider",
            Self::UnknownProvider { .. } => "unknown-provider",
            Self::InvalidProvider { .. } => "invalid-provider",
        }
    }
}

/// Prints what an unknown name probably stands for.
struct Meant(Option<&'static str>);

impl fmt::Display for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, ", perhaps `{name}` is meant"))
    }
}

/// What became of the lines of a file.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Loaded {
    /// Lines that are not blank.
    pub lines: u64,
    /// Records that the draft has now because of them.
    pub kept: u64,
    /// Lines that were left out.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
}

/// Reads records, one JSON object a line, into a draft. A line that cannot be taken is reported and left out; of
/// lines with the same id the last one wins. Blank lines and a byte order mark at the start are passed over.
///
/// # Errors
/// Only those of the input. What is wrong with lines goes to `report`, in the order of the lines.
pub fn load<R: Record + Stocked>(
    file: &str,
    input: impl BufRead,
    encodings: Encodings,
    draft: &mut Draft,
    mut report: impl FnMut(Finding),
) -> io::Result<Loaded> {
    let mut loaded = Loaded::default();
    let mut lines = Lines::new(input);
    while let Some(line) = lines.next(MAX_RECORD_BYTES)? {
        if line.bytes.is_empty() {
            continue;
        }
        loaded.lines += 1;
        let mut found = |problem: Problem| {
            report(Finding { file: file.to_owned(), line: Some(line.number), problem });
        };
        let decoded = if line.len > MAX_RECORD_BYTES {
            Err(InvalidRecord::TooLarge { what: "line", len: line.len, limit: MAX_RECORD_BYTES })
        } else {
            read::<R>(Payload { format: Format::Json, bytes: line.bytes }, encodings)
        };
        match decoded {
            Err(invalid) => {
                loaded.errors += 1;
                found(invalid.into());
            }
            Ok(decoded) => {
                for UnknownField { path, meant } in decoded.unknown_fields {
                    loaded.warnings += 1;
                    found(Problem::UnknownField { path, meant });
                }
                for UnknownValue { path, value, meant } in decoded.unknown_values {
                    loaded.warnings += 1;
                    let value =
                        value.as_str().map_or_else(|| value.to_string(), |name| Quoted(name).to_string());
                    found(Problem::UnknownValue { path, value, meant });
                }
                for address in decoded.refused_addresses {
                    loaded.warnings += 1;
                    found(Problem::Address(address));
                }
                let id = decoded.record.id().to_owned();
                if draft.upsert(decoded.record) == Upserted::Added {
                    loaded.kept += 1;
                } else {
                    loaded.warnings += 1;
                    found(Problem::RepeatedId { id });
                }
            }
        }
    }
    Ok(loaded)
}
