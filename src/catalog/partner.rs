//! Partners.

use super::{
    Encodings, InvalidRecord, Kind, Record,
    record::{Parts, Sealed, Stored, Text, accessors},
    shape::{CATEGORY, MODEL, Names, PARTNER, Shape, TECHNICAL_SUPPORT},
    unknown::{Place, UnknownValue, to_json},
};
use crate::proto::v1::{self, partner::Model, partner::TechnicalSupport, ticket::Category};

/// The model's number takes the lowest bits, then come the election and a bit for each category. A number
/// that this version does not know is the last that has room.
const MODEL_MASK: u32 = 0b111;
const ELECTION_SHIFT: u32 = 3;
const ELECTION_MASK: u32 = 0b111;
const UNKNOWN: u32 = 0b111;
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

    /// A model, an election or a category that this version does not know decides about owners, and none is
    /// guessed: the model and the election are unknown if a rule asks for them, and the category is that
    /// of no ticket.
    fn build_named(
        message: &v1::Partner,
        unknown: &[UnknownValue],
        encodings: Encodings,
    ) -> Result<Self, InvalidRecord> {
        let model = Model::try_from(message.model).map_or(UNKNOWN, |model| model as u32);
        let election =
            TechnicalSupport::try_from(message.technical_support).map_or(UNKNOWN, |elected| elected as u32);
        let mut handled = 0;
        let mut is_odd = model == UNKNOWN || election == UNKNOWN;
        for &category in &message.provider_handles {
            match Category::try_from(category) {
                Ok(category) => handled |= handles(category),
                Err(_) => is_odd = true,
            }
        }
        let facts = model | election << ELECTION_SHIFT | handled;
        let odd_json = is_odd.then(|| to_json::<Self>(message, unknown)).transpose()?;
        let link = Text { value: &message.provider_id, name: "providerId", path: &[4] };
        let parts = Parts { id: &message.id, link, addresses: [Text::NONE; 3], facts };
        Stored::build(message, &parts, odd_json, encodings).map(Self)
    }

    fn visit_enums(message: &mut v1::Partner, visit: &mut dyn FnMut(Place, &'static Names, &mut i32)) {
        visit(Place::of("model"), MODEL, &mut message.model);
        visit(Place::of("technicalSupport"), TECHNICAL_SUPPORT, &mut message.technical_support);
        for (index, category) in message.provider_handles.iter_mut().enumerate() {
            visit(Place { index: Some(index), ..Place::of("providerHandles") }, CATEGORY, category);
        }
    }

    fn visit_addresses(_: &mut v1::Partner, _: &mut dyn FnMut(&'static str, &mut String)) {}
}

impl Partner {
    /// Returns how the partner takes part in the program; `None` if the record does not say, or says what
    /// this version does not know.
    #[must_use]
    pub fn model(&self) -> Option<Model> {
        match self.0.facts() & MODEL_MASK {
            1 => Some(Model::DirectBill),
            2 => Some(Model::IndirectProvider),
            3 => Some(Model::IndirectReseller),
            _ => None,
        }
    }

    /// Says whether the model is one that this version does not know.
    #[must_use]
    pub fn has_unknown_model(&self) -> bool {
        self.0.facts() & MODEL_MASK == UNKNOWN
    }

    /// Returns the id of the indirect provider that a reseller works with; empty if the record names none.
    #[must_use]
    pub fn provider_id(&self) -> &str {
        self.0.link()
    }

    /// Returns what the partner has elected for technical tickets (S4, S5); `None` if that is something
    /// that this version does not know.
    #[must_use]
    pub fn technical_support(&self) -> Option<TechnicalSupport> {
        match self.0.facts() >> ELECTION_SHIFT & ELECTION_MASK {
            0 => Some(TechnicalSupport::Unspecified),
            1 => Some(TechnicalSupport::Refer),
            2 => Some(TechnicalSupport::Coordinate),
            _ => None,
        }
    }

    /// Says whether the partner's provider handles tickets of a category (S8); `Unspecified` asks for those
    /// without a category.
    #[must_use]
    pub fn handles(&self, category: Category) -> bool {
        self.0.facts() & handles(category) != 0
    }
}

fn handles(category: Category) -> u32 {
    1 << (HANDLES_SHIFT + category as u32)
}
