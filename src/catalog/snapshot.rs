//! An immutable set of records, and the way to make one.

use std::sync::LazyLock;

use super::{
    Change, InvalidRecord, Kind, Offer, Partner, Publisher, Quoted, Record, Upserted,
    key::{Disguised, disguised},
    table::Table,
};

/// How many records of each kind there are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Offers.
    pub offers: usize,
    /// Publishers.
    pub publishers: usize,
    /// Partners.
    pub partners: usize,
}

impl Counts {
    /// Returns the count of one kind.
    #[must_use]
    pub const fn of(&self, kind: Kind) -> usize {
        match kind {
            Kind::Offer => self.offers,
            Kind::Publisher => self.publishers,
            Kind::Partner => self.partners,
        }
    }
}

/// The catalog as it was at one moment. Cheap to clone: six counted references at most.
#[derive(Clone, Default)]
pub struct Snapshot {
    offers: Table<Offer>,
    publishers: Table<Publisher>,
    partners: Table<Partner>,
}

impl Snapshot {
    /// Returns the offer with this id.
    #[must_use]
    pub fn offer(&self, id: &str) -> Option<&Offer> {
        self.offers.get(id)
    }

    /// Returns the publisher with this id.
    #[must_use]
    pub fn publisher(&self, id: &str) -> Option<&Publisher> {
        self.publishers.get(id)
    }

    /// Returns the partner with this id.
    #[must_use]
    pub fn partner(&self, id: &str) -> Option<&Partner> {
        self.partners.get(id)
    }

    /// Iterates over all offers, in no particular order.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter()
    }

    /// Iterates over all publishers, in no particular order.
    pub fn publishers(&self) -> impl Iterator<Item = &Publisher> {
        self.publishers.iter()
    }

    /// Iterates over all partners, in no particular order.
    pub fn partners(&self) -> impl Iterator<Item = &Partner> {
        self.partners.iter()
    }

    /// Returns about how much memory the records take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.offers.bytes() + self.publishers.bytes() + self.partners.bytes()
    }

    /// Returns how many records there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { offers: self.offers.len(), publishers: self.publishers.len(), partners: self.partners.len() }
    }
}

static EMPTY: LazyLock<Snapshot> = LazyLock::new(Snapshot::default);

/// A snapshot in the making: from nothing, or from another one that it shares all unchanged records with.
#[derive(Clone, Default)]
pub struct Draft {
    snapshot: Snapshot,
    /// Records that are equal to one of these are taken from here.
    known: Option<Snapshot>,
}

impl Draft {
    /// Starts from nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts from nothing, to replace `known`: a record that is there already is shared, not held twice.
    #[must_use]
    pub fn to_replace(known: &Snapshot) -> Self {
        Self { snapshot: Snapshot::default(), known: Some(known.clone()) }
    }

    /// Starts from all records of a snapshot.
    #[must_use]
    pub fn from_snapshot(snapshot: &Snapshot) -> Self {
        Self { snapshot: snapshot.clone(), known: None }
    }

    /// Adds or replaces a record.
    pub fn upsert<R: Record + Stocked>(&mut self, record: R) -> Upserted {
        let known = R::table(self.known.as_ref().unwrap_or(&EMPTY)).get(record.id());
        let record = match known.filter(|known| known.stored().is_same(record.stored())) {
            Some(known) => known.clone(),
            None => record,
        };
        R::table_mut(&mut self.snapshot).upsert(record)
    }

    /// Says whether there is a record of this kind and id.
    #[must_use]
    pub fn contains(&self, kind: Kind, id: &str) -> bool {
        match kind {
            Kind::Offer => self.snapshot.offer(id).is_some(),
            Kind::Publisher => self.snapshot.publisher(id).is_some(),
            Kind::Partner => self.snapshot.partner(id).is_some(),
        }
    }

