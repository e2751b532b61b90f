//! The records of a ticket in triage, in the ticket's format: the catalog keeps them in that of the output
//! only.

use crate::{
    catalog::{Encodings, Offer, Partner, Publisher, Record},
    decide::{Decided, Records, Ruling},
    ticket::Format,
};

/// Copies of the records that a ticket names.
#[derive(Debug)]
pub(super) struct Recoded {
    offer: Option<Offer>,
    publisher: Option<Publisher>,
    partner: Option<Partner>,
    provider: Option<Partner>,
}

impl Recoded {
    /// Copies the records in a format.
    #[cold]
    pub(super) fn of(records: &Records<'_>, format: Format) -> Self {
        let encodings = match format {
            Format::Json => Encodings::JSON,
            Format::Protobuf => Encodings::PROTOBUF,
        };
        Self {
            offer: records.offer.and_then(|it| it.recoded(encodings)),
            publisher: records.publisher.and_then(|it| it.recoded(encodings)),
            partner: records.partner.and_then(|it| it.recoded(encodings)),
            provider: records.provider.and_then(|it| it.recoded(encodings)),
        }
    }

    /// The same ruling with these records.
    pub(super) fn decided<'r>(&'r self, ruling: &Ruling<'r>) -> Decided<'r> {
        let records = Records {
            offer: self.offer.as_ref(),
            publisher: self.publisher.as_ref(),
            partner: self.partner.as_ref(),
            provider: self.provider.as_ref(),
        };
        Decided { records, ruling: ruling.clone() }
    }
}
