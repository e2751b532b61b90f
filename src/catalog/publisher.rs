//! Publishers.

use super::{
    Encodings, InvalidRecord, Kind, Record,
    record::{Parts, Sealed, Stored, Text, accessors},
    shape::{Names, PUBLISHER, SEVERITY, Shape, is_sane},
    unknown::{Place, UnknownValue, to_json},
};
use crate::{proto::v1, ticket::Format};

/// A publisher of offers. Cheap to clone: a counted reference.
#[derive(Clone, Debug)]
pub struct Publisher(Stored);

accessors!(Publisher);

impl Sealed for Publisher {
    const SHAPE: &'static Shape = PUBLISHER;

    fn stored(&self) -> &Stored {
        &self.0
    }
}

impl Record for Publisher {
    type Message = v1::Publisher;

    const KIND: Kind = Kind::Publisher;

    fn build_named(
        message: &v1::Publisher,
        unknown: &[UnknownValue],
        encodings: Encodings,
    ) -> Result<Self, InvalidRecord> {
        for (index, level) in message.sla.iter().enumerate() {
            if let Some(time) = level.first_response.as_ref().filter(|time| !is_sane(time)) {
                let field = format!("sla[{index}].firstResponse");
                let found = format!("{} s and {} ns", time.seconds, time.nanos);
                return Err(InvalidRecord::Duration { field, found });
            }
        }
        let support = Text { value: &message.support_uri, name: "supportUri", path: &[3] };
        let addresses = [support, Text::NONE, Text::NONE];
        let parts = Parts { id: &message.id, link: Text::NONE, addresses, facts: 0 };
        let is_odd = message.sla.iter().any(|level| v1::ticket::Severity::try_from(level.severity).is_err());
        let odd_json = is_odd.then(|| to_json::<Self>(message, unknown)).transpose()?;
        Stored::build(message, &parts, odd_json, encodings).map(Self)
    }

    fn visit_enums(message: &mut v1::Publisher, visit: &mut dyn FnMut(Place, &'static Names, &mut i32)) {
        for (index, level) in message.sla.iter_mut().enumerate() {
            let place = Place { field: "sla", index: Some(index), inner: Some("severity") };
            visit(place, SEVERITY, &mut level.severity);
        }
    }

    fn visit_addresses(message: &mut v1::Publisher, visit: &mut dyn FnMut(&'static str, &mut String)) {
        visit("supportUri", &mut message.support_uri);
    }
}

impl Publisher {
    /// Returns the address of the publisher's support ready to splice, as [`Offer::contact`] does.
    ///
    /// [`Offer::contact`]: super::Offer::contact
    #[must_use]
    pub fn support_uri(&self, format: Format) -> &[u8] {
        self.0.address(0, format)
    }
}
