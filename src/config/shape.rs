//! Compares what the sources hold with the JSON Schema, before serde sees it, so that every problem is reported
//! at once, with its full path, its origin, and what was meant.

use config::{Value, ValueKind};
use serde_json::Value as Json;

use super::problem::Problem;
use super::schema::{allowed_values, is_secret, properties};

/// Finds unknown keys and values of the wrong kind. `origin` says where a value came from.
pub(super) fn check(schema: &Json, root: &Value, origin: &dyn Fn(&str, &Value) -> String) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(schema, schema, root, "", origin, &mut found);
    found
}

fn walk(
    top: &Json,
    schema: &Json,
    value: &Value,
    path: &str,
    origin: &dyn Fn(&str, &Value) -> String,
    found: &mut Vec<Problem>,
) {
    let mut report =
        |text: String| found.push(Problem { key: path.to_owned(), origin: origin(path, value), text });
    let Some(settings) = properties(schema) else {
        let free_form = schema.get("additionalProperties").is_some();
        if let Some(text) = if free_form { not_a_table(value) } else { wrong_value(schema, value) } {
            report(text);
        }
        return;
    };
    let ValueKind::Table(table) = &value.kind else {
        report("is a table of settings, not a single value".to_owned());
        return;
    };
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, _)| key.as_str());
    for (key, inner) in keys {
        let inner_path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match settings.get(key) {
            Some(inner_schema) => walk(top, inner_schema, inner, &inner_path, origin, found),
            None => {
                let text = match nearest(top, &inner_path) {
                    Some(meant) => format!("is not a setting; did you mean `{meant}`?"),
                    None => "is not a setting".to_owned(),
                };
                found.push(Problem { origin: origin(&inner_path, inner), key: inner_path, text });
            }
        }
    }
}

fn not_a_table(value: &Value) -> Option<String> {
    let is_table = matches!(value.kind, ValueKind::Table(_));
    (!is_table).then(|| "is a table, not a single value".to_owned())
}

fn wrong_value(schema: &Json, value: &Value) -> Option<String> {
    let found = if is_secret(schema) { "something else".to_owned() } else { shown(value) };
    let text = match &value.kind {
        ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil => {
            return Some("is a single value, not a table or a list".to_owned());
        }
        other => other.to_string(),
    };
    if is_type(schema, "boolean") {
        return (!matches!(text.as_str(), "true" | "false"))
            .then(|| format!("is true or false, not {found}"));
    }
    if is_type(schema, "integer") {
        let bound = |name| schema.get(name).and_then(Json::as_u64);
        let (least, most) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(u64::MAX));
        let in_range = matches!(&value.kind, ValueKind::Boolean(_) | ValueKind::Float(_)).then_some(false);
        let in_range = in_range
            .unwrap_or_else(|| text.parse().is_ok_and(|number: u64| (least..=most).contains(&number)));
        return (!in_range).then(|| format!("is a whole number from {least} to {most}, not {found}"));
    }
    if is_type(schema, "number") {
        let bound = |name| schema.get(name).and_then(Json::as_f64);
        let (least, most) = (bound("minimum").unwrap_or(f64::MIN), bound("maximum").unwrap_or(f64::MAX));
        let in_range = text.parse().is_ok_and(|number: f64| (least..=most).contains(&number));
        return (!in_range).then(|| format!("is a number from {least} to {most}, not {found}"));
    }
    let allowed = allowed_values(schema);
    if !allowed.is_empty() {
        let one_of = allowed.join(", ");
        return (!allowed.contains(&text.as_str())).then(|| format!("is one of {one_of}, not {found}"));
    }
    let length = |name| schema.get(name).and_then(Json::as_u64);
    if length("minLength").is_some_and(|least| (text.len() as u64) < least) {
        return Some("must not be empty".to_owned());
    }
    let most = length("maxLength").filter(|most| text.len() as u64 > *most)?;
    Some(format!("has {} characters, at most {most} are allowed", text.len()))
}

fn is_type(schema: &Json, name: &str) -> bool {
    match schema.get("type") {
        Some(Json::String(one)) => one == name,
        Some(Json::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}

fn shown(value: &Value) -> String {
    let text: String = value.to_string().chars().take(64).collect();
    format!("`{}`", text.escape_debug())
}

/// Settings that had another name once, with the name of today.
const RENAMED: &[(&str, &str)] = &[("topics.isv", "topics.publisher")];

/// Returns the setting whose path is nearest to `path`, if one is near enough to have been meant.
fn nearest(top: &Json, path: &str) -> Option<String> {
    if let Some((_, today)) = RENAMED.iter().find(|(old, _)| *old == path) {
        return Some((*today).to_owned());
    }
    let last = path.rsplit('.').next().unwrap_or(path);
    let leaves = super::schema::leaves(top);
    let tables: Vec<_> = leaves.iter().filter_map(|leaf| Some(leaf.rsplit_once('.')?.0.to_owned())).collect();
    leaves
        .into_iter()
        .chain(tables)
        .map(|leaf| {
            // A key that is right but in the wrong table counts as a near miss of one letter.
            let same_name = leaf.rsplit('.').next() == Some(last);
            (if same_name { 1 } else { strsim::levenshtein(path, &leaf) }, leaf)
        })
        .filter(|(far, _)| *far <= 1 + last.len() / 4)
        .min()
        .map(|(_, leaf)| leaf)
}
