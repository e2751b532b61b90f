//! The borrowed view of a ticket: what a decision needs, and no more.

use std::ops::Deref;

use crate::proto::v1::ticket::{Category, Severity, requester::Role};

/// The fields of a ticket that decide where it goes; an absent field is empty, as in protobuf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket<'a> {
    /// Identifies it at its source; never empty.
    pub id: &'a str,
    /// The helpdesk system and its instance.
    pub source: &'a str,
    /// In which role the requester asks.
    pub role: Coded<Role>,
    /// Who asks.
    pub requester_id: &'a str,
    /// The customer's partner.
    pub partner_id: &'a str,
    /// The offer it is about.
    pub offer_id: &'a str,
    /// The kind of help asked for.
    pub category: Coded<Category>,
    /// How much it hurts; unknown counts as unspecified.
    pub severity: Severity,
    /// The values of the attributes whose names the [`Reader`](super::Reader) was given, in that order.
    pub attributes: Attributes<'a>,
}

/// The value of an enum field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coded<T> {
    /// One that this version knows; the unspecified value says that the field is absent.
    Known(T),
    /// A number or name from a newer writer.
    Unknown,
}

impl<T: TryFrom<i32>> Coded<T> {
    /// The value of an enum number; `None` stands for a name that is not known.
    pub(super) fn of(number: Option<i32>) -> Self {
        number.and_then(|number| T::try_from(number).ok()).map_or(Self::Unknown, Self::Known)
    }
}

/// Values of the declared attributes, as a slice; `None` if the ticket does not have the attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attributes<'a>(Slots<Option<&'a str>>);

impl<'a> Attributes<'a> {
    /// Holds these values, in the order of the names of the [`Reader`](super::Reader).
    #[must_use]
    pub fn of(values: &[Option<&'a str>]) -> Self {
        let mut slots = Slots::new(values.len());
        slots.as_mut_slice().copy_from_slice(values);
        Self(slots)
    }

    pub(super) fn new(slots: Slots<Option<&'a str>>) -> Self {
        Self(slots)
    }
}

impl<'a> Deref for Attributes<'a> {
    type Target = [Option<&'a str>];

    fn deref(&self) -> &Self::Target {
        self.0.as_slice()
    }
}

/// Declared attributes up to which a ticket is read without allocating. Each is a column of the decision
/// table, so real policies declare a handful.
const INLINE: usize = 8;

/// A fixed number of values: in place as far as they fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Slots<T> {
    Inline([T; INLINE], usize),
    Heap(Vec<T>),
}

impl<T: Copy + Default> Slots<T> {
    pub(super) fn new(len: usize) -> Self {
        if len <= INLINE {
            Self::Inline([T::default(); INLINE], len)
        } else {
            Self::Heap(vec![T::default(); len])
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::Inline(values, len) => &mut values[..*len],
            Self::Heap(values) => values,
        }
    }
}

impl<T> Slots<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::Inline(values, len) => &values[..*len],
            Self::Heap(values) => values,
        }
    }
}
