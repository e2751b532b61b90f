//! The fields of the catalog's messages: their names in JSON, their types, and what they may say.

use pbjson_types::Duration;

use crate::proto::v1::{
    offer::Kind,
    partner::{Model, TechnicalSupport},
    ticket::{Category, Severity},
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
    Enum(&'static Names),
    Enums(&'static Names),
    Message(&'static Shape),
    Messages(&'static Shape),
}

/// The values of an enum that this version knows.
#[derive(Debug)]
pub struct Names {
    pub(super) is_name: fn(&str) -> bool,
    pub(super) is_number: fn(i32) -> bool,
    /// Finds the name that a name without its prefix stands for: `KIND_SAAS` for `SaaS`.
    pub(super) meant: fn(&str) -> Option<&'static str>,
}

/// More than any number of the contract's enums.
const MAX_NUMBER: i32 = 64;

/// Knows the values of an enum of the contract.
macro_rules! names {
    ($($name:ident: $enum:ty),*) => {
        $(pub(super) const $name: &Names = &Names {
            is_name: |name| <$enum>::from_str_name(name).is_some(),
            is_number: |number| <$enum>::try_from(number).is_ok(),
            meant: |name| {
                let name = name.to_uppercase().replace('-', "_");
                let known = (0..MAX_NUMBER).filter_map(|it| <$enum>::try_from(it).ok()).map(|it| it.as_str_name());
                known.into_iter().find(|known| known.strip_suffix(&*name).is_some_and(|it| it.is_empty() || it.ends_with('_')))
            },
        };)*
    };
}

names!(
    MODEL: Model,
    TECHNICAL_SUPPORT: TechnicalSupport,
    CATEGORY: Category,
    KIND: Kind,
    SEVERITY: Severity
);

const fn field(name: &'static str, proto_name: &'static str, value: Value) -> Field {
    Field { name, proto_name, value }
}

pub(super) const OFFER: &Shape = &[
    field("id", "id", Value::Text),
    field("publisherId", "publisher_id", Value::Text),
    field("title", "title", Value::Text),
    field("kind", "kind", Value::Enum(KIND)),
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
    field("severity", "severity", Value::Enum(SEVERITY)),
    field("firstResponse", "first_response", Value::Duration),
];

pub(super) const PARTNER: &Shape = &[
    field("id", "id", Value::Text),
    field("name", "name", Value::Text),
    field("model", "model", Value::Enum(MODEL)),
    field("providerId", "provider_id", Value::Text),
    field("technicalSupport", "technical_support", Value::Enum(TECHNICAL_SUPPORT)),
    field("providerHandles", "provider_handles", Value::Enums(CATEGORY)),
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
