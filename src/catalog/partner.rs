//! Partners.

use super::{
    Encodings, InvalidRecord, Kind, Record,
    record::{Parts, Sealed, Stored, Text, accessors},
    shape::{CATEGORY, MODEL, PARTNER, Shape, TECHNICAL_SUPPORT},
};
use crate::proto::v1::{self, partner::Model, partner::TechnicalSupport, ticket::Category};

/// The model's number takes the lowest bits, then come the election and a bit for each category.
const MODEL_MASK: u32 = 0b11;
const ELECTION_SHIFT: u32 = 2;
const ELECTION_MASK: u32 = 0b11;
const HANDLES_SHIFT: u32 = 8;

/// A partner of the CSP program. Cheap to clone: a counted reference.
#[derive(Clone, Debug)]
pub struct Partner(Stored);

accessors!(Partner);

impl Sealed for Partner {
    const SHAPE: &'static Shape = PARTNER;

    fn stored(&self) -> &Stored {
        &self.0
    }
}

impl Record for Partner {
    type Message = v1::Partner;

    const KIND: Kind = Kind::Partner;

    /// A model, an election or a category that this version does not know is refused: all of them decide about
    /// owners, and none is guessed.
    fn build(message: &v1::Partner, encodings: Encodings) -> Result<Self, InvalidRecord> {
        MODEL.check_number(message.model.into(), || "model".to_owned())?;
        TECHNICAL_SUPPORT.check_number(message.technical_support.into(), || "technicalSupport".to_owned())?;
        for (index, &category) in message.provider_handles.iter().enumerate() {
            CATEGORY.check_number(category.into(), || format!("providerHandles[{index}]"))?;
        }
        let facts = number(message.model)
            | number(message.technical_support) << ELECTION_SHIFT
            | message.provider_handles.iter().fold(0, |bits, &category| bits | handled(number(category)));
        let link = Text { value: &message.provider_id, name: "providerId", path: &[4] };
        let parts = Parts { id: &message.id, link, addresses: [Text::NONE; 3], facts };
        Stored::build(message, &parts, encodings).map(Self)
    }
}

impl Partner {
    /// Returns how the partner takes part in the program; `None` where the record does not say.
    #[must_use]
    pub fn model(&self) -> Option<Model> {
        match self.0.facts() & MODEL_MASK {
            1 => Some(Model::DirectBill),
            2 => Some(Model::IndirectProvider),
            3 => Some(Model::IndirectReseller),
            _ => None,
        }
    }

    /// Returns the id of the indirect provider that a reseller works with; empty where the record names none.
    #[must_use]
    pub fn provider_id(&self) -> &str {
        self.0.link()
    }

    /// Returns what the partner has elected for technical tickets.
    #[must_use]
    pub fn technical_support(&self) -> TechnicalSupport {
        match self.0.facts() >> ELECTION_SHIFT & ELECTION_MASK {
            1 => TechnicalSupport::Refer,
            2 => TechnicalSupport::Coordinate,
            _ => TechnicalSupport::Unspecified,
        }
    }

    /// Says whether the partner coordinates technical support itself (S4, S5). Elected nothing: it refers.
    #[must_use]
    pub fn coordinates(&self) -> bool {
        self.technical_support() == TechnicalSupport::Coordinate
    }

    /// Says whether the partner's provider handles tickets of a category (S8); `Unspecified` asks for those
    /// without a category.
    #[must_use]
    pub fn handles(&self, category: Category) -> bool {
        self.0.facts() & handled(number(category.into())) != 0
    }
}

fn number(value: i32) -> u32 {
    value.unsigned_abs()
}

fn handled(category: u32) -> u32 {
    1 << (HANDLES_SHIFT + category)
}
