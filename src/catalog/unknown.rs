//! Values of enums that this version does not know, of a newer writer: kept as they came, and read as no
//! value that it knows.

use std::fmt;

use serde_json::Value as Json;

use super::{
    InvalidRecord, Record,
    shape::{Names, Shape, Value},
    survey::invalid_json,
};

/// Stands in protobuf for a value of which only the name is known. No version knows it, so nobody takes it
/// for the default.
const NAME_ONLY: i32 = i32::MAX;

/// A value of an enum that this version does not know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownValue {
    /// The path of the field.
    pub path: String,
    /// The number or the name.
    pub value: Json,
    /// The name that was probably meant.
    pub meant: Option<&'static str>,
}

impl UnknownValue {
    fn number(&self) -> i32 {
        self.value.as_i64().and_then(|number| i32::try_from(number).ok()).unwrap_or(NAME_ONLY)
    }
}

/// Where an enum of a record stands: a field, perhaps one of several values, perhaps a field of that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub(super) field: &'static str,
    pub(super) index: Option<usize>,
    pub(super) inner: Option<&'static str>,
}

impl Place {
    pub(super) const fn of(field: &'static str) -> Self {
        Self { field, index: None, inner: None }
    }

    fn put(self, record: &mut Json, value: Json) {
        let mut at = &mut record[self.field];
        if let Some(index) = self.index {
            at = &mut at[index];
        }
        if let Some(inner) = self.inner {
            at = &mut at[inner];
        }
        *at = value;
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field)?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))?;
        self.inner.map_or(Ok(()), |inner| write!(f, ".{inner}"))
    }
}

/// Takes out of the JSON of a record what the generated reader does not take: `null`, empty names, and
/// unknown values of enums, which it returns.
pub(super) fn clean(record: Json, shape: &'static Shape) -> (Json, Vec<UnknownValue>) {
    let mut found = Vec::new();
    let cleaned = clean_message(record, shape, "", &mut found);
    (cleaned, found)
}

fn clean_message(message: Json, shape: &'static Shape, path: &str, found: &mut Vec<UnknownValue>) -> Json {
    let Json::Object(fields) = message else { return message };
    let mut kept = serde_json::Map::new();
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
        let field = shape.iter().find(|field| [field.name, field.proto_name].contains(&name.as_str()));
        let path = field.map_or_else(String::new, |field| format!("{path}{}", field.name));
        let value = match (field.map(|field| field.value), value) {
            (Some(Value::Enum(names)), value) if !is_known(names, &value) => {
                if value != "" {
                    let meant = value.as_str().and_then(names.meant);
                    found.push(UnknownValue { path, value, meant });
                }
                continue;
            }
            (Some(Value::Enums(names)), Json::Array(items)) => {
                let items = items.into_iter().enumerate().map(|(index, value)| {
                    if is_known(names, &value) {
                        return value;
                    }
                    let meant = value.as_str().and_then(names.meant);
                    found.push(UnknownValue { path: format!("{path}[{index}]"), value, meant });
                    0.into()
                });
                Json::Array(items.collect())
            }
            (Some(Value::Message(shape)), value) => clean_message(value, shape, &format!("{path}."), found),
            (Some(Value::Messages(shape)), Json::Array(items)) => {
                let items = items.into_iter().enumerate();
                Json::Array(
                    items
                        .map(|(index, value)| {
                            clean_message(value, shape, &format!("{path}[{index}]."), found)
                        })
                        .collect(),
                )
            }
            // What the contract does not have is passed over anyway.
            (_, value) => value,
        };
        kept.insert(name, value);
    }
    Json::Object(kept)
}

fn is_known(names: &Names, value: &Json) -> bool {
    match value {
        Json::String(name) => (names.is_name)(name),
        Json::Number(number) => {
            number.as_i64().and_then(|it| i32::try_from(it).ok()).is_some_and(names.is_number)
        }
        _ => true,
    }
}

/// Puts the values that [`clean`] has taken out into the message.
pub(super) fn restore<R: Record>(message: &mut R::Message, values: &[UnknownValue]) {
    R::visit_enums(message, &mut |place, _, number| {
        if let Some(value) = values.iter().find(|it| it.path == place.to_string()) {
            *number = value.number();
        }
    });
}

/// Lists the values of a message that this version does not know.
pub(super) fn list<R: Record>(message: &R::Message) -> Vec<UnknownValue> {
    take_out::<R>(&mut message.clone(), &[]).into_iter().map(|(_, value)| value).collect()
}

/// Writes the JSON of a message with unknown values: by their names where those are known, else by their
/// numbers.
pub(super) fn to_json<R: Record>(
    message: &R::Message,
    names: &[UnknownValue],
) -> Result<Vec<u8>, InvalidRecord> {
    let mut message = message.clone();
    let values = take_out::<R>(&mut message, names);
    let json = serde_json::to_value(&message).map(|mut json| {
        values.into_iter().for_each(|(place, value)| place.put(&mut json, value.value));
        json.to_string().into_bytes()
    });
    json.map_err(|source| invalid_json(&source))
}

fn take_out<R: Record>(message: &mut R::Message, names: &[UnknownValue]) -> Vec<(Place, UnknownValue)> {
    let mut found = Vec::new();
    R::visit_enums(message, &mut |place, known, number| {
        if (known.is_number)(*number) {
            return;
        }
        let path = place.to_string();
        let named = names.iter().find(|it| it.path == path).map(|it| it.value.clone());
        let value = named.unwrap_or_else(|| Json::from(*number));
        found.push((place, UnknownValue { path, value, meant: None }));
        *number = 0;
    });
    found
}
