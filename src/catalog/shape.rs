//! The fields of the catalog's messages: their names in JSON, their types, and what they may say.

use pbjson_types::Duration;

use super::InvalidRecord;
use crate::proto::v1::{
    partner::{Model, TechnicalSupport},
    ticket::Category,
};

/// The fields of a message.
pub type Shape = [Field];

/// A field of a message: its two names in ProtoJSON, and its type.
pub struct Field {
    pub(super) name: &'static str,
    pub(super) proto_name: &'static str,
    pub(super) value: Value,
}

/// The type of a field.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Text,
    Flag,
    Duration,
    /// An enum whose unknown values count as not said.
    OpenEnum,
    /// An enum whose unknown values are refused.
    ClosedEnum(&'static Names),
    ClosedEnums(&'static Names),
    Message(&'static Shape),
    Messages(&'static Shape),
}

/// The values of an enum that this version knows.
pub(super) struct Names {
    pub is_name: fn(&str) -> bool,
    pub is_number: fn(i32) -> bool,
    pub allowed: &'static str,
}

impl Names {
    /// Refuses a number that this version does not know.
    pub fn check_number(&self, found: i128, field: impl FnOnce() -> String) -> Result<(), InvalidRecord> {
        if i32::try_from(found).is_ok_and(self.is_number) {
            return Ok(());
        }
        Err(InvalidRecord::UnknownValue { field: field(), found: found.to_string(), allowed: self.allowed })
    }
}

pub(super) const MODEL: &Names = &Names {
    is_name: |name| Model::from_str_name(name).is_some(),
    is_number: |number| Model::try_from(number).is_ok(),
    allowed: "`MODEL_DIRECT_BILL`, `MODEL_INDIRECT_PROVIDER`, `MODEL_INDIRECT_RESELLER`, or nothing",
};

pub(super) const TECHNICAL_SUPPORT: &Names = &Names {
    is_name: |name| TechnicalSupport::from_str_name(name).is_some(),
    is_number: |number| TechnicalSupport::try_from(number).is_ok(),
    allowed: "`TECHNICAL_SUPPORT_REFER`, `TECHNICAL_SUPPORT_COORDINATE`, or nothing",
};

pub(super) const CATEGORY: &Names = &Names {
    is_name: |name| Category::from_str_name(name).is_some(),
    is_number: |number| Category::try_from(number).is_ok(),
    allowed: "the categories of a ticket, `CATEGORY_UNSPECIFIED` for none",
};

const fn field(name: &'static str, proto_name: &'static str, value: Value) -> Field {
    Field { name, proto_name, value }
}

pub(super) const OFFER: &Shape = &[
    field("id", "id", Value::Text),
    field("publisherId", "publisher_id", Value::Text),
    field("title", "title", Value::Text),
    field("kind", "kind", Value::OpenEnum),
    field("azureBased", "azure_based", Value::Flag),
    field("firstParty", "first_party", Value::Flag),
    field("contacts", "contacts", Value::Message(CONTACTS)),
    field("userDocumentationUri", "user_documentation_uri", Value::Text),
    field("salesMaterialUri", "sales_material_uri", Value::Text),
    field("cspMarketingUri", "csp_marketing_uri", Value::Text),
];

const CONTACTS: &Shape = &[
    field("engineering", "engineering", Value::Text),
    field("customerSupport", "customer_support", Value::Text),
    field("cspProgram", "csp_program", Value::Text),
];

pub(super) const PUBLISHER: &Shape = &[
    field("id", "id", Value::Text),
    field("name", "name", Value::Text),
    field("supportUri", "support_uri", Value::Text),
    field("sla", "sla", Value::Messages(SERVICE_LEVEL)),
];

const SERVICE_LEVEL: &Shape = &[
    field("severity", "severity", Value::OpenEnum),
    field("firstResponse", "first_response", Value::Duration),
];

pub(super) const PARTNER: &Shape = &[
    field("id", "id", Value::Text),
    field("name", "name", Value::Text),
    field("model", "model", Value::ClosedEnum(MODEL)),
    field("providerId", "provider_id", Value::Text),
    field("technicalSupport", "technical_support", Value::ClosedEnum(TECHNICAL_SUPPORT)),
    field("providerHandles", "provider_handles", Value::ClosedEnums(CATEGORY)),
];

/// Protobuf's limit of a duration: about 10,000 years.
const MAX_SECONDS: i64 = 315_576_000_000;

/// Says whether a duration is one that a publisher can commit itself to, and that ProtoJSON can write.
pub(super) fn is_sane(duration: &Duration) -> bool {
    let limit = Duration { seconds: MAX_SECONDS, nanos: 0 };
    duration.seconds >= 0
        && (0..1_000_000_000).contains(&duration.nanos)
        && (duration.seconds, duration.nanos) <= (limit.seconds, limit.nanos)
}

/// Says whether a text is a duration as ProtoJSON writes it: seconds, at most 9 decimal places, `s`.
pub(super) fn is_duration(text: &str) -> bool {
    let digits = |text: &str, max: usize| {
        (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.strip_suffix('s').is_some_and(|number| match number.split_once('.') {
        Some((whole, fraction)) => digits(whole, 12) && digits(fraction, 9),
        None => digits(number, 12),
    })
}
