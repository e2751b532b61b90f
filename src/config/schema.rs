//! The JSON Schema of the settings, and questions about it.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Config;

/// Returns the JSON Schema (draft 2020-12) of the config file, keys sorted, nothing by reference.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = sorted(settings.into_generator().into_root_schema_for::<Config>().to_value());
    schema["title"] = "Settings of ticket-router".into();
    schema
}

/// Returns the settings of a table, or `None` if the schema is that of a value or of a free-form table.
pub(super) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// Returns the words that a value may be, if only certain words are allowed.
pub(super) fn allowed_values(schema: &Value) -> Vec<&str> {
    choices(schema).into_iter().map(|(word, _)| word).collect()
}

/// Returns the words that a value may be, each with what it means.
pub(super) fn choices(schema: &Value) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for list in ["anyOf", "oneOf"] {
        for choice in schema.get(list).and_then(Value::as_array).into_iter().flatten() {
            match choice.get("const").and_then(Value::as_str) {
                Some(word) => {
                    found.push((word, choice.get("description").and_then(Value::as_str).unwrap_or_default()));
                }
                None => found.extend(choices(choice)),
            }
        }
    }
    found
}

/// Says whether values of this schema are kept out of all that is printed.
pub(super) fn is_secret(schema: &Value) -> bool {
    let marked = |schema: &Value| schema.get("writeOnly") == Some(&Value::Bool(true));
    marked(schema) || schema.get("anyOf").and_then(Value::as_array).is_some_and(|any| any.iter().any(marked))
}

/// Returns the paths of all single settings and free-form tables, sorted.
pub(super) fn leaves(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(schema, "", &mut |path, _| found.push(path.to_owned()));
    found
}

/// Returns the paths of all secrets, sorted.
pub(super) fn secrets(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(schema, "", &mut |path, schema| {
        if is_secret(schema) {
            found.push(path.to_owned());
        }
    });
    found
}

fn collect(schema: &Value, path: &str, each: &mut dyn FnMut(&str, &Value)) {
    match properties(schema) {
        None => each(path, schema),
        Some(settings) => {
            for (key, inner) in settings {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(inner, &path, each);
            }
        }
    }
}

// Maps of serde_json keep the order of insertion if any crate in the build asks for it; the schema file must
// not depend on that.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
