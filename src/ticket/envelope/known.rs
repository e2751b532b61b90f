//! What envelopes of others look like, by the names at their top.

use super::find;
use crate::ticket::{
    Limits,
    json::{self, Kind, Member},
};

/// What this router writes.
pub(super) const ROUTED: &str = "a routed ticket, which this router has written: its ticket is in `ticket`";

/// Fields at the top that tell a ticket from an event.
pub(super) const TICKET_FIELDS: [&str; 13] = [
    "requester",
    "partnerId",
    "partner_id",
    "offerId",
    "offer_id",
    "planId",
    "plan_id",
    "subscriptionId",
    "subscription_id",
    "category",
    "severity",
    "revision",
    "attributes",
];

/// An envelope has all of the names.
const KNOWN: [(&str, &[&str]); 36] = [
    (ROUTED, &["ticket", "decision"]),
    ("a line that `ticket-router route` writes", &["topic", "key", "value"]),
    ("a line that `ticket-router route` writes", &["topic", "key", "error"]),
    ("an Event Grid event", &["eventType", "eventTime"]),
    ("an EventBridge event", &["detail-type", "detail"]),
    ("an Amazon SNS notification", &["TopicArn", "Message"]),
    ("an Amazon SNS notification", &["Type", "MessageId", "Message"]),
    ("a Zendesk event", &["zendesk_event_version", "type"]),
    ("a Zendesk event", &["zendesk_event_version", "event"]),
    ("an Intercom notification", &["app_id", "topic", "data"]),
    ("a HubSpot event", &["eventId", "portalId"]),
    ("a HubSpot event", &["subscriptionType", "objectId"]),
    ("a HubSpot object", &["objectId", "properties"]),
    ("a Salesforce platform event", &["schema", "payload", "event"]),
    ("a Salesforce platform event", &["channel", "data"]),
    ("a Jira webhook", &["webhookEvent", "issue"]),
    ("a Jira webhook", &["webhookEvent", "timestamp"]),
    ("a Dataverse webhook", &["MessageName", "PrimaryEntityName"]),
    ("a Dataverse webhook", &["MessageName", "InputParameters"]),
    ("a Freshdesk event", &["event", "domain", "data"]),
    ("a Freshdesk event", &["event", "account_id", "data"]),
    ("a Zammad webhook", &["ticket", "article"]),
    ("a Debezium change event", &["op", "before"]),
    ("a Debezium change event", &["op", "after"]),
    ("a Debezium change event", &["op", "ts_ms"]),
    ("a record of Kafka Connect's JSON converter", &["schema", "payload"]),
    ("a Maxwell change event", &["database", "table", "data"]),
    ("a MongoDB change event", &["operationType", "fullDocument"]),
    ("a Pub/Sub message", &["message", "subscription"]),
    ("a MassTransit message", &["messageType", "message"]),
    ("a Microsoft Graph notification", &["changeType", "resource"]),
    ("a Logstash event", &["@timestamp", "@version"]),
    ("an Elasticsearch document", &["_index", "_source"]),
    ("a Stripe-like event", &["object", "api_version", "data"]),
    ("a Slack event", &["token", "team_id", "event"]),
    ("an Event Hubs record", &["SequenceNumber", "Offset", "Body"]),
];

/// Names that say enough by themselves, of what has no id.
const ALONE: [(&str, &str); 7] = [
    ("a Salesforce change event", "ChangeEventHeader"),
    ("a Freshdesk webhook", "freshdesk_webhook"),
    ("a Zendesk event", "zendesk_event_version"),
    ("a Jira webhook", "webhookEvent"),
    ("an Amazon SQS or S3 event", "Records"),
    ("a request to a Kafka REST proxy", "records"),
    ("an answer of OData", "@odata.context"),
];

/// Where envelopes put what they hold.
const INSIDE: [&str; 14] = [
    "data", "payload", "detail", "message", "Message", "ticket", "event", "record", "value", "item",
    "object", "content", "body", "after",
];

/// Names what an object looks like; nothing if it is no envelope that is known and holds no ticket.
/// `is_no_ticket` says that it is no ticket in any case.
pub(super) fn name(members: &[Member<'_>], is_no_ticket: bool, limits: &Limits) -> Option<String> {
    // Null counts: a change event has it for what was not there before.
    let has = |name: &&str| members.iter().any(|member| member.name.is(name));
    let known = KNOWN.iter().find(|(_, names)| names.iter().all(has)).map(|(what, _)| *what);
    let alone = || ALONE.iter().find(|(_, name)| is_no_ticket && has(name)).map(|(what, _)| *what);
    let inside = || {
        let holds = |name: &&&str| find(members, name).is_some_and(|member| is_ticket(member, limits));
        INSIDE.iter().find(holds).map(|name| format!("an envelope with a ticket in `{name}`"))
    };
    known.or_else(alone).map(str::to_owned).or_else(inside)
}

/// Whether a member is an object with an id and a field that only tickets have.
fn is_ticket(member: &Member<'_>, limits: &Limits) -> bool {
    if member.kind != Kind::Object {
        return false;
    }
    let Ok(members) = json::members(member.value.as_bytes(), limits) else { return false };
    find(&members, "id").is_some() && TICKET_FIELDS.iter().any(|name| find(&members, name).is_some())
}
