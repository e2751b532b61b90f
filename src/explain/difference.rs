//! What differs between a ticket as it is and as it could be: facts for programs, beside the words for people.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::world::World;
use crate::{
    policy::Policy,
    proto::v1::ticket::{Category, requester::Role},
    ticket::Coded,
};

/// One fact that would have to differ.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// `ticket`, or the record: `offer`, `publisher`, `partner`.
    pub place: &'static str,
    /// The id of the record; null for the ticket, and for a record that would have to be named first.
    pub id: Option<String>,
    /// The field, by its name in JSON.
    pub field: String,
    /// What it would have to be: a list if each value will do; null for nothing at all, and for an id of another party.
    pub value: Value,
}

/// Lists the differences except that of the category.
pub(super) fn differences(policy: &Policy, before: &World, after: &World) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("ticket", "", &ticket(policy, before), &ticket(policy, after), &mut found);
    if let Some(offer) = &after.offer {
        compare("offer", &offer.id, &fields(before.offer.as_ref()), &fields(Some(offer)), &mut found);
    }
    for id in after.publishers.difference(&before.publishers).filter(|id| !is_made_up(id)) {
        compare("publisher", id, &Map::new(), &Map::from_iter([("id".to_owned(), json!(id))]), &mut found);
    }
    for (id, partner) in &after.partners {
        // One that is made up is like the ticket's own.
        let old = before.partners.get(id).or_else(|| before.partner().filter(|_| is_made_up(id)));
        compare("partner", id, &fields(old), &fields(Some(partner)), &mut found);
    }
    found
}

/// The category, which may be any of several.
pub(super) fn of_category(categories: &[Category]) -> Difference {
    let names = categories.iter().map(|category| match category {
        Category::Unspecified => Value::Null,
        category => category.as_str_name().into(),
    });
    Difference { place: "ticket", id: None, field: "category".to_owned(), value: names.collect() }
}

fn compare(
    place: &'static str,
    id: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    for field in after.keys().chain(gone) {
        let value = after.get(field).cloned().unwrap_or_default();
        if before.get(field).unwrap_or(&Value::Null) == &value {
            continue;
        }
        let is_made_up_value = value.as_str().is_some_and(is_made_up);
        // The ticket says that another record would be named.
        if is_made_up(id) && field == "id" {
            continue;
        }
        let id = Some(id).filter(|id| !id.is_empty() && !is_made_up(id)).map(str::to_owned);
        let value = if is_made_up_value { Value::Null } else { value };
        found.push(Difference { place, id, field: field.clone(), value });
    }
}

fn ticket(policy: &Policy, world: &World) -> Map<String, Value> {
    let role = match world.role {
        Coded::Known(Role::Unspecified) => Value::Null,
        Coded::Known(role) => role.as_str_name().into(),
        Coded::Unknown => json!("unknown"),
    };
    let mut fields = Map::from_iter(
        [
            ("requester.role", role),
            ("requester.id", json!(world.requester_id)),
            ("partnerId", json!(world.partner_id)),
            ("offerId", json!(world.offer_id)),
            ("severity", json!(world.severity.as_str_name())),
            ("source", json!(world.source)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    for (name, value) in policy.attributes().iter().zip(&world.attributes) {
        fields.insert(format!("attributes.{name}"), json!(value));
    }
    fields.retain(|_, value| value != "");
    fields
}

fn fields(record: Option<&impl Serialize>) -> Map<String, Value> {
    match record.map(serde_json::to_value) {
        Some(Ok(Value::Object(fields))) => fields,
        _ => Map::new(),
    }
}

/// Ids of parties that a ticket could name begin with a NUL.
fn is_made_up(id: &str) -> bool {
    id.starts_with('\0')
}
