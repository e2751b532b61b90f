//! The keys whose newest record is bad.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use crate::catalog::Kind;

/// A record of a catalog topic that cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// What it should be.
    pub kind: Kind,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// What is wrong with it.
    pub problem: String,
}

/// Which keys have a bad record as their newest. Compaction keeps the newest record of a key, so a restart
/// finds the same.
///
/// Keys can be long, and many: a digest stands for each, with the offset of the record.
#[derive(Debug, Default)]
pub(super) struct BadKeys([HashMap<u128, i64>; Kind::ALL.len()]);

impl BadKeys {
    pub(super) fn forget(&mut self, kind: Kind) {
        self.0[kind as usize].clear();
    }

    pub(super) fn count(&self, kind: Kind) -> u64 {
        self.0[kind as usize].len() as u64
    }

    /// Notes a bad record.
    pub(super) fn bad(&mut self, kind: Kind, key: Option<&[u8]>, offset: i64) {
        self.0[kind as usize].insert(digest(key), offset);
    }

    /// Notes a good record, or a removal; says whether the key was bad.
    pub(super) fn good(&mut self, kind: Kind, key: Option<&[u8]>) -> bool {
        let keys = &mut self.0[kind as usize];
        !keys.is_empty() && keys.remove(&digest(key)).is_some()
    }

    /// Says whether a bad record is still the newest of its key.
    pub(super) fn is_newest(&self, record: &BadRecord) -> bool {
        self.0[record.kind as usize].get(&digest(record.key.as_deref())) == Some(&record.offset)
    }
}

/// Compacted topics take no record without a key; one that was not compacted from the start may hold some,
/// which count as one.
fn digest(key: Option<&[u8]>) -> u128 {
    key.map_or(0, xxh3_128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_bad_until_a_good_record_or_a_removal_comes() {
        let mut keys = BadKeys::default();
        keys.bad(Kind::Offer, Some(b"a"), 1);
        keys.bad(Kind::Offer, Some(b"a"), 2);
        keys.bad(Kind::Offer, Some(b"b"), 3);
        keys.bad(Kind::Partner, Some(b"a"), 4);
        assert_eq!(Kind::ALL.map(|kind| keys.count(kind)), [2, 0, 1]);
        let record = |offset| BadRecord {
            kind: Kind::Offer,
            topic: "t".to_owned(),
            partition: 0,
            offset,
            key: Some(b"a".to_vec()),
            problem: "p".to_owned(),
        };
        assert!(!keys.is_newest(&record(1)) && keys.is_newest(&record(2)));
        assert!(keys.good(Kind::Offer, Some(b"a")));
        assert!(!keys.good(Kind::Offer, Some(b"a")));
        assert!(!keys.is_newest(&record(2)));
        keys.forget(Kind::Offer);
        assert_eq!(Kind::ALL.map(|kind| keys.count(kind)), [0, 0, 1]);
    }
}
