//! The layer of exceptions, found by the ids that they name.

use std::collections::HashMap;

use super::{
    absent::{ELECTIONS, MODELS},
    case::{Case, Fact},
    column::{Column, Kind},
    draft::{Draft, key_column},
    region::Region,
};
use crate::proto::v1::{partner::Model, ticket::requester::Role};

/// The exceptions of a policy.
#[derive(Clone, Debug)]
pub(super) struct Exceptions {
    exceptions: Vec<Exception>,
    /// By the first column in which they name their values: the exceptions that name it.
    by_offer: HashMap<Box<str>, Vec<u32>>,
    by_publisher: HashMap<Box<str>, Vec<u32>>,
    by_partner: HashMap<Box<str>, Vec<u32>>,
    by_source: HashMap<Box<str>, Vec<u32>>,
}

#[derive(Clone, Debug)]
struct Exception {
    region: Region,
    /// In order.
    overrides: Vec<u32>,
}

impl Exceptions {
    /// Builds the index of proved exceptions.
    pub(super) fn of(draft: &Draft) -> Self {
        let mut layer = Self {
            exceptions: Vec::new(),
            by_offer: HashMap::new(),
            by_publisher: HashMap::new(),
            by_partner: HashMap::new(),
            by_source: HashMap::new(),
        };
        for (index, exception) in draft.exceptions.iter().enumerate() {
            let region = exception.region.clone();
            let key = key_column(&draft.columns, &region).expect("proved: an exception names somebody");
            let by_key = match draft.columns[key].kind {
                Kind::Offer => &mut layer.by_offer,
                Kind::Publisher => &mut layer.by_publisher,
                Kind::Partner => &mut layer.by_partner,
                _ => &mut layer.by_source,
            };
            for value in region.set(key).into_iter().flat_map(|set| set.iter()) {
                let name = draft.columns[key].values[value].as_str();
                by_key.entry(name.into()).or_default().push(index as u32);
            }
            let overrides = exception.overrides.iter().map(|&(rule, _)| rule as u32).collect();
            layer.exceptions.push(Exception { region, overrides });
        }
        layer
    }

    /// Says whether an exception may apply to a case, absent values taken as fitting.
    pub(super) fn may_apply(&self, columns: &[Column], case: &Case<'_>) -> bool {
        !self.exceptions.is_empty() && self.candidates(case).any(|index| self.fits(columns, case, index))
    }

    /// Returns the exception that overrides the rule in a case without absent values.
    pub(super) fn overriding(&self, columns: &[Column], case: &Case<'_>, rule: u32) -> Option<u32> {
        self.candidates(case).find(|&index| {
            let overrides = &self.exceptions[index as usize].overrides;
            overrides.binary_search(&rule).is_ok() && self.fits(columns, case, index)
        })
    }

    fn candidates(&self, case: &Case<'_>) -> impl Iterator<Item = u32> {
        let named = [
            (&self.by_offer, case.offer),
            (&self.by_publisher, case.publisher),
            (&self.by_partner, case.partner),
            (&self.by_source, case.source),
        ];
        named.into_iter().filter_map(|(by_id, id)| by_id.get(id)).flatten().copied()
    }

    fn fits(&self, columns: &[Column], case: &Case<'_>, index: u32) -> bool {
        let region = &self.exceptions[index as usize].region;
        region
            .narrowed()
            .all(|(column, set)| value(&columns[column], case).is_none_or(|value| set.contains(value)))
    }
}

/// Returns the place of a case's value in a column; `None` if it is absent.
pub(super) fn value(column: &Column, case: &Case<'_>) -> Option<usize> {
    let named = |name: &str| column.value(name).unwrap_or(column.values.len());
    match column.kind {
        Kind::Requester => match case.requester {
            Role::Unspecified => None,
            role => Some(role as usize - 1),
        },
        Kind::Category => Some(case.category as usize),
        Kind::Severity => Some(case.severity as usize),
        Kind::Model => {
            let model = case.model.known().filter(|&model| model != Model::Unspecified)?;
            MODELS.iter().position(|&known| known == model)
        }
        Kind::TechnicalSupport => {
            let election = case.technical_support.known()?;
            ELECTIONS.iter().position(|&known| known == election)
        }
        Kind::AzureBased => match case.azure_based {
            Fact::Known(answer) => Some(usize::from(!answer)),
            Fact::Absent(_) => None,
        },
        Kind::Source => Some(named(case.source)),
        Kind::Attribute(index) => match case.attributes.get(index).copied().flatten() {
            // "none" is the last of the named values: an attribute cannot declare it.
            None => Some(column.values.len() - 1),
            Some(super::column::NONE) => Some(column.values.len()),
            Some(value) => Some(named(value)),
        },
        Kind::Offer => Some(named(case.offer)),
        Kind::Publisher => Some(named(case.publisher)),
        Kind::Partner => Some(named(case.partner)),
    }
}
