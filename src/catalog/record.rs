//! What the three kinds of records have in common: one allocation with facts, texts and encodings.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use triomphe::ThinArc;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    Encodings, InvalidRecord, Kind, MAX_ID_BYTES, MAX_RECORD_BYTES,
    shape::{Names, Shape},
    span::{Span, in_json, in_protobuf},
    survey::invalid_json,
    unknown::{Place, UnknownValue},
};
use crate::ticket::Format;

/// The fact that some enum has a value that this version does not know. A kind's own facts end before it.
const ODD: u32 = 1 << 31;

/// How many texts of a record can be spliced by themselves: an offer's three contacts.
const ADDRESSES: usize = 3;

/// A record of the catalog: an [`Offer`](super::Offer), a [`Publisher`](super::Publisher) or a
/// [`Partner`](super::Partner).
pub trait Record: Clone + Sized + Sealed {
    /// The contract's message.
    type Message: prost::Message + Serialize + DeserializeOwned + Default + Clone;

    /// Which of the three kinds it is.
    const KIND: Kind;

    /// Checks a message and encodes it.
    ///
    /// # Errors
    /// What is wrong with the message; see [`InvalidRecord`].
    fn build(message: &Self::Message, encodings: Encodings) -> Result<Self, InvalidRecord> {
        Self::build_named(message, &[], encodings)
    }

    /// The same for a message some of whose enums have values that this version does not know, and that came
    /// with these names or numbers.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    fn build_named(
        message: &Self::Message,
        unknown: &[UnknownValue],
        encodings: Encodings,
    ) -> Result<Self, InvalidRecord>;

    /// Shows each enum of a message: where it stands, the values that are known, and its number.
    #[doc(hidden)]
    fn visit_enums(message: &mut Self::Message, visit: &mut dyn FnMut(Place, &'static Names, &mut i32));

    /// Shows each address of a message with its path in JSON.
    #[doc(hidden)]
    fn visit_addresses(message: &mut Self::Message, visit: &mut dyn FnMut(&'static str, &mut String));

    /// Says whether some enum has a value that this version does not know.
    fn is_odd(&self) -> bool {
        self.stored().facts() & ODD != 0
    }

    /// Returns the record's id.
    fn id(&self) -> &str {
        self.stored().id()
    }

    /// Returns the record as canonical ProtoJSON or as protobuf; empty if that encoding is not kept.
    fn encoded(&self, format: Format) -> &[u8] {
        self.stored().encoded(format)
    }

    /// Returns a digest of the record's canonical protobuf bytes, whatever encodings are kept.
    fn digest(&self) -> u128 {
        self.stored().digest()
    }

    /// Returns the record with other encodings than those that are kept; nothing if it cannot be written so.
    fn recoded(&self, encodings: Encodings) -> Option<Self> {
        let message = match self.encoded(Format::Protobuf) {
            [] => serde_json::from_slice(self.encoded(Format::Json)).ok()?,
            protobuf => prost::Message::decode(protobuf).ok()?,
        };
        Self::build(&message, encodings).ok()
    }
}

/// Gives a record the methods of [`Record`] as its own, so that callers need not import the trait.
macro_rules! accessors {
    ($record:ident) => {
        impl $record {
            /// Returns the record's id.
            #[must_use]
            pub fn id(&self) -> &str {
                self.0.id()
            }

            /// Says whether some enum has a value that this version does not know. Protobuf lacks it, if only
            /// its name is known.
            #[must_use]
            pub fn is_odd(&self) -> bool {
                $crate::catalog::Record::is_odd(self)
            }

            /// Returns the record as canonical ProtoJSON or as protobuf; empty if that encoding is not kept.
            #[must_use]
            pub fn encoded(&self, format: $crate::ticket::Format) -> &[u8] {
                self.0.encoded(format)
            }

            /// Returns a digest of the record's canonical protobuf bytes, whatever encodings are kept.
            #[must_use]
            pub fn digest(&self) -> u128 {
                self.0.digest()
            }
        }
    };
}

pub(super) use accessors;

/// What only this module's records can give.
pub trait Sealed {
    /// The names and types of the message's fields in JSON.
    const SHAPE: &'static Shape;

    /// The record's only field.
    fn stored(&self) -> &Stored;
}

/// The one allocation of a record: a header, then `json protobuf texts`, each possibly empty.
///
/// `texts` holds what no kept encoding shows unescaped. Almost always nothing.
#[derive(Clone)]
pub struct Stored(ThinArc<Header, u8>);

/// Where the parts lie. 92 bytes: with a million offers each 8 more would cost 8 MB.
struct Header {
    /// Two halves, since a `u128` would align the whole to 16 bytes.
    digest: [u64; 2],
    id: Span,
    link: Span,
    raw: [Span; ADDRESSES],
    escaped: [Span; ADDRESSES],
    json_len: u32,
    protobuf_len: u32,
    facts: u32,
}

/// A string field of a message, and where its encodings have it.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub value: &'a str,
    /// The JSON name, unique within the record.
    pub name: &'static str,
    /// The field numbers.
    pub path: &'static [u32],
}

impl Text<'_> {
    /// A text that the kind of record does not have.
    pub const NONE: Self = Self { value: "", name: "", path: &[] };

    /// Refuses an id that is longer than the longest allowed.
    pub fn check_id(&self) -> Result<(), InvalidRecord> {
        let (field, len, limit) = (self.name, self.value.len(), MAX_ID_BYTES);
        if len > limit { Err(InvalidRecord::IdTooLong { field, len, limit }) } else { Ok(()) }
    }
}

/// Refuses a record without an id.
pub(super) fn require_id(id: &str) -> Result<(), InvalidRecord> {
    if id.is_empty() {
        return Err(InvalidRecord::Missing { field: "id", required: "every record needs one" });
    }
    Ok(())
}

/// What a kind of record wants to have at hand.
pub(super) struct Parts<'a> {
    pub id: &'a str,
    /// The id of the record that this one refers to.
    pub link: Text<'a>,
    pub addresses: [Text<'a>; ADDRESSES],
    /// Facts, packed as the kind likes.
    pub facts: u32,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:032x}", self.id(), self.digest())
    }
}

