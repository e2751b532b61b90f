//! What the program that breaks things and the checker have in common: names, the catalog as data, the notes that one writes for the
//! other; and the judge, which the tests on Kafka use, too.

pub mod contract;
pub mod judge;
pub mod notes;
pub mod topics;
pub mod world;

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, as in the timestamps of records.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("milliseconds since 1970 fit")
}
