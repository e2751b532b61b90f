//! The live catalog: many readers that never wait, one writer.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Change, Draft, Encodings, Kind, Offer, Partner, Snapshot, Upserted};

/// The readers' side. Cheap to clone: a counted reference.
#[derive(Clone)]
pub struct Catalog {
    current: Arc<ArcSwap<Snapshot>>,
    encodings: Encodings,
}

/// The writer's side: collects changes and publishes them together. There is one for each catalog.
pub struct CatalogWriter {
    catalog: Catalog,
    draft: Draft,
    has_changes: bool,
    /// Snapshots that a reader may still hold. The last owner frees what only they have, up to the whole catalog
    /// after a replace; kept here, that is never a reader.
    retired: Vec<Arc<Snapshot>>,
}

impl Catalog {
    /// Makes an empty catalog and its only writer.
    #[must_use]
    pub fn new(encodings: Encodings) -> (Self, CatalogWriter) {
        let current = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let catalog = Self { current, encodings };
        let writer = CatalogWriter {
            catalog: catalog.clone(),
            draft: Draft::new(),
            has_changes: false,
            retired: Vec::new(),
        };
        (catalog, writer)
    }

    /// Returns what was last published. Never waits; take it once a batch, and drop it with the batch.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Returns which encodings the records of this catalog are to have.
    #[must_use]
    pub fn encodings(&self) -> Encodings {
        self.encodings
    }
}

impl CatalogWriter {
    /// Returns the readers' side.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Adds or replaces an offer; nothing if the same one is there.
    pub fn upsert_offer(&mut self, offer: Offer) -> Upserted {
        let upserted = self.draft.upsert(offer);
        self.note(upserted)
    }

    /// Adds or replaces a partner; nothing if the same one is there.
    pub fn upsert_partner(&mut self, partner: Partner) -> Upserted {
        let upserted = self.draft.upsert(partner);
        self.note(upserted)
    }

    /// Removes a record; `false` if there was none.
    pub fn remove(&mut self, kind: Kind, id: &str) -> bool {
        let is_removed = self.draft.remove(kind, id);
        self.has_changes |= is_removed;
        is_removed
    }

    /// Makes one change; `false` if it changes nothing.
    pub fn apply(&mut self, change: Change) -> bool {
        let is_changed = self.draft.apply(change);
        self.has_changes |= is_changed;
        is_changed
    }

    /// Starts a full reload: records equal to those of today will be shared, not held twice.
    #[must_use]
    pub fn start_replacement(&self) -> Draft {
        Draft::to_replace(&self.draft.snapshot())
    }

    /// Takes the place of all records, published or not, and publishes.
    pub fn replace(&mut self, replacement: Draft) -> Arc<Snapshot> {
        self.replace_with(&replacement.finish())
    }

    /// Takes the place of all records with those of a snapshot made elsewhere, and publishes.
    pub fn replace_with(&mut self, snapshot: &Snapshot) -> Arc<Snapshot> {
        self.draft = Draft::from_snapshot(snapshot);
        self.has_changes = true;
        self.publish()
    }

    /// Takes the place of all records of one kind, published or not, without publishing.
    pub fn replace_kind(&mut self, kind: Kind, with: &Draft) {
        self.draft.replace_kind(kind, with);
        self.has_changes = true;
    }

    /// Returns the records, changes that are not published included.
    #[must_use]
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Lets readers see all changes since the last time, at once. Does nothing if there are none.
    pub fn publish(&mut self) -> Arc<Snapshot> {
        if self.has_changes {
            let old = self.catalog.current.swap(Arc::new(self.draft.snapshot()));
            self.retired.push(old);
            self.has_changes = false;
        }
        self.reclaim();
        self.catalog.snapshot()
    }

    /// Frees old snapshots that no reader holds any more. [`publish`](Self::publish) does it too; call it from
    /// time to time while nothing changes.
    pub fn reclaim(&mut self) {
        self.retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
    }

    fn note(&mut self, upserted: Upserted) -> Upserted {
        self.has_changes |= upserted != Upserted::Unchanged;
        upserted
    }
}
