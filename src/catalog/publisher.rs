//! Publishers.

use super::{
    Encodings, InvalidRecord, Kind, Record,
    record::{Parts, Sealed, Stored, Text, accessors},
    shape::{PUBLISHER, Shape, is_sane},
};
use crate::{proto::v1, ticket::Format};

/// An ISV that publishes offers. Cheap to clone: a counted reference.
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

    /// A severity of `sla` that this version does not know counts as not said, as in a ticket.
    fn build(message: &v1::Publisher, encodings: Encodings) -> Result<Self, InvalidRecord> {
        let is_known =
            |level: &v1::publisher::ServiceLevel| v1::ticket::Severity::try_from(level.severity).is_ok();
        if !message.sla.iter().all(is_known) {
            let mut unsaid = message.clone();
            for level in unsaid.sla.iter_mut().filter(|level| !is_known(level)) {
                level.severity = v1::ticket::Severity::Unspecified.into();
            }
            return Self::build(&unsaid, encodings);
        }
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
        Stored::build(message, &parts, encodings).map(Self)
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
