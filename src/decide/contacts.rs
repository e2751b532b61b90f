//! Whom the owner turns to at the publisher (S9).

use super::Records;
use crate::{catalog::OfferContact, ticket::Format};

pub use crate::proto::v1::decision::ContactKind;

/// An address at the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact<'a> {
    /// What it is for.
    pub kind: ContactKind,
    /// The address as encoded in a record of the format asked for: escaped text in JSON, UTF-8 in protobuf.
    pub address: &'a [u8],
}

impl<'a> Records<'a> {
    /// Finds the contacts that a rule wants, best first and each once.
    ///
    /// If a wanted one is missing, customer support replaces it; if that is missing too, the publisher's own
    /// address does.
    pub fn contacts(&self, wanted: &[OfferContact], format: Format) -> impl Iterator<Item = Contact<'a>> {
        let mut shown = [false; 5];
        wanted
            .iter()
            .filter_map(move |&wanted| self.contact(wanted, format))
            .filter(move |contact| !std::mem::replace(&mut shown[contact.kind as usize], true))
    }

    fn contact(&self, wanted: OfferContact, format: Format) -> Option<Contact<'a>> {
        [wanted, OfferContact::CustomerSupport]
            .into_iter()
            .filter_map(|contact| self.offer.map(|offer| (kind(contact), offer.contact(contact, format))))
            .chain(self.publisher.map(|it| (ContactKind::PublisherSupport, it.support_uri(format))))
            .find(|(_, address)| !address.is_empty())
            .map(|(kind, address)| Contact { kind, address })
    }
}

const fn kind(contact: OfferContact) -> ContactKind {
    match contact {
        OfferContact::CustomerSupport => ContactKind::CustomerSupport,
        OfferContact::Engineering => ContactKind::Engineering,
        OfferContact::CspProgram => ContactKind::CspProgram,
    }
}
