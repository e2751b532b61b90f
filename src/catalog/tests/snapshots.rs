//! Snapshots against a plain map, under random changes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use proptest::prelude::*;

use super::*;

/// What the random test does to the catalog.
#[derive(Clone, Debug)]
enum Step {
    Upsert(u16, u8),
    Remove(u16),
    Publish,
    /// A full reload with only the records whose number is below.
    Replace(u16),
}

fn step() -> impl Strategy<Value = Step> {
    // Enough ids that the table grows twice, few enough that they meet.
    let id = 0..1_500_u16;
    prop_oneof![
        60 => (id.clone(), 0..3_u8).prop_map(|(id, version)| Step::Upsert(id, version)),
        20 => id.clone().prop_map(Step::Remove),
        2 => Just(Step::Publish),
        1 => id.prop_map(Step::Replace),
    ]
}

fn contents(snapshot: &Snapshot) -> BTreeMap<String, u128> {
    snapshot.partners().map(|partner| (partner.id().to_owned(), partner.digest())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_catalog_behaves_like_a_map_and_old_snapshots_never_change(
        steps in prop::collection::vec(step(), 1..2_500)
    ) {
        let (catalog, mut writer) = Catalog::new(Encodings::PROTOBUF);
        let mut model: BTreeMap<String, u128> = BTreeMap::new();
        let mut published = vec![(catalog.snapshot(), model.clone())];
        for step in steps {
            match step {
                Step::Upsert(id, version) => {
                    let record = partner(&format!("p{id}"), &format!("v{version}"));
                    let before = model.insert(record.id().to_owned(), record.digest());
                    let expected = match before {
                        None => Upserted::Added,
                        Some(digest) if digest == record.digest() => Upserted::Unchanged,
                        Some(_) => Upserted::Replaced,
                    };
                    prop_assert_eq!(writer.upsert_partner(record), expected);
                }
                Step::Remove(id) => {
                    let id = format!("p{id}");
                    prop_assert_eq!(writer.remove(Kind::Partner, &id), model.remove(&id).is_some());
                }
                Step::Publish => {
                    writer.publish();
                    published.push((catalog.snapshot(), model.clone()));
                }
                Step::Replace(below) => {
                    let mut replacement = writer.start_replacement();
                    model.clear();
                    for id in 0..below {
                        let record = partner(&format!("p{id}"), "v0");
                        model.insert(record.id().to_owned(), record.digest());
                        replacement.upsert(record);
                    }
                    writer.replace(replacement);
                    published.push((catalog.snapshot(), model.clone()));
                }
            }
        }
        writer.publish();
        published.push((catalog.snapshot(), model));
        for (snapshot, model) in published {
            prop_assert_eq!(snapshot.counts().partners, model.len());
            for (id, digest) in &model {
                prop_assert_eq!(snapshot.partner(id).map(Record::digest), Some(*digest));
            }
            prop_assert_eq!(contents(&snapshot), model);
        }
    }
}

#[test]
fn changes_are_seen_when_they_are_published_and_together() {
    let (catalog, mut writer) = Catalog::new(Encodings::PROTOBUF);
    writer.upsert_partner(partner("a", ""));
    assert!(writer.apply(Change::Partner(partner("b", ""))));
    assert!(!writer.apply(Change::Partner(partner("b", ""))));
    assert_eq!(catalog.snapshot().counts(), Counts::default());
    writer.publish();
    let before = catalog.snapshot();
    assert_eq!(before.counts(), Counts { partners: 2, ..Counts::default() });

    assert!(writer.apply(Change::Remove(Kind::Partner, b"a".to_vec())));
    assert!(!writer.apply(Change::Remove(Kind::Offer, b"a".to_vec())));
    writer.publish();
    assert!(before.partner("a").is_some() && catalog.snapshot().partner("a").is_none());
}

#[test]
fn publishing_nothing_new_keeps_the_snapshot() {
    let (catalog, mut writer) = Catalog::new(Encodings::PROTOBUF);
    writer.upsert_partner(partner("a", ""));
    let first = writer.publish();
    assert_eq!(writer.upsert_partner(partner("a", "")), Upserted::Unchanged);
    assert!(Arc::ptr_eq(&first, &writer.publish()) && Arc::ptr_eq(&first, &catalog.snapshot()));
}

/// Where a record's bytes lie.
fn address(snapshot: &Snapshot, id: &str) -> *const u8 {
    snapshot.partner(id).expect("it is there").encoded(crate::ticket::Format::Protobuf).as_ptr()
}

#[test]
fn a_replacement_shares_what_has_not_changed() {
    let (catalog, mut writer) = Catalog::new(Encodings::PROTOBUF);
    for id in ["kept", "changed", "gone"] {
        writer.upsert_partner(partner(id, "old"));
    }
    writer.publish();
    let before = catalog.snapshot();

    let mut replacement = writer.start_replacement();
    replacement.upsert(partner("kept", "old"));
    replacement.upsert(partner("changed", "new"));
    writer.replace(replacement);
    let after = catalog.snapshot();

    assert_eq!(address(&before, "kept"), address(&after, "kept"));
    assert_ne!(address(&before, "changed"), address(&after, "changed"));
    assert!(after.partner("gone").is_none() && before.partner("gone").is_some());
}

#[test]
fn a_record_with_other_encodings_is_not_taken_for_the_same() {
    let mut draft = Draft::new();
    let both = |encodings| Partner::build(&full_partner(), encodings).expect("it is valid");
    assert_eq!(draft.upsert(both(Encodings::JSON)), Upserted::Added);
    assert_eq!(draft.upsert(both(Encodings::BOTH)), Upserted::Replaced);
}

#[test]
fn a_change_copies_one_shard_and_shares_the_records() {
    let mut draft = Draft::new();
    for number in 0..10_000 {
        draft.upsert(partner(&format!("p{number}"), ""));
    }
    let before = draft.snapshot();
    draft.upsert(partner("p1", "new"));
    let after = draft.finish();
    assert_eq!(before.partner("p1").map(Record::digest), Some(partner("p1", "").digest()));
    assert!((2..10_000).map(|n| format!("p{n}")).all(|id| address(&before, &id) == address(&after, &id)));
}

#[test]
fn readers_see_whole_batches_while_the_writer_writes() {
    let (catalog, mut writer) = Catalog::new(Encodings::PROTOBUF);
    let is_done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (catalog, is_done) = (catalog.clone(), is_done.clone());
            thread::spawn(move || {
                let mut last = 0;
                while !is_done.load(Ordering::Acquire) {
                    let snapshot = catalog.snapshot();
                    // Records come in pairs, so a snapshot with an odd count would be half a batch.
                    let count = snapshot.counts().partners;
                    assert!(count % 2 == 0 && count >= last, "{count} after {last}");
                    assert_eq!(snapshot.partners().count(), count);
                    last = count;
                }
            })
        })
        .collect();
    for number in 0..500 {
        writer.upsert_partner(partner(&format!("a{number}"), ""));
        writer.upsert_partner(partner(&format!("b{number}"), ""));
        writer.publish();
    }
    is_done.store(true, Ordering::Release);
    for reader in readers {
        reader.join().expect("a reader saw only whole batches");
    }
    assert_eq!(catalog.snapshot().counts().partners, 1_000);
}

