//! Loading the settings from their three sources.

use std::{collections::HashMap, fs, path::Path};

use config::{Environment, File, FileFormat, Value};
use toml::de::{DeTable, DeValue};

use super::schema::{json_schema, secrets};
use super::{
    Config,
    problem::{Problem, Refused},
    rules, shape,
};

const PREFIX: &str = "TICKET_ROUTER";

/// Where the settings come from, the strongest last.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    /// The TOML file (`--config`).
    pub file: Option<&'a Path>,
    /// Environment variables; those that do not start with `TICKET_ROUTER__` are passed over.
    pub environment: HashMap<String, String>,
    /// `key=value` pairs (`--set`).
    pub overrides: &'a [String],
}

impl<'a> Sources<'a> {
    /// Takes the variables of this process.
    pub fn of_process(file: Option<&'a Path>, overrides: &'a [String]) -> Self {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let environment = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect();
        Self { file, environment, overrides }
    }

    /// Lists the variables that look like settings and are none, since one `_` stands where two must: each with the
    /// name that was probably meant.
    #[must_use]
    pub fn misnamed(&self) -> Vec<(&str, String)> {
        let bare = |name: &str| name.to_uppercase().replace(['_', '.'], "");
        let settings = super::schema::leaves(&json_schema());
        let mut found: Vec<_> = self
            .environment
            .keys()
            .filter(|name| !name.starts_with("TICKET_ROUTER__"))
            .filter_map(|name| {
                let rest = bare(name.strip_prefix("TICKET_ROUTER_")?);
                let setting = settings.iter().find(|setting| bare(setting) == rest)?;
                let meant = format!("{PREFIX}__{}", setting.to_uppercase().replace('.', "__"));
                Some((name.as_str(), meant))
            })
            .collect();
        found.sort_unstable();
        found
    }
}

pub(super) fn load(sources: &Sources<'_>) -> Result<Config, Refused> {
    let schema = json_schema();
    let text = read(sources.file)?;
    let file = Text::parse(sources.file, &text)?;
    let merged = merge(sources, &text, &secrets(&schema))?;
    let origin = |path: &str, value: &Value| match value.origin() {
        Some("the environment") => format!("{PREFIX}__{}", path.to_uppercase().replace('.', "__")),
        _ if overridden(sources, path) => "--set".to_owned(),
        _ => file.position(path),
    };
    let mut problems = shape::check(&schema, &merged.cache, &origin);
    if problems.is_empty() {
        match merged.try_deserialize::<Config>() {
            Ok(config) => {
                problems = rules::check(&config);
                if problems.is_empty() {
                    return Ok(config);
                }
            }
            Err(error) => problems.push(general("", error.to_string())),
        }
    }
    Err(Refused { problems })
}

fn general(origin: &str, text: String) -> Problem {
    Problem { key: String::new(), origin: origin.to_owned(), text }
}

fn read(file: Option<&Path>) -> Result<String, Refused> {
    let Some(path) = file else { return Ok(String::new()) };
    fs::read_to_string(path).map_err(|error| {
        let text = format!("config file `{}` cannot be read: {error}", path.display());
        Refused { problems: vec![general("", text)] }
    })
}

fn merge(sources: &Sources<'_>, text: &str, secrets: &[String]) -> Result<config::Config, Refused> {
    let mut builder =
        config::Config::builder().add_source(File::from_str(text, FileFormat::Toml)).add_source(
            Environment::with_prefix(PREFIX)
                .separator("__")
                .ignore_empty(true)
                .source(Some(sources.environment.clone())),
        );
    let mut problems = Vec::new();
    for (index, pair) in sources.overrides.iter().enumerate() {
        match assignment(pair, secrets) {
            Ok((key, value)) => {
                builder = builder.set_override(key, value).expect("the key was checked to be a plain path");
            }
            // What has no `=` may be anything, a secret too, so it is counted, not shown.
            Err(text) => problems.push(general(&format!("--set number {}", index + 1), text)),
        }
    }
    if !problems.is_empty() {
        return Err(Refused { problems });
    }
    builder.build().map_err(|error| Refused { problems: vec![general("", error.to_string())] })
}

fn assignment<'p>(pair: &'p str, secrets: &[String]) -> Result<(&'p str, &'p str), String> {
    let (key, value) = pair.split_once('=').ok_or("takes `key=value`, and there is no `=`")?;
    let key = key.trim();
    let is_word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    if !key.split('.').all(is_word) {
        return Err("takes `key=value`, with a key such as `kafka.group_id`".to_owned());
    }
    if secrets.iter().any(|secret| secret == key) {
        let variable = key.to_uppercase().replace('.', "__");
        return Err(format!(
            "`{key}` is a secret, and every user of this machine can read a command line: set `{key}_file`, or the variable {PREFIX}__{variable}"
        ));
    }
    Ok((key, value))
}

fn overridden(sources: &Sources<'_>, path: &str) -> bool {
    let keys = sources.overrides.iter().filter_map(|pair| pair.split_once('='));
    keys.map(|(key, _)| key.trim())
        .any(|key| key == path || key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The config file, to find the line of a key in.
struct Text<'t> {
    name: String,
    text: &'t str,
    table: DeTable<'t>,
}

impl<'t> Text<'t> {
    /// Parses the file. The parser's own rendering shows the line, which may hold a password, so only its
    /// message and position are used.
    fn parse(file: Option<&Path>, text: &'t str) -> Result<Self, Refused> {
        let name = file.map(|path| path.display().to_string()).unwrap_or_default();
        match DeTable::parse(text) {
            Ok(table) => Ok(Self { name, text, table: table.into_inner() }),
            Err(error) => {
                let line = error.span().map_or(1, |span| line_at(text, span.start));
                Err(Refused {
                    problems: vec![general(&format!("{name}:{line}"), error.message().to_owned())],
                })
            }
        }
    }

    /// Returns `FILE:LINE` of the key at `path`.
    fn position(&self, path: &str) -> String {
        let mut table = Some(&self.table);
        let mut at = None;
        for part in path.split('.') {
            let Some((key, value)) =
                table.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == part))
            else {
                break;
            };
            at = Some(key.span().start);
            table = match value.get_ref() {
                DeValue::Table(inner) => Some(inner),
                _ => None,
            };
        }
        at.map_or_else(|| self.name.clone(), |at| format!("{}:{}", self.name, line_at(self.text, at)))
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
