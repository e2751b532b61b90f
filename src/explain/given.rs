//! What a person wrote into the JSON of a ticket and the router does not read: codes that the contract does not have,
//! and fields with other names.

use serde::Serialize;
use serde_json::{Map, Value};

use super::words::{either, ticked};
use crate::{
    nearest::nearest,
    proto::v1::ticket::{Category, requester::Role},
    ticket::{Format, Payload},
};

/// The fields of a ticket and those of its requester.
const FIELDS: [&str; 15] = [
    "id",
    "source",
    "createdAt",
    "updatedAt",
    "revision",
    "requester",
    "partnerId",
    "offerId",
    "planId",
    "subscriptionId",
    "category",
    "severity",
    "language",
    "subject",
    "body",
];
const REQUESTER_FIELDS: [&str; 4] = ["role", "id", "displayName", "email"];

/// What stands in the JSON of a ticket, as far as nobody reads it.
#[derive(Clone, Default, Debug)]
pub struct Given {
    role: Option<String>,
    category: Option<String>,
    /// Fields that are passed over.
    pub unread: Vec<Unread>,
}

/// A field of a ticket that the contract does not have: it decides nothing, and travels on as it came.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Its path.
    pub field: String,
    /// The field of the contract that was probably meant.
    pub meant: Option<String>,
}

impl Given {
    /// Looks through the bytes of a ticket; there is nothing to see in protobuf.
    #[must_use]
    pub fn of(payload: Payload<'_>) -> Self {
        let json = (payload.format == Format::Json).then(|| serde_json::from_slice(payload.bytes));
        let Some(Ok(Value::Object(ticket))) = json else { return Self::default() };
        let none = Map::new();
        let requester = ticket.get("requester").and_then(Value::as_object).unwrap_or(&none);
        let text = |of: &Map<String, Value>, name| match of.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let mut unread = Vec::new();
        for (path, object, known) in
            [("", &ticket, &FIELDS[..]), ("requester.", requester, &REQUESTER_FIELDS)]
        {
            for name in object.keys().filter(|name| !is_known(name, known)) {
                let meant = meant_field(name, known).map(|meant| format!("{path}{meant}"));
                unread.push(Unread { field: format!("{path}{name}"), meant });
            }
        }
        Self { role: text(requester, "role"), category: text(&ticket, "category"), unread }
    }

    /// Says what is wrong with the role, and what is allowed.
    pub(super) fn wrong_role(&self) -> String {
        let roles = [Role::Customer, Role::Partner, Role::Publisher].map(|role| role.as_str_name());
        wrong(self.role.as_deref(), "ROLE_", &roles)
    }

    /// Says what is wrong with the category, and what is allowed.
    pub(super) fn wrong_category(&self) -> String {
        let categories: Vec<&str> =
            (1..).map_while(|number| Category::try_from(number).ok()).map(|it| it.as_str_name()).collect();
        wrong(self.category.as_deref(), "CATEGORY_", &categories)
    }
}

/// Names may be written as in JSON or as in protobuf.
fn is_known(name: &str, known: &[&str]) -> bool {
    name == "attributes" || known.iter().any(|known| *known == name || snake(known) == name)
}

fn snake(name: &str) -> String {
    name.chars()
        .flat_map(|it| it.is_uppercase().then_some('_').into_iter().chain(it.to_lowercase()))
        .collect()
}

/// The field that a name probably stands for: a slip, or the beginning of its name, as `partner` is of `partnerId`.
fn meant_field<'f>(name: &str, known: &[&'f str]) -> Option<&'f str> {
    let plain = name.to_lowercase().replace(['_', '-', ' '], "");
    let begins = |field: &&&str| plain.len() > 3 && field.to_lowercase().starts_with(&plain);
    nearest(&plain, known.iter().copied(), 1 + plain.len() / 5).or_else(|| known.iter().find(begins).copied())
}

/// ``` `customer` is none: did you mean ROLE_CUSTOMER? Set ROLE_CUSTOMER, ROLE_PARTNER or ROLE_PUBLISHER …```
fn wrong(found: Option<&str>, prefix: &str, allowed: &[&str]) -> String {
    let short = |code: &str| {
        let code = code.trim().to_uppercase().replace([' ', '-'], "_");
        code.strip_prefix(prefix).map_or(code.clone(), str::to_owned)
    };
    let said = found.map_or_else(String::new, |found| {
        let bare: Vec<String> = allowed.iter().map(|code| short(code)).collect();
        let limit = 1 + found.len() / 5;
        let meant = match nearest(&short(found), bare.iter().map(String::as_str), limit) {
            Some(meant) => format!("; did you mean {prefix}{meant}?"),
            None => ".".to_owned(),
        };
        format!("{} is not known{meant} ", ticked(found))
    });
    let allowed: Vec<String> = allowed.iter().map(|&code| code.to_owned()).collect();
    format!("{said}Set {}; a value of a newer version needs a newer router", either(&allowed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{self, ticket::Requester};

    fn given(json: &str) -> Given {
        Given::of(Payload { format: Format::Json, bytes: json.as_bytes() })
    }

    #[test]
    fn the_fields_are_those_of_the_contract() {
        let text = || "x".to_owned();
        // Every field is named, so that a new one does not compile until it stands here.
        let ticket = v1::Ticket {
            id: text(),
            source: text(),
            created_at: Some(Default::default()),
            updated_at: Some(Default::default()),
            revision: 1,
            requester: Some(Requester { role: 1, id: text(), display_name: text(), email: text() }),
            partner_id: text(),
            offer_id: text(),
            plan_id: text(),
            subscription_id: text(),
            category: 1,
            severity: 1,
            language: text(),
            subject: text(),
            body: text(),
            attributes: [(text(), text())].into(),
        };
        let json = serde_json::to_value(&ticket).expect("a ticket has JSON");
        let names = |of: &Value| of.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        for (names, known) in
            [(names(&json), &FIELDS[..]), (names(&json["requester"]), &REQUESTER_FIELDS[..])]
        {
            let all: Vec<&String> = names.iter().filter(|name| *name != "attributes").collect();
            assert!(all.iter().all(|name| known.contains(&name.as_str())), "{all:?}");
            assert_eq!(all.len(), known.len(), "{all:?}");
        }
    }

    #[test]
    fn fields_that_nobody_reads_are_named_with_what_was_meant() {
        let given = given(
            r#"{"id":"1","offerID":"o","partner":"p","plan_id":"x","zzz":1,"requester":{"Role":"x","mail":"m"}}"#,
        );
        let unread: Vec<_> = given.unread.iter().map(|it| (it.field.as_str(), it.meant.as_deref())).collect();
        let expected = [
            ("offerID", Some("offerId")),
            ("partner", Some("partnerId")),
            ("zzz", None),
            ("requester.Role", Some("requester.role")),
            ("requester.mail", Some("requester.email")),
        ];
        assert_eq!(unread, expected);
    }

    #[test]
    fn a_code_in_other_words_is_shown_with_what_was_meant_and_what_is_allowed() {
        let given = given(r#"{"id":"1","category":"billing","requester":{"role":"vendor"}}"#);
        let category = given.wrong_category();
        assert!(
            category.starts_with("`billing` is not known; did you mean CATEGORY_BILLING? Set CATEGORY_"),
            "{category}"
        );
        assert_eq!(
            given.wrong_role(),
            "`vendor` is not known. Set ROLE_CUSTOMER, ROLE_PARTNER or ROLE_PUBLISHER; a value of a newer \
             version needs a newer router"
        );
    }
}
