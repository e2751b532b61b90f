//! The catalog from its compacted topics: restored to the end before the first ticket is routed, then followed live.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Message},
    topic_partition_list::Offset,
};

use super::{
    check::not_created,
    clients::{self, ClientRefused},
    context::{Context, Watch},
    ffi::incoming_headers,
};
use crate::{
    catalog::{CatalogWriter, Change, Encodings, InvalidRecord, Kind, Snapshot},
    config::Config,
    ticket::{BadRecord, Limits, Payload, quote},
};

const POLL: Duration = Duration::from_millis(100);
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether a topic has got more partitions.
const PARTITIONS_LOOKED_UP_EVERY: Duration = Duration::from_secs(60);
/// Changes are published together: when the topics are drained for now, or when this many have come.
const MAX_UNPUBLISHED: u32 = 10_000;
/// So many bad records are logged one by one; all are counted.
const LOGGED_REJECTIONS: u64 = 20;

/// How the catalog is.
#[derive(Debug, Default)]
pub struct FeedStatus {
    is_restored: AtomicBool,
    applied: AtomicU64,
    rejected: AtomicU64,
}

impl FeedStatus {
    /// Whether every record that the topics held at the start is in the catalog.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        self.is_restored.load(Ordering::Acquire)
    }

    /// Records read and taken in.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    /// Records that were bad: the last good one of the same key stayed.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Notes that the catalog is complete.
    pub fn restored(&self) {
        self.is_restored.store(true, Ordering::Release);
    }
}

/// The feed ended.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The topics' partitions could not be found out, or not be assigned.
    #[error("the catalog topics cannot be read")]
    Assign(#[source] KafkaError),
    /// The consumer is lost.
    #[error("reading the catalog failed for good")]
    Poll(#[source] KafkaError),
}

/// Reads the catalog's topics into the catalog.
pub struct Feed {
    /// Belongs to no group and reports the end of a partition.
    consumer: BaseConsumer<Context>,
    topics: [(Kind, String); 3],
    writer: CatalogWriter,
    limits: Limits,
    status: Arc<FeedStatus>,
    stop: Arc<AtomicBool>,
}

impl Feed {
    /// Makes the feed of the config's topics, which reports to `status` and ends when `stop` is set.
    ///
    /// # Errors
    ///
    /// The settings are refused.
    pub fn new(
        config: &Config,
        writer: CatalogWriter,
        watch: &Arc<Watch>,
        status: &Arc<FeedStatus>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, ClientRefused> {
        let client = clients::catalog_consumer(config)?;
        let topics = &config.catalog.topics;
        Ok(Self {
            consumer: client
                .create_with_context(Context(Arc::clone(watch)))
                .map_err(|error| not_created("consumer", &error))?,
            topics: [
                (Kind::Offer, topics.offers.clone()),
                (Kind::Publisher, topics.publishers.clone()),
                (Kind::Partner, topics.partners.clone()),
            ],
            writer,
            limits: Limits::default(),
            status: Arc::clone(status),
            stop: Arc::clone(stop),
        })
    }

    /// Restores the catalog, then follows its topics until told to stop.
    ///
    /// # Errors
    ///
    /// The topics cannot be read.
    pub fn run(mut self) -> Result<(), FeedError> {
        let mut positions = Positions::new();
        if self.restore(&mut positions)? {
            self.follow(positions)?;
        }
        Ok(())
    }

    /// Restores the catalog and returns it, without following.
    ///
    /// # Errors
    ///
    /// The topics cannot be read.
    pub fn restore_once(mut self) -> Result<Arc<Snapshot>, FeedError> {
        self.restore(&mut Positions::new())?;
        Ok(self.writer.catalog().snapshot())
    }

    /// Reads each topic to its end; `false` if told to stop meanwhile.
    ///
    /// One topic after the other, since the end of a partition is reported without its topic. Offsets would not do: behind a partition's last
    /// record there may be transaction markers, which are never delivered.
    fn restore(&mut self, positions: &mut Positions) -> Result<bool, FeedError> {
        let started = Instant::now();
        for topic in self.topics.clone().map(|(_, topic)| topic) {
            let partitions = self.partitions(&topic).map_err(FeedError::Assign)?;
            let mut unread: BTreeSet<i32> = partitions.iter().copied().collect();
            positions.extend(partitions.into_iter().map(|it| ((topic.clone(), it), Offset::Beginning)));
            self.consumer
                .assign(&list(positions.iter().filter(|((name, _), _)| *name == topic)))
                .map_err(FeedError::Assign)?;
            while !unread.is_empty() {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(false);
                }
                match self.poll(POLL)? {
                    Read::End(partition) => _ = unread.remove(&partition),
                    Read::Record | Read::Nothing => {}
                }
            }
            let reached = self.consumer.position().map_err(FeedError::Assign)?;
            for element in reached.elements().iter().filter(|it| matches!(it.offset(), Offset::Offset(_))) {
                positions.insert((topic.clone(), element.partition()), element.offset());
            }
        }
        self.writer.publish();
        let counts = self.writer.catalog().snapshot().counts();
        tracing::info!(
            offers = counts.offers,
            publishers = counts.publishers,
            partners = counts.partners,
            rejected = self.status.rejected(),
            took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "catalog restored"
        );
        self.status.restored();
        Ok(true)
    }

    fn follow(&mut self, mut positions: Positions) -> Result<(), FeedError> {
        self.consumer.assign(&list(positions.iter())).map_err(FeedError::Assign)?;
        let mut unpublished = 0;
        let mut looked_up = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            let wait = if unpublished == 0 { POLL } else { Duration::ZERO };
            match self.poll(wait)? {
                Read::Record => unpublished += 1,
                Read::Nothing | Read::End(_) => {
                    self.writer.publish();
                    unpublished = 0;
                }
            }
            if unpublished >= MAX_UNPUBLISHED {
                self.writer.publish();
                unpublished = 0;
            }
            if looked_up.elapsed() >= PARTITIONS_LOOKED_UP_EVERY {
                looked_up = Instant::now();
                self.assign_new_partitions(&mut positions);
            }
        }
        Ok(())
    }

    fn poll(&mut self, wait: Duration) -> Result<Read, FeedError> {
        // The message borrows the consumer, and taking it in changes the writer beside it.
        let Self { consumer, topics, writer, limits, status, .. } = self;
        match consumer.poll(wait) {
            Some(Ok(message)) => {
                take(topics, &message, limits, writer, status);
                Ok(Read::Record)
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Read::End(partition)),
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => Err(FeedError::Poll(error)),
            Some(Err(error)) => {
                tracing::warn!(%error, "polling the catalog failed, going on");
                Ok(Read::Nothing)
            }
            None => Ok(Read::Nothing),
        }
    }

    fn partitions(&self, topic: &str) -> Result<Vec<i32>, KafkaError> {
        let metadata = self.consumer.fetch_metadata(Some(topic), METADATA_TIMEOUT)?;
        Ok(metadata.topics().iter().flat_map(|it| it.partitions()).map(|it| it.id()).collect())
    }

    fn assign_new_partitions(&self, positions: &mut Positions) {
        for (_, topic) in &self.topics {
            let found = match self.partitions(topic) {
                Ok(found) => found,
                Err(error) => {
                    return tracing::warn!(%error, topic, "could not look for new partitions of the catalog");
                }
            };
            let new: Positions = found
                .into_iter()
                .map(|partition| (topic.clone(), partition))
                .filter(|it| !positions.contains_key(it))
                .map(|it| (it, Offset::Beginning))
                .collect();
            if new.is_empty() {
                continue;
            }
            tracing::info!(topic, partitions = new.len(), "a catalog topic has new partitions");
            match self.consumer.incremental_assign(&list(new.iter())) {
                Ok(()) => positions.extend(new),
                Err(error) => tracing::error!(%error, topic, "new partitions of the catalog cannot be read"),
            }
        }
    }
}

