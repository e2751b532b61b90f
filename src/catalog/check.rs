//! What records say about each other, and leave unsaid.

use super::{Finding, Kind, Offer, OfferContact, Partner, Problem, Snapshot};
use crate::{proto::v1::partner::Model, ticket::Format};

/// Checks the records of a catalog against each other: what will send tickets to triage, or leave a support agent
/// without an address. In the order of kinds and ids.
#[must_use]
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut offers: Vec<_> = snapshot.offers().collect();
    let mut partners: Vec<_> = snapshot.partners().collect();
    offers.sort_unstable_by_key(|offer| offer.id());
    partners.sort_unstable_by_key(|partner| partner.id());

    let mut findings = Vec::new();
    for offer in offers {
        check_offer(offer, snapshot, &mut |problem| findings.push(finding(Kind::Offer, problem)));
    }
    for partner in partners {
        check_partner(partner, snapshot, &mut |problem| findings.push(finding(Kind::Partner, problem)));
    }
    findings
}

fn finding(kind: Kind, problem: Problem) -> Finding {
    Finding { file: kind.file_name().to_owned(), line: None, problem }
}

fn check_offer(offer: &Offer, snapshot: &Snapshot, found: &mut impl FnMut(Problem)) {
    // Its tickets go to triage whatever else the record says.
    if offer.is_first_party() {
        return;
    }
    let id = || offer.id().to_owned();
    let publisher = snapshot.publisher(offer.publisher_id());
    if publisher.is_none() {
        found(Problem::UnknownPublisher { offer: id(), publisher: offer.publisher_id().to_owned() });
    }
    if offer.azure_based().is_none() {
        found(Problem::NoAzureBased { offer: id() });
    }
    if OfferContact::ALL.iter().all(|&contact| offer.contact(contact, Format::Protobuf).is_empty()) {
        let has_support = publisher.is_some_and(|it| !it.support_uri(Format::Protobuf).is_empty());
        found(Problem::NoContact { offer: id(), has_support });
    }
}

fn check_partner(partner: &Partner, snapshot: &Snapshot, found: &mut impl FnMut(Problem)) {
    let id = || partner.id().to_owned();
    let model = partner.model();
    if model.is_none() && !partner.has_unknown_model() {
        found(Problem::NoModel { partner: id() });
    }
    let provider = partner.provider_id().to_owned();
    if provider.is_empty() {
        if model == Some(Model::IndirectReseller) {
            found(Problem::NoProvider { partner: id() });
        }
        return;
    }
    match snapshot.partner(&provider) {
        None => found(Problem::UnknownProvider { partner: id(), provider }),
        Some(it) if it.model() != Some(Model::IndirectProvider) => {
            found(Problem::InvalidProvider { partner: id(), provider });
        }
        Some(_) => {}
    }
}
