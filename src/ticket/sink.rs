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

    /// Whether it is an id, which is never longer than the limit. The source counts as one.
    pub(super) const fn is_id(self) -> bool {
        !matches!(self, Self::Language | Self::Subject | Self::Body | Self::DisplayName | Self::Email)
    }

    /// Whether an owner can depend on it.
    pub(super) const fn decides(self) -> bool {
        self.is_id() && !matches!(self, Self::PlanId | Self::SubscriptionId)
    }

    /// Refuses an id that is too long.
    ///
    /// `raw_len` is that of the value as written: no less than its own, and enough to know for nearly all.
    #[inline]
    pub(super) fn check<'a>(
        self,
        raw_len: usize,
        value: impl FnOnce() -> Raw<'a>,
        limits: &Limits,
    ) -> Result<(), Fault> {
        if raw_len > limits.max_id_bytes && self.is_id() { self.check_id(&value(), limits) } else { Ok(()) }
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

/// Name and value.
pub(super) type Attribute<'a> = (Raw<'a>, Raw<'a>);

/// Takes the fields of one ticket, each at most once but attributes, whose last value of a name counts.
/// Fields that are absent or null are not handed over.
pub(super) trait Sink<'a> {
    /// Whether the fields are written in another format, which has no place for what this version does not
    /// know.
    const REWRITES: bool = false;

    /// A text, checked; to get it costs something.
    fn text(&mut self, field: Text, value: impl FnOnce() -> Raw<'a>);

    /// An enum's number; `None` for a name that is not known.
    fn code(&mut self, field: Code, number: Option<i32>);

    /// An attribute: name and value.
    fn attribute(&mut self, attribute: impl FnOnce() -> Attribute<'a>);

    /// Whether a decision can depend on the attribute of this name; without a name, on any attribute.
    fn decides(&self, _attribute: Option<&Raw<'a>>) -> bool {
        false
    }

    /// The requester is there, with or without fields.
    fn requester(&mut self) {}

    /// A valid time.
    fn time(&mut self, _field: Time, _value: Timestamp) {}

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

    /// `raw_len` is the sum of name and value as written: no less than what they mean.
    #[inline]
    pub(super) fn add<'a>(
        &mut self,
        raw_len: usize,
        attribute: impl FnOnce() -> Attribute<'a>,
    ) -> Result<(), Fault> {
        self.count += 1;
        if self.count <= self.limits.max_attributes && raw_len <= self.limits.max_attribute_bytes {
            return Ok(());
        }
        self.check(attribute())
    }

    #[cold]
    fn check(&self, (name, value): Attribute<'_>) -> Result<(), Fault> {
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

/// Takes nothing: for a text that is only to be checked.
impl<'a> Sink<'a> for () {
    fn text(&mut self, _field: Text, _value: impl FnOnce() -> Raw<'a>) {}

    fn code(&mut self, _field: Code, _number: Option<i32>) {}

    fn attribute(&mut self, _attribute: impl FnOnce() -> Attribute<'a>) {}
}
