//! Tests of the catalog, by topic.

use super::*;
use crate::proto::v1;

mod loading;
mod reading;
mod records;
mod snapshots;

/// An offer that says everything, in text that JSON must escape.
fn full_offer() -> v1::Offer {
    v1::Offer {
        id: "offer-\"1\"".to_owned(),
        publisher_id: "pub\\1".to_owned(),
        title: "\"engineering\":\"not a contact\"".to_owned(),
        kind: v1::offer::Kind::Saas.into(),
        azure_based: Some(false),
        first_party: false,
        contacts: Some(v1::offer::Contacts {
            engineering: "tel:\"+49\"".to_owned(),
            customer_support: "help@example.com".to_owned(),
            csp_program: "https://example.com/ünï\\code?\u{ad}".to_owned(),
        }),
        user_documentation_uri: "https://docs.example.com".to_owned(),
        sales_material_uri: "https://sales.example.com".to_owned(),
        csp_marketing_uri: "https://csp.example.com".to_owned(),
    }
}

fn full_publisher() -> v1::Publisher {
    v1::Publisher {
        id: "pub-1".to_owned(),
        name: "Publisher".to_owned(),
        support_uri: "https://support.example.com/\"".to_owned(),
        sla: vec![v1::publisher::ServiceLevel {
            severity: v1::ticket::Severity::A.into(),
            first_response: Some(pbjson_types::Duration { seconds: 3600, nanos: 500_000_000 }),
        }],
    }
}

fn full_partner() -> v1::Partner {
    v1::Partner {
        id: "partner-1".to_owned(),
        name: "Partner".to_owned(),
        model: v1::partner::Model::IndirectReseller.into(),
        provider_id: "provider-1".to_owned(),
        technical_support: v1::partner::TechnicalSupport::Coordinate.into(),
        provider_handles: vec![v1::ticket::Category::Unspecified.into(), v1::ticket::Category::Other.into()],
    }
}

fn partner(id: &str, name: &str) -> Partner {
    let message = v1::Partner { id: id.to_owned(), name: name.to_owned(), ..Default::default() };
    Partner::build(&message, Encodings::PROTOBUF).expect("an id is all that a partner needs")
}
