//! The columns of a decision table, and the values that each can have.

use std::collections::BTreeSet;

use super::values::ValueSet;

/// How many columns every policy has before its attributes.
pub(super) const FIXED: usize = 7;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Requester,
    Category,
    Severity,
    Model,
    TechnicalSupport,
    AzureBased,
    Source,
    /// The attribute in this place of the declared ones.
    Attribute(usize),
    Offer,
    Publisher,
    Partner,
}

impl Kind {
    /// Says whether the values are ids, which only exceptions may name.
    pub(super) fn is_id(self) -> bool {
        matches!(self, Self::Offer | Self::Publisher | Self::Partner)
    }

    /// Says whether the column is of those of which an exception must name a value.
    pub(super) fn names_exceptions(self) -> bool {
        self.is_id() || self == Self::Source
    }

    /// Says whether the value can be absent when a case is decided.
    pub(super) fn can_be_absent(self) -> bool {
        matches!(self, Self::Model | Self::TechnicalSupport | Self::AzureBased)
    }
}

/// The order of the values is that of the enums in `proto/`, with "none" first if that is a value.
const REQUESTERS: &[&str] = &["customer", "partner", "publisher"];
const CATEGORIES: &[&str] = &[
    NONE,
    "billing",
    "subscription-management",
    "account-setup",
    "payment",
    "user-support",
    "break-fix",
    "offer-management",
    "transaction",
    "account-support",
    "deployment",
    "provisioning",
    "publisher-contact",
    "partner-enablement",
    "other",
];
const SEVERITIES: &[&str] = &[NONE, "a", "b", "c"];
const MODELS: &[&str] = &["direct-bill", "indirect-provider", "indirect-reseller"];
const ELECTIONS: &[&str] = &["refer", "coordinate", "no-partner"];
const AZURE_BASED: &[&str] = &["yes", "no"];

/// The name of the value of a ticket that says nothing.
pub(super) const NONE: &str = "none";

/// A column and its values.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The values that have a name; an open column has one value more, "any other", behind them.
    pub(super) values: Vec<String>,
    pub(super) is_open: bool,
    /// Named sets of values, in the order of the file.
    pub(super) groups: Vec<(String, ValueSet)>,
}

impl Column {
    fn new(kind: Kind, name: impl Into<String>, values: &[&str], is_open: bool) -> Self {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Self { kind, name: name.into(), values, is_open, groups: Vec::new() }
    }

    /// Returns how many values there are.
    pub(super) fn size(&self) -> usize {
        self.values.len() + usize::from(self.is_open)
    }

    /// Returns the place of a named value.
    pub(super) fn value(&self, name: &str) -> Option<usize> {
        // The names of an id column are sorted and can be many.
        if self.kind.names_exceptions() {
            return self.values.binary_search_by(|value| value.as_str().cmp(name)).ok();
        }
        self.values.iter().position(|value| value == name)
    }

    /// Returns the set of a group.
    pub(super) fn group(&self, name: &str) -> Option<&ValueSet> {
        self.groups.iter().find(|(group, _)| group == name).map(|(_, set)| set)
    }

    /// Says whether the set holds the values that have no name.
    pub(super) fn holds_others(&self, set: &ValueSet) -> bool {
        self.is_open && set.contains(self.values.len())
    }
}

/// A declared attribute.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// Builds the columns of a policy; `named` are the names that the file uses in the open columns.
pub(super) fn columns(attributes: &[Attribute], named: &Named) -> Vec<Column> {
    let open = |kind, name, values: &BTreeSet<String>| {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        Column::new(kind, name, &values, true)
    };
    let mut columns = vec![
        Column::new(Kind::Requester, "requester", REQUESTERS, false),
        Column::new(Kind::Category, "category", CATEGORIES, false),
        Column::new(Kind::Severity, "severity", SEVERITIES, false),
        Column::new(Kind::Model, "model", MODELS, false),
        Column::new(Kind::TechnicalSupport, "technical-support", ELECTIONS, false),
        Column::new(Kind::AzureBased, "azure-based", AZURE_BASED, false),
        open(Kind::Source, "source", &named.sources),
    ];
    for (index, attribute) in attributes.iter().enumerate() {
        let mut values: Vec<&str> = attribute.values.iter().map(String::as_str).collect();
        values.push(NONE);
        let name = format!("attribute.{}", attribute.name);
        columns.push(Column::new(Kind::Attribute(index), name, &values, true));
    }
    columns.push(open(Kind::Offer, "offer", &named.offers));
    columns.push(open(Kind::Publisher, "publisher", &named.publishers));
    columns.push(open(Kind::Partner, "partner", &named.partners));
    columns
}

/// The names that a file uses in the columns whose values it need not declare.
#[derive(Default, Debug)]
pub(super) struct Named {
    pub(super) sources: BTreeSet<String>,
    pub(super) offers: BTreeSet<String>,
    pub(super) publishers: BTreeSet<String>,
    pub(super) partners: BTreeSet<String>,
}

impl Named {
    /// Returns the names of a column, if it is such a column.
    pub(super) fn of(&mut self, column: &str) -> Option<&mut BTreeSet<String>> {
        match column {
            "source" => Some(&mut self.sources),
            "offer" => Some(&mut self.offers),
            "publisher" => Some(&mut self.publishers),
            "partner" => Some(&mut self.partners),
            _ => None,
        }
    }
}
