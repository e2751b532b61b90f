//! Names and values in words.

use prost::Message;

use super::Named;
use crate::{catalog::Snapshot, decide::Assignee, proto::v1, ticket::Format};

/// Shows foreign text as it is, but for control, bidi and other invisible characters, which are escaped as `\u{202e}`.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_invisible(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Shows an id between back-ticks.
pub(super) fn ticked(id: &str) -> String {
    format!("`{}`", shown(id))
}

/// Controls, and what Unicode calls default ignorable: a terminal shows nothing for it, or reorders the line.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
                | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}'
        )
}

/// The party with its name in the catalog.
pub(super) fn named(catalog: &Snapshot, assignee: Assignee<'_>) -> Named {
    let id = assignee.id();
    let name = match assignee {
        Assignee::Partner(_) => partner_name(catalog, id),
        Assignee::Publisher(_) => publisher_name(catalog, id),
        Assignee::MicrosoftCommerce => "Microsoft commerce support".to_owned(),
    };
    Named { owner: assignee.owner().as_str_name(), id: id.to_owned(), name }
}

pub(super) fn partner_name(catalog: &Snapshot, id: &str) -> String {
    let record = catalog.partner(id).map(|it| v1::Partner::decode(it.encoded(Format::Protobuf)));
    record.and_then(Result::ok).map(|it| it.name).unwrap_or_default()
}

pub(super) fn publisher_name(catalog: &Snapshot, id: &str) -> String {
    let record = catalog.publisher(id).map(|it| v1::Publisher::decode(it.encoded(Format::Protobuf)));
    record.and_then(Result::ok).map(|it| it.name).unwrap_or_default()
}

/// Turns the name of an enum's value into that of a policy file: `CATEGORY_USER_SUPPORT` into `user-support`,
/// unspecified into `none`.
pub(super) fn value_name(name: &str, prefix: &str) -> String {
    match name.strip_prefix(prefix).unwrap_or(name) {
        "UNSPECIFIED" => "none".to_owned(),
        name => name.to_ascii_lowercase().replace('_', "-"),
    }
}

/// Writes a list: `a, b or c`.
pub(super) fn either(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} or {last}", names.join(", ")),
    }
}
