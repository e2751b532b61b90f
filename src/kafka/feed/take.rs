//! One record of a catalog topic, taken in or reported.

use rdkafka::message::{BorrowedMessage, Message};

use super::{
    FeedStatus,
    bad::{BadKeys, BadRecord},
    decode::Rejected,
    topics::Topic,
};
use crate::{
    catalog::{CatalogWriter, Change, Draft, Kind},
    repeats::Repeats,
    ticket::quote,
};

/// This number of bad records is logged one by one; all are counted.
const LOGGED_REJECTIONS: u64 = 20;

static REMOVED_NOTHING: Repeats = Repeats::new();

/// What records are taken into.
pub(super) struct Target<'f> {
    pub(super) writer: &'f mut CatalogWriter,
    pub(super) replacement: Option<&'f mut Draft>,
    pub(super) bad: &'f mut BadKeys,
    pub(super) listed: Option<&'f mut Vec<BadRecord>>,
    pub(super) status: &'f FeedStatus,
    /// The most memory that the records may take, in bytes.
    pub(super) max_bytes: usize,
}

impl Target<'_> {
    pub(super) fn take(
        &mut self,
        kind: Kind,
        message: &BorrowedMessage<'_>,
        change: Result<Change, Rejected>,
    ) {
        let change = change.and_then(|change| {
            self.check(&change)?;
            Ok(change)
        });
        match change {
            Ok(change) => {
                let is_removal = matches!(change, Change::Remove(..));
                let was_bad = self.bad.good(kind, message.key());
                let has_changed = self.apply(change);
                if is_removal && !has_changed && !was_bad && self.replacement.is_none() {
                    log_removal(message);
                }
                self.status.apply();
            }
            Err(error) => self.refuse(kind, message, &error),
        }
        if self.replacement.is_none() {
            self.status.bad(kind, self.bad.count(kind));
        }
    }

    fn check(&self, change: &Change) -> Result<(), Rejected> {
        let draft = self.replacement.as_deref().unwrap_or(self.writer.draft());
        Ok(match change {
            Change::Remove(kind, key) => draft.check_removal(*kind, key),
            _ => draft.check_room(change, self.max_bytes),
        }?)
    }

    fn apply(&mut self, change: Change) -> bool {
        match &mut self.replacement {
            Some(draft) => draft.apply(change),
            None => self.writer.apply(change),
        }
    }

    #[cold]
    fn refuse(&mut self, kind: Kind, message: &BorrowedMessage<'_>, error: &Rejected) {
        self.bad.bad(kind, message.key(), message.offset());
        self.status.skip(kind);
        if let Some(listed) = &mut self.listed {
            listed.push(BadRecord {
                kind,
                topic: message.topic().to_owned(),
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(<[u8]>::to_owned),
                problem: error.to_string(),
            });
        }
        let rejected = self.status.rejected();
        if rejected <= LOGGED_REJECTIONS {
            tracing::warn!(
                code = "CATALOG_RECORD",
                topic = message.topic(),
                partition = message.partition(),
                offset = message.offset(),
                key = quoted_key(message),
                %error,
                "a bad catalog record is skipped, the last good one stays"
            );
        }
        if rejected == LOGGED_REJECTIONS {
            tracing::warn!(
                code = "CATALOG_RECORD",
                "further bad catalog records are counted, not logged; `ticket-router catalog check --config FILE` lists them all"
            );
        }
    }
}

fn log_removal(message: &BorrowedMessage<'_>) {
    if let Some(left_out) = REMOVED_NOTHING.admit() {
        tracing::info!(
            topic = message.topic(),
            offset = message.offset(),
            key = quoted_key(message),
            left_out,
            "a null value removes nothing: the catalog has no record with this key"
        );
    }
}

pub(super) fn quoted_key(message: &BorrowedMessage<'_>) -> Option<String> {
    message.key().map(|key| quote(&String::from_utf8_lossy(key)))
}

pub(super) fn kind_of(topics: &[Topic], message: &BorrowedMessage<'_>) -> Kind {
    let found = topics.iter().find(|topic| topic.name == message.topic());
    found.expect("only the catalog's topics are assigned").kind
}
