//! A pass over the JSON of a record that says exactly what is wrong with it.
//!
//! The generated reader alone would not do: it takes the name of an enum value that it does not know for the
//! default, passes over keys that it does not know, repeated or not, and does not say which field is wrong.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{
    InvalidRecord, Quoted, UnknownField,
    shape::{Names, Shape, Value, is_duration},
};

/// What a pass over a record has found besides errors.
#[derive(Default)]
pub(super) struct Survey {
    /// Keys that the contract does not have, at most [`MAX_UNKNOWN`] of them.
    pub unknown_fields: Vec<UnknownField>,
    /// The generated reader does not take the record as it is: some field is `null`, which ProtoJSON takes
    /// for absent, or some enum is empty or has a value that this version does not know.
    pub is_odd: bool,
}

/// As many unknown keys of one record are named.
const MAX_UNKNOWN: usize = 8;

/// Passes over the JSON of a record.
///
/// # Errors
/// The first thing that keeps it from being a record of this shape.
pub(super) fn survey(json: &[u8], shape: &'static Shape) -> Result<Survey, InvalidRecord> {
    let mut pass = Pass::default();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let probe = Probe { expected: Expected::Message(shape), pass: &mut pass };
    let outcome = probe.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (pass.problem, outcome) {
        (Some(problem), _) => Err(problem),
        (None, Err(source)) => Err(invalid_json(&source)),
        (None, Ok(())) => Ok(pass.survey),
    }
}

/// Takes the parser's message, cut to a length that fits a line. Records are one line mostly, and the message
/// stands beside the line of a file: the parser's own `line 1` would only confuse.
pub(super) fn invalid_json(source: &serde_json::Error) -> InvalidRecord {
    const MAX_CHARS: usize = 200;
    let (line, column) = (source.line(), source.column());
    let message = source.to_string();
    let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    let message: String = message.chars().take(MAX_CHARS).collect();
    let place = if line > 1 { format!("line {line} column {column}") } else { format!("column {column}") };
    InvalidRecord::Json { detail: format!("{message} at {place}") }
}

#[derive(Default)]
struct Pass {
    path: String,
    survey: Survey,
    problem: Option<InvalidRecord>,
}

impl Pass {
    fn field(&self) -> String {
        if self.path.is_empty() { "record".to_owned() } else { self.path.clone() }
    }

    /// Runs `inner` with a longer path.
    fn at<T>(&mut self, segment: &[&str], inner: impl FnOnce(&mut Self) -> T) -> T {
        let len = self.path.len();
        self.path.extend(segment.iter().copied());
        let value = inner(self);
        self.path.truncate(len);
        value
    }

    fn refuse<E: serde::de::Error>(&mut self, problem: InvalidRecord) -> E {
        self.problem.get_or_insert(problem);
        E::custom("refused")
    }
}

/// What may come next.
#[derive(Clone, Copy)]
enum Expected {
    /// A field's value.
    One(Value),
    /// A whole message.
    Message(&'static Shape),
    /// One of several values of an enum.
    Item(&'static Names),
    /// Anything: the value of a key that the contract does not have.
    Anything,
}

impl Expected {
    fn name(self) -> &'static str {
        match self {
            Self::One(Value::Text) => "a string",
            Self::One(Value::Flag) => "true or false",
            Self::One(Value::Duration) => "a duration such as `\"14400s\"`",
            Self::One(Value::Enum(_)) | Self::Item(_) => "an enum's name or number",
            Self::One(Value::Enums(_)) => "an array of enum names or numbers",
            Self::One(Value::Message(_)) | Self::Message(_) => "an object",
            Self::One(Value::Messages(_)) => "an array of objects",
            Self::Anything => "anything",
        }
    }
}

struct Probe<'p> {
    expected: Expected,
    pass: &'p mut Pass,
}