/// Where to go on reading, by topic and partition.
type Positions = BTreeMap<(String, i32), Offset>;

fn list<'p>(positions: impl Iterator<Item = (&'p (String, i32), &'p Offset)>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in positions {
        list.add_partition_offset(topic, *partition, *offset)
            .expect("beginnings and positions are valid offsets");
    }
    list
}

/// What came of a poll.
enum Read {
    Record,
    /// The partition is read to its end, for now.
    End(i32),
    Nothing,
}

fn take(
    topics: &[(Kind, String); 3],
    message: &BorrowedMessage<'_>,
    limits: &Limits,
    writer: &mut CatalogWriter,
    status: &FeedStatus,
) {
    let Some((kind, _)) = topics.iter().find(|(_, topic)| topic == message.topic()) else { return };
    match read(*kind, message, limits, writer.catalog().encodings()) {
        Ok(change) => {
            writer.apply(change);
            status.applied.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => {
            let rejected = status.rejected.fetch_add(1, Ordering::Relaxed) + 1;
            if rejected <= LOGGED_REJECTIONS {
                tracing::warn!(
                    topic = message.topic(),
                    partition = message.partition(),
                    offset = message.offset(),
                    key = message.key().map(|key| quote(&String::from_utf8_lossy(key))),
                    %error,
                    "a bad catalog record is skipped, the last good one stays"
                );
            }
            if rejected == LOGGED_REJECTIONS {
                tracing::warn!("further bad catalog records are counted, not logged");
            }
        }
    }
}

/// What is wrong with a record of a catalog topic.
#[derive(Debug, thiserror::Error)]
enum Rejected {
    #[error(transparent)]
    Value(#[from] BadRecord),
    #[error(transparent)]
    Record(#[from] InvalidRecord),
}

fn read(
    kind: Kind,
    message: &BorrowedMessage<'_>,
    limits: &Limits,
    encodings: Encodings,
) -> Result<Change, Rejected> {
    let content_type = incoming_headers(message.headers())
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))
        .last()
        .and_then(|(_, value)| value);
    let payload = match message.payload() {
        None => None,
        value => Some(Payload::of(content_type, value, limits)?),
    };
    Ok(Change::read(kind, message.key(), payload, encodings)?)
}