#[test]
fn a_reader_that_holds_a_snapshot_blocks_nobody_and_frees_nothing() {
    let (catalog, mut writer) = Catalog::new(Encodings::PROTOBUF);
    writer.upsert_partner(partner("a", ""));
    let held = writer.publish();
    let weak = Arc::downgrade(&held);
    writer.upsert_partner(partner("b", ""));
    writer.publish();
    assert_eq!((held.counts().partners, catalog.snapshot().counts().partners), (1, 2));
    drop(held);
    // The writer still holds it, so that the reader's drop was cheap.
    assert!(weak.upgrade().is_some());
    writer.reclaim();
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_removal_that_would_leave_the_record_it_means_is_refused() {
    let mut draft = Draft::new();
    draft.upsert(partner("a", "A"));
    for key in [&b"a"[..], b"b", b"\"b\"", b"\xff"] {
        assert_eq!(draft.check_removal(Kind::Partner, key), Ok(()), "{key:?}");
    }
    assert_eq!(draft.check_removal(Kind::Offer, b"\"a\""), Ok(()));
    for (key, how) in [
        (&b"\"a\""[..], "in JSON quotes"),
        (b"\0\0\0\0\x01a", "behind a Confluent frame"),
        (b"a\n", "with white space around it"),
    ] {
        let refused = draft.check_removal(Kind::Partner, key).expect_err("the record would stay");
        assert_eq!(refused.field(), Some("key"));
        assert!(refused.to_string().contains(&format!("which is `a` {how}, removes nothing")), "{refused}");
    }
}

#[test]
fn a_full_catalog_refuses_what_makes_it_grow_and_takes_the_rest() {
    let named = |id: &str, name: usize| {
        let message = v1::Partner { id: id.to_owned(), name: "x".repeat(name), ..Default::default() };
        Change::Partner(Partner::build(&message, Encodings::PROTOBUF).expect("the partner is valid"))
    };
    let mut draft = Draft::new();
    for id in ["a", "b", "c"] {
        assert!(draft.apply(named(id, 1_000)));
    }
    let bytes = draft.snapshot().bytes();
    // Each has 1,006 bytes of protobuf, and some for itself.
    assert!((3 * 1_006..3 * 1_200).contains(&bytes), "{bytes}");
    let full = Err(InvalidRecord::CatalogFull { limit: bytes });
    assert_eq!(draft.check_room(&named("d", 0), bytes), full);
    assert_eq!(draft.check_room(&named("a", 1_001), bytes), full);
    assert_eq!(draft.check_room(&named("a", 1_000), bytes), Ok(()));
    assert_eq!(draft.check_room(&Change::Remove(Kind::Partner, b"a".to_vec()), bytes), Ok(()));

    assert!(draft.apply(named("a", 10)));
    assert!(draft.remove(Kind::Partner, "b"));
    assert_eq!(draft.check_room(&named("d", 1_000), bytes), Ok(()));
    for id in ["a", "c"] {
        assert!(draft.remove(Kind::Partner, id));
    }
    assert_eq!(draft.snapshot().bytes(), 0);
}
