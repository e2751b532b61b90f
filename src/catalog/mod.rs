//! What the marketplace knows: offers, publishers and partners, held ready to be copied into a routed ticket.
//!
//! A record is checked and encoded once, when it enters ([`read`], [`Offer::build`]); then it is one allocation
//! that is only ever shared. A [`Snapshot`] is an immutable set of records; [`Catalog`] is the live one, which
//! readers take a snapshot of without ever waiting, and which one [`CatalogWriter`] changes in batches.
//!
//! ```
//! use ticket_router::{
//!     catalog::{Encodings, InvalidRecord, Offer, read},
//!     ticket::{Format, Payload},
//! };
//!
//! let bytes = br#"{"id":"crm","publisherId":"contoso","azureBased":true}"#;
//! let offer = read::<Offer>(Payload { format: Format::Json, bytes }, Encodings::JSON)?.record;
//! assert_eq!((offer.publisher_id(), offer.azure_based()), ("contoso", Some(true)));
//! # Ok::<(), InvalidRecord>(())
//! ```

mod address;
mod check;
mod error;
mod key;
mod lines;
mod live;
mod load;
mod offer;
mod partner;
mod publisher;
mod read;
mod record;
mod shape;
mod snapshot;
mod span;
mod survey;
mod table;
mod unknown;

pub use address::{AddressFault, MAX_ADDRESS_BYTES, RefusedAddress};
pub use check::check;
pub use error::{InvalidRecord, Quoted};
pub use key::disguised;
pub use live::{Catalog, CatalogWriter};
pub use load::{Finding, Level, Loaded, Problem, load};
pub use offer::{Offer, OfferContact};
pub use partner::Partner;
pub use publisher::Publisher;
pub use read::{Change, Decoded, UnknownField, read};
pub use record::Record;
pub use snapshot::{Counts, Draft, Snapshot};
pub use table::Upserted;
pub use unknown::UnknownValue;

/// The largest record, in bytes: of its input, and of each of its encodings.
pub const MAX_RECORD_BYTES: usize = 1_048_576;

/// The longest id, in bytes.
pub const MAX_ID_BYTES: usize = 1_024;

/// Which encodings of a record are kept in memory: those that the router writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encodings {
    /// Canonical ProtoJSON.
    pub json: bool,
    /// Protobuf.
    pub protobuf: bool,
}

impl Encodings {
    /// Keeps both encodings: the output follows the input's format.
    pub const BOTH: Self = Self { json: true, protobuf: true };
    /// Keeps canonical ProtoJSON only.
    pub const JSON: Self = Self { json: true, protobuf: false };
    /// Keeps protobuf only.
    pub const PROTOBUF: Self = Self { json: false, protobuf: true };
}

/// The three kinds of records.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A product in the marketplace.
    Offer,
    /// The publisher of offers.
    Publisher,
    /// A partner of the CSP program.
    Partner,
}

impl Kind {
    /// All kinds, in the order in which they are loaded and listed.
    pub const ALL: [Self; 3] = [Self::Offer, Self::Publisher, Self::Partner];

    /// Returns the plural, as files and topics are named: `offers`, `publishers`, `partners`.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Offer => "offers",
            Self::Publisher => "publishers",
            Self::Partner => "partners",
        }
    }

    /// Returns the name of the kind's file in a catalog folder.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Offer => "offers.jsonl",
            Self::Publisher => "publishers.jsonl",
            Self::Partner => "partners.jsonl",
        }
    }
}

#[cfg(test)]
mod tests;
