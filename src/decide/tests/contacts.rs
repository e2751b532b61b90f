//! Which contacts are shown where some are missing (S9).

use super::super::{ContactKind, Records};
use crate::{
    catalog::{Encodings, Offer, OfferContact, Publisher, Record},
    proto::v1,
    ticket::Format,
};

fn offer(letters: &str) -> Offer {
    let if_there = |letter: &str| if letters.contains(letter) { letter.to_owned() } else { String::new() };
    let contacts = v1::offer::Contacts {
        engineering: if_there("e"),
        customer_support: if_there("c"),
        csp_program: if_there("p"),
    };
    let message = v1::Offer {
        id: "o".to_owned(),
        publisher_id: "contoso".to_owned(),
        contacts: Some(contacts),
        ..Default::default()
    };
    Offer::build(&message, Encodings::BOTH).expect("the offer is valid")
}

fn publisher(support: &str) -> Publisher {
    let message =
        v1::Publisher { id: "contoso".to_owned(), support_uri: support.to_owned(), ..Default::default() };
    Publisher::build(&message, Encodings::BOTH).expect("the publisher is valid")
}

/// The addresses that are shown, in order; each is the letter of its kind.
fn shown(
    offer: Option<&Offer>,
    publisher: Option<&Publisher>,
    wanted: &[OfferContact],
    format: Format,
) -> String {
    let records = Records { offer, publisher, partner: None, provider: None };
    let mut shown = String::new();
    for contact in records.contacts(wanted, format) {
        let letter = match contact.kind {
            ContactKind::CustomerSupport => "c",
            ContactKind::Engineering => "e",
            ContactKind::CspProgram => "p",
            ContactKind::PublisherSupport => "s",
            ContactKind::Unspecified => "?",
        };
        assert_eq!(contact.address, letter.as_bytes());
        shown.push_str(letter);
    }
    shown
}

#[test]
fn where_a_contact_is_missing_customer_support_stands_in_and_then_the_publishers_address() {
    use OfferContact::{CspProgram as P, CustomerSupport as C, Engineering as E};
    let all = [C, E, P];
    let cases: [(&str, &str, &[OfferContact], &str); 12] = [
        ("cep", "s", &all, "cep"),
        ("cep", "s", &[E], "e"),
        ("c", "s", &[E], "c"),
        ("c", "s", &[P], "c"),
        ("c", "s", &all, "c"),
        ("ce", "s", &all, "ce"),
        ("e", "s", &[C], "s"),
        ("e", "s", &[P], "s"),
        ("e", "s", &[C, E], "se"),
        ("e", "", &[C, E], "e"),
        ("", "s", &all, "s"),
        ("", "", &all, ""),
    ];
    for (there, support, wanted, expected) in cases {
        for format in [Format::Json, Format::Protobuf] {
            let (offer, publisher) = (offer(there), publisher(support));
            let found = shown(Some(&offer), Some(&publisher), wanted, format);
            assert_eq!(found, expected, "{there:?} {support:?} {wanted:?}");
        }
    }
}

#[test]
fn without_an_offer_nobody_is_shown_but_the_publisher_that_asks() {
    let publisher = publisher("s");
    assert_eq!(shown(None, None, &OfferContact::ALL, Format::Json), "");
    assert_eq!(shown(None, Some(&publisher), &OfferContact::ALL, Format::Json), "s");
}
