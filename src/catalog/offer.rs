//! Offers.

use super::{
    Encodings, InvalidRecord, Kind, Record,
    record::{Parts, Sealed, Stored, Text, accessors, require_id},
    shape::{KIND, Names, OFFER, Shape},
    unknown::{Place, UnknownValue, to_json},
};
use crate::{proto::v1, ticket::Format};

const AZURE_BASED_SAID: u32 = 1;
const AZURE_BASED: u32 = 1 << 1;
const FIRST_PARTY: u32 = 1 << 2;

/// A product in the marketplace. Cheap to clone: a counted reference.
#[derive(Clone, Debug)]
pub struct Offer(Stored);

/// The contacts that an offer can name (S9).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OfferContact {
    /// The publisher's engineers.
    Engineering,
    /// The publisher's customer support.
    CustomerSupport,
    /// The publisher's contact for partners of the CSP program.
    CspProgram,
}

impl OfferContact {
    /// All contacts, in the contract's order.
    pub const ALL: [Self; 3] = [Self::Engineering, Self::CustomerSupport, Self::CspProgram];
}

accessors!(Offer);

impl Sealed for Offer {
    const SHAPE: &'static Shape = OFFER;

    fn stored(&self) -> &Stored {
        &self.0
    }
}

impl Record for Offer {
    type Message = v1::Offer;

    const KIND: Kind = Kind::Offer;

    fn build_named(
        message: &v1::Offer,
        unknown: &[UnknownValue],
        encodings: Encodings,
    ) -> Result<Self, InvalidRecord> {
        let is_odd = v1::offer::Kind::try_from(message.kind).is_err();
        let odd_json = is_odd.then(|| to_json::<Self>(message, unknown)).transpose()?;
        require_id(&message.id)?;
        if message.publisher_id.is_empty() && !message.first_party {
            let required = "an offer that is not `firstParty` needs one";
            return Err(InvalidRecord::Missing { field: "publisherId", required });
        }
        let none = v1::offer::Contacts::default();
        let contacts = message.contacts.as_ref().unwrap_or(&none);
        let flag = |is_set: bool, fact: u32| if is_set { fact } else { 0 };
        let parts = Parts {
            id: &message.id,
            link: Text { value: &message.publisher_id, name: "publisherId", path: &[2] },
            addresses: [
                Text { value: &contacts.engineering, name: "engineering", path: &[7, 1] },
                Text { value: &contacts.customer_support, name: "customerSupport", path: &[7, 2] },
                Text { value: &contacts.csp_program, name: "cspProgram", path: &[7, 3] },
            ],
            facts: flag(message.azure_based.is_some(), AZURE_BASED_SAID)
                | flag(message.azure_based == Some(true), AZURE_BASED)
                | flag(message.first_party, FIRST_PARTY),
        };
        Stored::build(message, &parts, odd_json, encodings).map(Self)
    }

    fn visit_enums(message: &mut v1::Offer, visit: &mut dyn FnMut(Place, &'static Names, &mut i32)) {
        visit(Place::of("kind"), KIND, &mut message.kind);
    }

    fn visit_addresses(message: &mut v1::Offer, visit: &mut dyn FnMut(&'static str, &mut String)) {
        if let Some(contacts) = &mut message.contacts {
            visit("contacts.engineering", &mut contacts.engineering);
            visit("contacts.customerSupport", &mut contacts.customer_support);
            visit("contacts.cspProgram", &mut contacts.csp_program);
        }
        visit("userDocumentationUri", &mut message.user_documentation_uri);
        visit("salesMaterialUri", &mut message.sales_material_uri);
        visit("cspMarketingUri", &mut message.csp_marketing_uri);
    }
}

impl Offer {
    /// Returns the id of the offer's publisher; empty if a first-party offer names none.
    #[must_use]
    pub fn publisher_id(&self) -> &str {
        self.0.link()
    }

    /// Returns whether the solution runs on the customer's Azure; `None` if the record does not say.
    #[must_use]
    pub fn azure_based(&self) -> Option<bool> {
        let facts = self.0.facts();
        (facts & AZURE_BASED_SAID != 0).then_some(facts & AZURE_BASED != 0)
    }

    /// Says whether Microsoft itself publishes the offer.
    #[must_use]
    pub fn is_first_party(&self) -> bool {
        self.0.facts() & FIRST_PARTY != 0
    }

    /// Returns a contact's address ready to splice: for JSON the escaped text between the quotes (empty where
    /// JSON is not kept), for protobuf the raw UTF-8, which is always there. Empty if there is none.
    #[must_use]
    pub fn contact(&self, contact: OfferContact, format: Format) -> &[u8] {
        self.0.address(contact as usize, format)
    }
}
