//! A map from id to record that shares what does not change.

use std::sync::Arc;

use hashbrown::{
    HashTable,
    hash_table::{Entry, IntoIter},
};
use xxhash_rust::xxh3::xxh3_64;

use super::Record;

/// A shard holds this many records on average before the table grows: changing one record of a table that a
/// snapshot shares copies one shard, 2 KB of pointers, and the list of shards.
const MAX_AVERAGE: usize = 256;

/// The table grows by this factor, so that shards are a quarter full at least.
const GROWTH: usize = 4;

type Shard<R> = HashTable<R>;

/// A map from id to record. A clone is two counted references; a change copies only what a clone still shares.
#[derive(Clone)]
pub(super) struct Table<R> {
    /// A power of two of them.
    shards: Arc<[Arc<Shard<R>>]>,
    len: usize,
    /// The memory of all records.
    bytes: usize,
}

/// What an upsert has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Upserted {
    /// The id is new.
    Added,
    /// Another record had the id.
    Replaced,
    /// The same record was there.
    Unchanged,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { shards: Arc::new([Arc::default()]), len: 0, bytes: 0 }
    }
}

impl<R: Record> Table<R> {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns about how much memory the records take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns by how many bytes a record would make the table grow.
    pub fn growth(&self, record: &R) -> usize {
        let there = self.get(record.id()).map_or(0, |there| there.stored().memory());
        record.stored().memory().saturating_sub(there)
    }

    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }

    pub fn get(&self, id: &str) -> Option<&R> {
        let hash = xxh3_64(id.as_bytes());
        self.shards[self.index(hash)].find(hash, |record| record.stored().id_bytes() == id.as_bytes())
    }

    pub fn upsert(&mut self, record: R) -> Upserted {
        let there = self.get(record.id());
        if there.is_some_and(|there| there.stored().is_same(record.stored())) {
            return Upserted::Unchanged;
        }
        if there.is_none() && self.len == self.shards.len() * MAX_AVERAGE {
            self.grow();
        }
        let hash = hash(&record);
        self.bytes += record.stored().memory();
        let same_id = |other: &R| other.stored().id_bytes() == record.stored().id_bytes();
        match self.shard_mut(hash).entry(hash, same_id, self::hash) {
            Entry::Occupied(mut entry) => {
                let old = std::mem::replace(entry.get_mut(), record);
                self.bytes -= old.stored().memory();
                Upserted::Replaced
            }
            Entry::Vacant(entry) => {
                entry.insert(record);
                self.len += 1;
                Upserted::Added
            }
        }
    }

    /// Removes a record; `false` if there was none.
    pub fn remove(&mut self, id: &str) -> bool {
        if self.get(id).is_none() {
            return false;
        }
        let hash = xxh3_64(id.as_bytes());
        let entry =
            self.shard_mut(hash).find_entry(hash, |record| record.stored().id_bytes() == id.as_bytes());
        let (old, _) = entry.map_err(|_| ()).expect("the record has just been found").remove();
        self.len -= 1;
        self.bytes -= old.stored().memory();
        true
    }

    /// Returns which shard a hash belongs to. hashbrown uses the highest and the lowest bits within a shard.
    fn index(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.shards.len() - 1)
    }

    fn shard_mut(&mut self, hash: u64) -> &mut Shard<R> {
        let index = self.index(hash);
        Arc::make_mut(&mut Arc::make_mut(&mut self.shards)[index])
    }

    fn grow(&mut self) {
        let count = self.shards.len() * GROWTH;
        let mut shards: Vec<Shard<R>> = Vec::new();
        shards.resize_with(count, || Shard::with_capacity(MAX_AVERAGE / GROWTH));
        let mut put = |record: R| {
            let hash = hash(&record);
            shards[(hash >> 32) as usize & (count - 1)].insert_unique(hash, record, self::hash);
        };
        match Arc::get_mut(&mut self.shards) {
            Some(own) => own.iter_mut().flat_map(|shard| take(shard)).for_each(&mut put),
            None => self.iter().cloned().for_each(&mut put),
        }
        self.shards = shards.into_iter().map(Arc::new).collect();
    }
}

/// Takes the records out of a shard, without a copy if nobody shares it.
fn take<R: Record>(shard: &mut Arc<Shard<R>>) -> IntoIter<R> {
    Arc::unwrap_or_clone(std::mem::take(shard)).into_iter()
}

fn hash<R: Record>(record: &R) -> u64 {
    xxh3_64(record.stored().id_bytes())
}
