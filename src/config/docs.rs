//! The reference page of the settings, made from their doc comments.

use std::fmt::Write;

use serde_json::Value;

use super::schema::{choices, is_secret, json_schema, properties};

const INTRODUCTION: &str = "\
# Configuration

<!-- Made from the doc comments in src/config: change them, then run `UPDATE_DOCS=1 cargo test --lib config::`. -->

There are three sources. Later ones win:

1. the TOML file: `ticket-router run --config FILE`;
2. the environment: `TICKET_ROUTER__KAFKA__GROUP_ID=x` sets `kafka.group_id` (two underscores between levels; an empty
   variable counts as unset);
3. the command line: `--set kafka.group_id=x`, any number of times.

At its start the router refuses unknown keys, values out of range, and settings that contradict each other (exit 64).
Every setting has a default. With none set, the router connects to a broker on the same machine.
A secret comes from the file, from a file of its own (`…_file`) or from the environment.
The router refuses secrets on the command line, and prints them as `***`.
[config.schema.json](config.schema.json) describes the same settings as a JSON Schema, for editors.
";

/// Returns the reference page of all settings, in Markdown.
pub fn reference() -> String {
    let schema = json_schema();
    let mut page = INTRODUCTION.to_owned();
    table(&schema, "", &mut page);
    page
}

fn table(schema: &Value, path: &str, page: &mut String) {
    let Some(settings) = properties(schema) else { return };
    if !path.is_empty() {
        let _ = write!(page, "\n## `[{path}]`\n\n{}\n", description(schema));
    }
    let (tables, values): (Vec<_>, Vec<_>) =
        settings.iter().partition(|(_, inner)| properties(inner).is_some());
    for (key, inner) in values {
        let _ = write!(page, "\n### `{path}.{key}`\n\n{}\n\n{}\n", facts(inner), description(inner));
        for (word, meaning) in choices(inner) {
            let _ = write!(page, "\n- `{word}`: {}", one_line(meaning));
        }
        if !choices(inner).is_empty() {
            page.push('\n');
        }
    }
    for (key, inner) in tables {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        table(inner, &path, page);
    }
}

fn facts(schema: &Value) -> String {
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("string"),
        _ => "string",
    };
    let number = |name| schema.get(name).and_then(Value::as_u64);
    let kind = match (kind, number("minimum"), number("maximum")) {
        ("integer", Some(least), Some(most)) => format!("whole number from {least} to {most}"),
        ("number", ..) => "number".to_owned(),
        ("object", ..) => "table".to_owned(),
        _ if is_secret(schema) => "secret".to_owned(),
        _ if !choices(schema).is_empty() => "one of the words below".to_owned(),
        _ => "text".to_owned(),
    };
    match schema.get("default") {
        Some(Value::Null) | None => format!("*{kind}, not set by default*"),
        Some(Value::Object(_)) => format!("*{kind}, empty by default*"),
        Some(default) => format!("*{kind}, default* `{default}`"),
    }
}

fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