    /// Looks whether a removal removes what it is meant to.
    ///
    /// # Errors
    /// The key is no id, and stands for one in another form: the record of that id would stay.
    pub fn check_removal(&self, kind: Kind, key: &[u8]) -> Result<(), InvalidRecord> {
        if std::str::from_utf8(key).is_ok_and(|id| self.contains(kind, id)) {
            return Ok(());
        }
        match disguised(key).into_iter().find(|form| self.contains(kind, &form.id)) {
            None => Ok(()),
            Some(Disguised { how, id }) => Err(InvalidRecord::RemovalKey {
                key: Quoted(&String::from_utf8_lossy(key)).to_string(),
                id: Quoted(&id).to_string(),
                how,
            }),
        }
    }

    /// Checks that a change leaves the records within a limit, in bytes.
    ///
    /// # Errors
    /// The change adds more than there is room for.
    pub fn check_room(&self, change: &Change, limit: usize) -> Result<(), InvalidRecord> {
        let growth = match change {
            Change::Offer(offer) => self.snapshot.offers.growth(offer),
            Change::Publisher(publisher) => self.snapshot.publishers.growth(publisher),
            Change::Partner(partner) => self.snapshot.partners.growth(partner),
            Change::Remove(..) => 0,
        };
        if growth > 0 && self.snapshot.bytes() + growth > limit {
            return Err(InvalidRecord::CatalogFull { limit });
        }
        Ok(())
    }

    /// Removes a record; `false` if there was none.
    pub fn remove(&mut self, kind: Kind, id: &str) -> bool {
        match kind {
            Kind::Offer => self.snapshot.offers.remove(id),
            Kind::Publisher => self.snapshot.publishers.remove(id),
            Kind::Partner => self.snapshot.partners.remove(id),
        }
    }

    /// Makes one change; `false` if it changes nothing.
    pub fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Offer(offer) => self.upsert(offer) != Upserted::Unchanged,
            Change::Publisher(publisher) => self.upsert(publisher) != Upserted::Unchanged,
            Change::Partner(partner) => self.upsert(partner) != Upserted::Unchanged,
            Change::Remove(kind, key) => std::str::from_utf8(&key).is_ok_and(|id| self.remove(kind, id)),
        }
    }

    /// Takes the place of all records of one kind with those of another draft.
    pub fn replace_kind(&mut self, kind: Kind, with: &Self) {
        match kind {
            Kind::Offer => self.snapshot.offers = with.snapshot.offers.clone(),
            Kind::Publisher => self.snapshot.publishers = with.snapshot.publishers.clone(),
            Kind::Partner => self.snapshot.partners = with.snapshot.partners.clone(),
        }
    }

    /// Returns the records so far. Cheap: later changes copy what the returned snapshot shares.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.clone()
    }

    /// Ends the making.
    #[must_use]
    pub fn finish(self) -> Snapshot {
        self.snapshot
    }
}

/// A kind of record that a snapshot has a table of.
pub trait Stocked: Sized {
    #[expect(private_interfaces, reason = "nobody outside can name or use the table")]
    #[doc(hidden)]
    fn table(snapshot: &Snapshot) -> &Table<Self>;

    #[expect(private_interfaces, reason = "nobody outside can name or use the table")]
    #[doc(hidden)]
    fn table_mut(snapshot: &mut Snapshot) -> &mut Table<Self>;
}

macro_rules! stocked {
    ($record:ty, $table:ident) => {
        impl Stocked for $record {
            #[expect(private_interfaces, reason = "nobody outside can name or use the table")]
            fn table(snapshot: &Snapshot) -> &Table<Self> {
                &snapshot.$table
            }

            #[expect(private_interfaces, reason = "nobody outside can name or use the table")]
            fn table_mut(snapshot: &mut Snapshot) -> &mut Table<Self> {
                &mut snapshot.$table
            }
        }
    };
}

stocked!(Offer, offers);
stocked!(Publisher, publishers);
stocked!(Partner, partners);
