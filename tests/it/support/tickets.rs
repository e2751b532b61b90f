//! A small catalog, and tickets whose owner follows from `ownership` without doubt.

use prost::Message;
use serde_json::{Value, json};
use ticket_router::proto::v1::{Offer, Partner, Publisher, Ticket};

use super::topics::{Destination, Outbound, Source, Topics};

/// How a ticket or a catalog record is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    Json,
    Protobuf,
}

/// The offer of the small catalog.
pub fn offer() -> Value {
    json!({
        "id": "contoso.backup", "publisherId": "contoso", "title": "Contoso Backup", "kind": "KIND_SAAS", "azureBased": true,
        "contacts": { "engineering": "eng@contoso.example", "customerSupport": "help@contoso.example", "cspProgram": "csp@contoso.example" }
    })
}

/// Its publisher.
pub fn publisher() -> Value {
    json!({ "id": "contoso", "name": "Contoso", "supportUri": "https://contoso.example/support" })
}

/// The partner of its customers, which refers technical tickets.
pub fn partner() -> Value {
    json!({ "id": "northwind", "name": "Northwind", "model": "MODEL_DIRECT_BILL", "technicalSupport": "TECHNICAL_SUPPORT_REFER" })
}

/// The catalog record of an offer, keyed by its id.
pub fn offer_record(offer: &Value, encoding: Encoding) -> Outbound {
    record::<Offer>(offer, encoding)
}

/// The catalog record of a publisher, keyed by its id.
pub fn publisher_record(publisher: &Value, encoding: Encoding) -> Outbound {
    record::<Publisher>(publisher, encoding)
}

/// The catalog record of a partner, keyed by its id.
pub fn partner_record(partner: &Value, encoding: Encoding) -> Outbound {
    record::<Partner>(partner, encoding)
}

/// Puts the small catalog into the catalog topics: offers as JSON, the others as protobuf.
pub fn load_catalog(source: &Source, topics: &Topics) {
    source.send(&topics.offers(), &offer_record(&offer(), Encoding::Json));
    source.send(&topics.publishers(), &publisher_record(&publisher(), Encoding::Protobuf));
    source.send(&topics.partners(), &partner_record(&partner(), Encoding::Protobuf));
    source.flush();
}

/// Topics with the small catalog in them, the ticket topics with the partitions given, and a source for more.
pub fn prepared(partitions: i32) -> (Topics, Source) {
    let topics = Topics::create(partitions);
    let source = Source::new(topics.broker());
    load_catalog(&source, &topics);
    (topics, source)
}

/// A ticket that ends at the destination given, if the catalog is the small one.
pub fn ticket(id: &str, destination: Destination) -> Value {
    let (requester, category) = match destination {
        Destination::Partner => ("ROLE_CUSTOMER", "CATEGORY_BILLING"),
        Destination::Publisher => ("ROLE_CUSTOMER", "CATEGORY_USER_SUPPORT"),
        Destination::MicrosoftCommerce => ("ROLE_PARTNER", "CATEGORY_BILLING"),
        Destination::Triage => ("ROLE_PUBLISHER", "CATEGORY_OTHER"),
        Destination::DeadLetter => panic!("a ticket that can be read is no dead letter"),
    };
    let mut ticket = json!({
        "id": id, "source": "zendesk/fabrikam", "requester": { "role": requester }, "offerId": "contoso.backup", "category": category,
        "severity": "SEVERITY_B", "language": "en", "subject": "Help", "body": "It is about our subscription.", "revision": "3",
        "createdAt": "2026-03-01T08:00:00Z", "attributes": { "tier": "gold" }
    });
    match destination {
        Destination::Partner | Destination::Publisher => {
            ticket["partnerId"] = json!("northwind");
            ticket["requester"]["id"] = json!("customer-17");
        }
        Destination::MicrosoftCommerce => ticket["requester"]["id"] = json!("northwind"),
        Destination::Triage | Destination::DeadLetter => ticket["requester"]["id"] = json!("contoso"),
    }
    ticket
}

/// The bytes of a ticket.
pub fn ticket_bytes(ticket: &Value, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Json => ticket.to_string().into_bytes(),
        Encoding::Protobuf => serde_json::from_value::<Ticket>(ticket.clone())
            .expect("the test's ticket is a ticket")
            .encode_to_vec(),
    }
}

fn record<M: Message + Default + serde::de::DeserializeOwned>(value: &Value, encoding: Encoding) -> Outbound {
    let id = value["id"].as_str().expect("a catalog record has an id");
    let bytes = match encoding {
        Encoding::Json => value.to_string().into_bytes(),
        Encoding::Protobuf => serde_json::from_value::<M>(value.clone())
            .expect("the test's record follows the contract")
            .encode_to_vec(),
    };
    Outbound::new(id, bytes)
}