impl Stored {
    pub(super) fn build<M>(
        message: &M,
        parts: &Parts<'_>,
        odd_json: Option<Vec<u8>>,
        encodings: Encodings,
    ) -> Result<Self, InvalidRecord>
    where
        M: prost::Message + Serialize,
    {
        let id = Text { value: parts.id, name: "id", path: &[1] };
        require_id(id.value)?;
        id.check_id()?;
        parts.link.check_id()?;

        let protobuf = message.encode_to_vec();
        check_len("protobuf encoding", protobuf.len())?;
        let digest = match &odd_json {
            None => xxh3_128(&protobuf),
            // Two names without a number are one in protobuf.
            Some(json) => xxh3_128(&[protobuf.as_slice(), json].concat()),
        };
        let mut layout = Layout::default();
        if encodings.json {
            match &odd_json {
                None => serde_json::to_writer(&mut layout.bytes, message)
                    .map_err(|source| invalid_json(&source))?,
                Some(json) => layout.bytes.extend_from_slice(json),
            }
            layout.json_len = layout.bytes.len();
            check_len("JSON encoding", layout.json_len)?;
        }
        if encodings.protobuf {
            layout.bytes.extend_from_slice(&protobuf);
            layout.protobuf_len = protobuf.len();
        }
        let narrow = |len: usize| u32::try_from(len).expect("lengths were checked against the limit");
        let header = Header {
            digest: [(digest >> 64) as u64, digest as u64],
            id: layout.raw(id),
            link: layout.raw(parts.link),
            raw: parts.addresses.map(|text| layout.raw(text)),
            escaped: parts.addresses.map(|text| layout.escaped(text)),
            json_len: narrow(layout.json_len),
            protobuf_len: narrow(layout.protobuf_len),
            facts: parts.facts | if odd_json.is_some() { ODD } else { 0 },
        };
        Ok(Self(ThinArc::from_header_and_slice(header, &layout.bytes)))
    }

    fn header(&self) -> &Header {
        &self.0.header.header
    }

    fn bytes(&self) -> &[u8] {
        &self.0.slice
    }

    pub(super) fn id_bytes(&self) -> &[u8] {
        self.header().id.of(self.bytes())
    }

    pub(super) fn id(&self) -> &str {
        text(self.id_bytes())
    }

    pub(super) fn link(&self) -> &str {
        text(self.header().link.of(self.bytes()))
    }

    pub(super) fn address(&self, index: usize, format: Format) -> &[u8] {
        let header = self.header();
        match format {
            Format::Json => header.escaped[index].of(self.bytes()),
            Format::Protobuf => header.raw[index].of(self.bytes()),
        }
    }

    /// Returns about how much memory the record takes, in bytes: its allocation, and its place in a table.
    pub(super) fn memory(&self) -> usize {
        size_of::<Header>() + self.bytes().len() + 3 * size_of::<usize>()
    }

    pub(super) fn facts(&self) -> u32 {
        self.header().facts
    }

    pub(super) fn digest(&self) -> u128 {
        let [high, low] = self.header().digest;
        u128::from(high) << 64 | u128::from(low)
    }

    pub(super) fn encoded(&self, format: Format) -> &[u8] {
        let (json_len, protobuf_len) = (self.header().json_len as usize, self.header().protobuf_len as usize);
        match format {
            Format::Json => &self.bytes()[..json_len],
            Format::Protobuf => &self.bytes()[json_len..json_len + protobuf_len],
        }
    }

    /// Says whether the other holds the same record in the same encodings.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.header(), other.header());
        mine.digest == theirs.digest
            && mine.json_len == theirs.json_len
            && mine.protobuf_len == theirs.protobuf_len
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the bytes were a string when the record was built")
}

fn check_len(what: &'static str, len: usize) -> Result<(), InvalidRecord> {
    let limit = MAX_RECORD_BYTES;
    if len > limit { Err(InvalidRecord::TooLarge { what, len, limit }) } else { Ok(()) }
}

/// The bytes of a record in the making.
#[derive(Default)]
struct Layout {
    bytes: Vec<u8>,
    json_len: usize,
    protobuf_len: usize,
}

impl Layout {
    /// Returns the JSON text of a field; empty if it is empty, or JSON is not kept.
    fn escaped(&self, text: Text<'_>) -> Span {
        if text.value.is_empty() || self.json_len == 0 {
            return Span::default();
        }
        Span::new(in_json(&self.bytes[..self.json_len], text.name).expect("a field that is set was written"))
    }

    /// Returns the unescaped text of a field, wherever it lies; adds it if it lies nowhere.
    fn raw(&mut self, text: Text<'_>) -> Span {
        if text.value.is_empty() {
            return Span::default();
        }
        let escaped = self.escaped(text);
        if self.json_len > 0 && escaped.of(&self.bytes) == text.value.as_bytes() {
            return escaped;
        }
        let (start, end) = (self.json_len, self.json_len + self.protobuf_len);
        if let Some(found) = in_protobuf(&self.bytes[start..end], text.path) {
            return Span::new(start + found.start..start + found.end);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.value.as_bytes());
        Span::new(start..self.bytes.len())
    }
}
