//! The catalog's topics as the brokers have them: which ones they are, and what of them cannot be seen yet.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    client::Client, error::RDKafkaErrorCode, topic_partition_list::Offset,
    topic_partition_list::TopicPartitionList,
};

use crate::{
    catalog::Kind,
    config::Config,
    kafka::{
        context::Context,
        error::is_missing_topic,
        ffi::topics::{Described, Isolation, describe, ends},
        topics::one_partition,
    },
    repeats::Repeats,
};

/// Timeout of a request while the catalog is followed. Changes of the catalog wait meanwhile.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// The brokers' first answer may take longer.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Within this time every broker knows a new topic.
const SPREADS_WITHIN: Duration = Duration::from_secs(1);
const PAUSE_BETWEEN_LOOKS: Duration = Duration::from_millis(100);

static UNFIT: Repeats = Repeats::new();
static HIDDEN: Repeats = Repeats::new();

/// Why a topic cannot hold a part of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It does not exist.
    #[error("catalog topic `{0}` does not exist; run `ticket-router topics create`, or correct its name")]
    Missing(String),
    /// It has several partitions, so the newer of two records of a key is unknown.
    #[error("{}; {}", one_partition(topic, *partitions).0, one_partition(topic, *partitions).1)]
    Partitions {
        /// Its name.
        topic: String,
        /// How many it has.
        partitions: usize,
    },
    /// It is not shown to us.
    #[error("cannot read catalog topic `{topic}`: {code}; grant this user the right READ on it")]
    Hidden {
        /// Its name.
        topic: String,
        /// What the broker says.
        code: RDKafkaErrorCode,
    },
}

/// One topic of the catalog.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Which topic of that name it was when it was read from its beginning.
    pub(super) id: u128,
    /// Where to go on reading.
    pub(super) next: Offset,
}

impl Topic {
    pub(super) fn of(config: &Config) -> [Self; 3] {
        let topics = &config.catalog.topics;
        [
            (Kind::Offer, &topics.offers),
            (Kind::Publisher, &topics.publishers),
            (Kind::Partner, &topics.partners),
        ]
        .map(|(kind, name)| Self { kind, name: name.clone(), id: 0, next: Offset::Beginning })
    }
}

/// Lists the only partitions of topics, each with where to go on reading.
pub(super) fn list<'t>(topics: impl IntoIterator<Item = &'t Topic>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for topic in topics {
        list.add_partition_offset(&topic.name, 0, topic.next)
            .expect("beginnings and positions are valid offsets");
    }
    list
}

/// Finds out which topics these are; each is fit or not for a reason of its own.
pub(super) fn look<'t>(
    client: &Client<Context>,
    topics: impl IntoIterator<Item = &'t Topic>,
) -> Result<Vec<Result<u128, Unfit>>, RDKafkaErrorCode> {
    ask(client, &names(topics), ASK_TIMEOUT)
}

/// The same before the topics are read; a topic that is not there is looked for once more, a little later.
pub(super) fn look_first<'t>(
    client: &Client<Context>,
    topics: impl IntoIterator<Item = &'t Topic>,
) -> Result<Vec<Result<u128, Unfit>>, RDKafkaErrorCode> {
    let names = names(topics);
    let started = Instant::now();
    loop {
        let found = ask(client, &names, FIRST_ANSWER_TIMEOUT)?;
        let is_missing = found.iter().any(|it| matches!(it, Err(Unfit::Missing(_))));
        if !is_missing || started.elapsed() >= SPREADS_WITHIN {
            return Ok(found);
        }
        thread::sleep(PAUSE_BETWEEN_LOOKS);
    }
}

fn names<'t>(topics: impl IntoIterator<Item = &'t Topic>) -> Vec<&'t str> {
    topics.into_iter().map(|topic| topic.name.as_str()).collect()
}

fn ask(
    client: &Client<Context>,
    names: &[&str],
    timeout: Duration,
) -> Result<Vec<Result<u128, Unfit>>, RDKafkaErrorCode> {
    let found = describe(client, names, timeout)?;
    Ok(names.iter().zip(found).map(|(name, found)| fit(name, found)).collect())
}

fn fit(name: &str, found: Result<Described, RDKafkaErrorCode>) -> Result<u128, Unfit> {
    let topic = name.to_owned();
    match found {
        Ok(Described { id, partitions: 1 }) => Ok(id),
        Ok(Described { partitions, .. }) => Err(Unfit::Partitions { topic, partitions }),
        Err(code) if is_missing_topic(code) => Err(Unfit::Missing(topic)),
        Err(code) => Err(Unfit::Hidden { topic, code }),
    }
}

/// Records of a topic that belong to a transaction that is still open: no consumer of committed records sees
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The topic.
    pub topic: String,
    /// How many offsets they, and all that was written after them, take.
    pub offsets: i64,
}

/// Asks which topics hold records that cannot be seen yet.
///
/// For a consumer of committed records a log ends before its first open transaction, so the ends are asked
/// for twice. The real ones come first: what is written between the two questions makes no difference.
pub(super) fn open<'t>(
    client: &Client<Context>,
    topics: impl IntoIterator<Item = &'t Topic>,
) -> Result<Vec<Open>, RDKafkaErrorCode> {
    let names = names(topics);
    let all = ends(client, &names, Isolation::ReadUncommitted, ASK_TIMEOUT)?;
    let visible = ends(client, &names, Isolation::ReadCommitted, ASK_TIMEOUT)?;
    let hidden = names.iter().zip(all.iter().zip(&visible)).filter(|(_, (all, visible))| visible < all);
    Ok(hidden
        .map(|(name, (all, visible))| Open { topic: (*name).to_owned(), offsets: all - visible })
        .collect())
}

pub(super) fn log_unfit(unfit: &Unfit) {
    if let Some(left_out) = UNFIT.admit() {
        tracing::error!(
            code = "CATALOG_TOPIC",
            left_out,
            "{unfit}; until then the router decides with the catalog as it was"
        );
    }
}

pub(super) fn log_open(open: &Open) {
    if let Some(left_out) = HIDDEN.admit() {
        tracing::warn!(
            code = "CATALOG_HIDDEN",
            topic = open.topic,
            offsets = open.offsets,
            left_out,
            "an open transaction hides records of a catalog topic: end it, or wait until Kafka aborts it"
        );
    }
}