impl Probe<'_> {
    fn wrong_type<E: serde::de::Error>(self, found: &'static str) -> Result<(), E> {
        let (field, allowed) = (self.pass.field(), self.expected.name());
        Err(self.pass.refuse(InvalidRecord::WrongType { field, found, allowed }))
    }

    fn number<E: serde::de::Error>(self, number: i128) -> Result<(), E> {
        match self.expected {
            Expected::Anything => Ok(()),
            Expected::Item(names) | Expected::One(Value::Enum(names)) => match i32::try_from(number) {
                Ok(number) => {
                    self.pass.survey.is_odd |= !(names.is_number)(number);
                    Ok(())
                }
                Err(_) => self.wrong_type("a number of more than 32 bits"),
            },
            _ => self.wrong_type("a number"),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected.name())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        match self.expected {
            Expected::Message(_) | Expected::Item(_) => self.wrong_type("null"),
            Expected::One(_) => {
                self.pass.survey.is_odd = true;
                Ok(())
            }
            Expected::Anything => Ok(()),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        match self.expected {
            Expected::Anything | Expected::One(Value::Flag) => Ok(()),
            _ => self.wrong_type("true or false"),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.number(number.into())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.number(number.into())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        match self.expected {
            Expected::Anything => Ok(()),
            _ => self.wrong_type("a number with a fraction or exponent"),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        match self.expected {
            Expected::Anything | Expected::One(Value::Text) => Ok(()),
            Expected::One(Value::Duration) if is_duration(text) => Ok(()),
            Expected::One(Value::Duration) => {
                let (field, found) = (self.pass.field(), Quoted(text).to_string());
                Err(self.pass.refuse(InvalidRecord::Duration { field, found }))
            }
            Expected::Item(names) | Expected::One(Value::Enum(names)) => {
                self.pass.survey.is_odd |= !(names.is_name)(text);
                Ok(())
            }
            _ => self.wrong_type("a string"),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let expected = match self.expected {
            Expected::Anything => Expected::Anything,
            Expected::One(Value::Enums(names)) => Expected::Item(names),
            Expected::One(Value::Messages(shape)) => Expected::Message(shape),
            _ => return self.wrong_type("an array"),
        };
        for index in 0_usize.. {
            let item = |pass: &mut Pass| items.next_element_seed(Probe { expected, pass });
            if self.pass.at(&["[", &index.to_string(), "]"], item)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let shape: Option<&'static Shape> = match self.expected {
            Expected::Anything => None,
            Expected::Message(shape) | Expected::One(Value::Message(shape)) => Some(shape),
            _ => return self.wrong_type("an object"),
        };
        // Known fields are seen by their place in the shape, since almost all keys are known.
        let (mut seen, mut seen_unknown) = (0_u64, BTreeSet::new());
        while let Some(key) = entries.next_key_seed(KeySeed)? {
            let place = shape.and_then(|shape| {
                shape.iter().position(|field| [field.name, field.proto_name].contains(&key.as_ref()))
            });
            let known = place.and_then(|place| shape?.get(place));
            let dot = if self.pass.path.is_empty() { "" } else { "." };
            let name: Cow<'de, str> = known.map_or(key, |field| Cow::Borrowed(field.name));
            let is_repeated = match place {
                Some(place) => seen >> place & 1 == 1,
                None => seen_unknown.contains(&name),
            };
            if is_repeated {
                let field = format!("{}{dot}{}", self.pass.path, shortened(&name).escape_debug());
                return Err(self.pass.refuse(InvalidRecord::DuplicateKey { field }));
            }
            let unknown = &mut self.pass.survey.unknown_fields;
            if let (Some(shape), None, true) = (shape, known, unknown.len() < MAX_UNKNOWN) {
                let path = format!("{}{dot}{}", self.pass.path, shortened(&name));
                unknown.push(UnknownField { path, meant: similar(&name, shape) });
            }
            let expected = known.map_or(Expected::Anything, |field| Expected::One(field.value));
            let mut value = |pass: &mut Pass| entries.next_value_seed(Probe { expected, pass });
            match known {
                Some(field) => self.pass.at(&[dot, field.name], value)?,
                None => value(self.pass)?,
            }
            match place {
                Some(place) => seen |= 1 << place,
                None => _ = seen_unknown.insert(name),
            }
        }
        Ok(())
    }
}

/// Cuts a foreign key after as many characters as a message shows.
fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

/// Returns the field whose name differs only in capitals, hyphens and underscores.
fn similar(name: &str, shape: &'static Shape) -> Option<&'static str> {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(name);
    shape.iter().map(|field| field.name).find(|known| plain(known) == wanted)
}

/// Reads a key, borrowed if it has no escapes.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
