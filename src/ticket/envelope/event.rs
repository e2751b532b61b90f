//! CloudEvents 1.0 in structured mode (its JSON format): what is around the ticket becomes what binary mode
//! has, headers.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{find, refused};
use crate::ticket::{
    BadRecord, DeadLetterReason as Reason, Format, Limits, Payload,
    content_type::{Declared, declared},
    json::{Kind, Member},
    notes::is_plain,
};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The attributes that each event has.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];
/// Members that are no attributes of the context, and the one that becomes the header `content-type`.
const NO_HEADERS: [&str; 3] = ["data", "data_base64", "datacontenttype"];
/// Fields that tell a ticket: their names can be no attribute's, or their values are objects.
const NEVER: [&str; 10] = [
    "requester",
    "attributes",
    "partnerId",
    "partner_id",
    "offerId",
    "offer_id",
    "planId",
    "plan_id",
    "subscriptionId",
    "subscription_id",
];

/// Whether an object is an event.
pub(super) enum Recognised {
    Whole,
    /// It has data and some of the attributes, and not this one.
    Lacks(&'static str),
    No,
}

/// Recognises an event by the attributes that it must have. Unless its content type says so (`is_declared`),
/// what has a ticket's field at its top is a ticket that has these as further fields.
pub(super) fn recognise(members: &[Member<'_>], is_declared: bool) -> Recognised {
    let has_text =
        |name: &str| find(members, name).and_then(Member::text).is_some_and(|text| !text.is_empty());
    let is_ticket = || NEVER.iter().any(|name| members.iter().any(|member| member.name.is(name)));
    if find(members, "specversion").is_none() || (!is_declared && is_ticket()) {
        return Recognised::No;
    }
    let has_data = ["data", "data_base64"].iter().any(|name| find(members, name).is_some());
    match REQUIRED.into_iter().find(|name| !has_text(name)) {
        None => Recognised::Whole,
        Some(name) if has_data => Recognised::Lacks(name),
        Some(_) => Recognised::No,
    }
}

/// The event that the last ticket came in. Room is kept from one to the next.
#[derive(Default, Debug)]
pub(in crate::ticket) struct Event {
    attributes: Vec<(String, String)>,
    decoded: Vec<u8>,
    data_type: Option<String>,
}

/// Where the data of an event is.
pub(in crate::ticket) enum Data<'a> {
    /// In the event, as it is written.
    Json(&'a str),
    /// In base64, which has been decoded.
    Decoded,
}

impl Event {
    pub(in crate::ticket) fn clear(&mut self) {
        self.attributes.clear();
        self.decoded.clear();
        self.data_type = None;
    }

    /// The attributes of the context, each with the text of its value.
    pub(in crate::ticket) fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// Takes an event apart: keeps its attributes and returns its data.
    pub(in crate::ticket) fn open<'a>(
        &mut self,
        members: &[Member<'a>],
        limits: &Limits,
    ) -> Result<Data<'a>, BadRecord> {
        let text = |name| find(members, name).and_then(Member::text).map(|text| text.to_text().into_owned());
        let version = text("specversion").unwrap_or_default();
        if version != "1" && !version.starts_with("1.") {
            return Err(refused("a CloudEvent of another version than 1.0"));
        }
        self.keep_attributes(members, limits)?;
        self.data_type = text("datacontenttype");
        match (find(members, "data"), find(members, "data_base64")) {
            (Some(_), Some(_)) => Err(no_data("both `data` and `data_base64`")),
            (Some(data), None) if data.kind == Kind::Object => Ok(Data::Json(data.value)),
            (Some(data), None) if data.kind == Kind::String => Err(no_data(
                "text in `data`: the ticket must stand there as an object, not as JSON inside of a string",
            )),
            (Some(data), None) => Err(no_data(&format!("{} in `data`", data.kind))),
            (None, Some(data)) => {
                let Some(text) = data.text() else { return Err(no_data("no text in `data_base64`")) };
                match BASE64.decode_vec(text.to_text().as_bytes(), &mut self.decoded) {
                    Ok(()) => Ok(Data::Decoded),
                    Err(_) => Err(no_data("text in `data_base64` that is not base64")),
                }
            }
            (None, None) => Err(no_data("no data")),
        }
    }

    fn keep_attributes(&mut self, members: &[Member<'_>], limits: &Limits) -> Result<(), BadRecord> {
        let is_attribute = |member: &&Member<'_>| {
            member.kind != Kind::Null && !NO_HEADERS.iter().any(|name| member.name.is(name))
        };
        for member in members.iter().filter(is_attribute) {
            let name = member.name.to_text();
            if !is_plain(&name) {
                return Err(refused("a CloudEvent with an attribute whose name is no attribute's"));
            }
            let value = member.text().map_or(member.value.into(), |text| text.to_text());
            self.attributes.push((name.into_owned(), value.into_owned()));
        }
        let (found, limit) = (self.attributes.len(), limits.max_headers);
        if found > limit {
            let detail =
                format!("the CloudEvent has {found} attributes, which become headers; limit is {limit}");
            return Err(Reason::TooManyHeaders.with(detail));
        }
        Ok(())
    }

    /// The ticket in the data that [`open`](Self::open) has found.
    pub(in crate::ticket) fn payload<'a>(&'a self, data: Data<'a>) -> Result<Payload<'a>, BadRecord> {
        if let Data::Json(text) = data {
            return Ok(Payload { format: Format::Json, bytes: text.as_bytes() });
        }
        if self.decoded.is_empty() {
            return Err(no_data("no data"));
        }
        let declared = declared(self.data_type.as_deref().map(str::as_bytes)).map_err(|mut bad| {
            bad.detail = bad.detail.replacen("content-type", "datacontenttype", 1);
            bad
        })?;
        if declared == Declared::Event {
            return Err(refused("a CloudEvent inside of a CloudEvent"));
        }
        Payload::declared(declared, &self.decoded)
    }
}

/// An event without a ticket.
fn no_data(what: &str) -> BadRecord {
    Reason::Envelope.with(format!("it looks like a CloudEvent, with {what}"))
}
