//! The fields of a ticket, and who wants them: both formats are read by one grammar each, which hands what it
//! finds to a sink. The reader's sink keeps a few fields, that of transcoding writes all of them.

use super::{
    limits::Limits,
    raw::Raw,
    reason::{DeadLetterReason as Reason, Fault},
};
use crate::proto::Timestamp;

/// A field that holds text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Text {
    Id,
    Source,
    PartnerId,
    OfferId,
    PlanId,
    SubscriptionId,
    Language,
    Subject,
    Body,
    RequesterId,
    DisplayName,
    Email,
}

impl Text {
    pub(super) const ALL: [Self; 12] = [
        Self::Id,
        Self::Source,
        Self::PartnerId,
        Self::OfferId,
        Self::PlanId,
        Self::SubscriptionId,
        Self::Language,
        Self::Subject,
        Self::Body,
        Self::RequesterId,
        Self::DisplayName,
        Self::Email,
    ];

    /// The field's name in canonical ProtoJSON.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Source => "source",
            Self::PartnerId => "partnerId",
            Self::OfferId => "offerId",
            Self::PlanId => "planId",
            Self::SubscriptionId => "subscriptionId",
            Self::Language => "language",
            Self::Subject => "subject",
            Self::Body => "body",
            Self::RequesterId => "requester.id",
            Self::DisplayName => "requester.displayName",
            Self::Email => "requester.email",
        }
    }

    const fn is_id(self) -> bool {
        !matches!(self, Self::Language | Self::Subject | Self::Body | Self::DisplayName | Self::Email)
    }

    /// Refuses an id that is too long.
    #[inline]
    pub(super) fn check(self, value: &Raw<'_>, limits: &Limits) -> Result<(), Fault> {
        if value.raw_len() <= limits.max_id_bytes || !self.is_id() {
            Ok(())
        } else {
            self.check_id(value, limits)
        }
    }

    #[cold]
    fn check_id(self, value: &Raw<'_>, limits: &Limits) -> Result<(), Fault> {
        let len = value.len();
        if len <= limits.max_id_bytes {
            return Ok(());
        }
        let detail = format!("`{}` has {len} bytes, limit is {}", self.name(), limits.max_id_bytes);
        Err(Reason::IdTooLong.with(detail).into())
    }
}

/// A field that holds a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Time {
    CreatedAt,
    UpdatedAt,
}

impl Time {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
        }
    }
}

/// A field that holds an enum's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    Role,
    Category,
    Severity,
}

impl Code {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Role => "requester.role",
            Self::Category => "category",
            Self::Severity => "severity",
        }
    }
}

/// Takes the fields of one ticket, each at most once but attributes, whose last value of a name counts.
/// Fields that are absent or null are not handed over.
pub(super) trait Sink<'a> {
    /// A text, checked.
    fn text(&mut self, field: Text, value: Raw<'a>);

    /// An enum's number; `None` for a name that is not known.
    fn code(&mut self, field: Code, number: Option<i32>);

    /// An attribute.
    fn attribute(&mut self, name: Raw<'a>, value: Raw<'a>);

    /// The requester is there, with or without fields.
    fn requester(&mut self) {}

    /// A valid time.
    fn time(&mut self, _field: Time, _value: impl FnOnce() -> Timestamp) {}

    /// The revision.
    fn revision(&mut self, _value: u64) {}
}

/// Counts the attributes of one ticket and refuses what the limits do not allow.
pub(super) struct AttributeCheck<'w> {
    limits: &'w Limits,
    count: usize,
}

impl<'w> AttributeCheck<'w> {
    pub(super) fn new(limits: &'w Limits) -> Self {
        Self { limits, count: 0 }
    }

    #[inline]
    pub(super) fn add(&mut self, name: &Raw<'_>, value: &Raw<'_>) -> Result<(), Fault> {
        self.count += 1;
        let raw_len = name.raw_len() + value.raw_len();
        if self.count <= self.limits.max_attributes && raw_len <= self.limits.max_attribute_bytes {
            return Ok(());
        }
        self.check(name, value)
    }

    #[cold]
    fn check(&self, name: &Raw<'_>, value: &Raw<'_>) -> Result<(), Fault> {
        if self.count > self.limits.max_attributes {
            let detail = format!("`attributes` has more entries than {}", self.limits.max_attributes);
            return Err(Reason::TooManyAttributes.with(detail).into());
        }
        let len = name.len() + value.len();
        if len <= self.limits.max_attribute_bytes {
            return Ok(());
        }
        let limit = self.limits.max_attribute_bytes;
        let detail = format!("attribute {} has {len} bytes with its name, limit is {limit}", name.quote());
        Err(Reason::AttributeTooLarge.with(detail).into())
    }
}
