//! The sample tickets and catalog, for tests.

use std::path::Path;

use crate::{
    catalog::{Encodings, Snapshot},
    folder::load_folder,
};

/// The sample tickets, one JSON object each.
pub fn tickets() -> impl Iterator<Item = &'static [u8]> {
    include_str!("../../samples/tickets.jsonl").lines().map(str::as_bytes)
}

/// The sample catalog, in both encodings.
pub fn catalog() -> Snapshot {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/catalog");
    load_folder(&folder, Encodings::BOTH, |_| ()).expect("the samples can be read").snapshot
}
