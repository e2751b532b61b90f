//! Tests of the loader, the proof and the compiled table.

mod brute_force;
mod diagnostics;
mod ownership;
mod version;

use super::{Case, Election, Fact};
use crate::proto::v1::{
    decision::TriageReason,
    partner::Model,
    ticket::{Category, Severity, requester::Role},
};

/// A case about which nothing is known but who asks.
fn case(requester: Role) -> Case<'static> {
    Case {
        requester,
        category: Category::Unspecified,
        severity: Severity::Unspecified,
        model: Fact::Absent(TriageReason::MissingModel),
        technical_support: Fact::Absent(TriageReason::MissingPartner),
        azure_based: Fact::Absent(TriageReason::IncompleteOffer),
        source: "",
        attributes: &[],
        offer: "",
        publisher: "",
        partner: "",
    }
}

const MODELS: [Model; 3] = [Model::DirectBill, Model::IndirectProvider, Model::IndirectReseller];
const ELECTIONS: [Election; 3] = [Election::Refer, Election::Coordinate, Election::NoPartner];
