//! The catalog from its compacted topics: restored to the end before the first ticket is routed, then followed live.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
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
/// Records that are read, decoded and published together, as far as they are at hand.
const MAX_AT_ONCE: usize = 4_000;
/// So few records are decoded sooner than a thread has started.
const MIN_FOR_A_THREAD: usize = 500;
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
        let consumer: BaseConsumer<Context> = clients::catalog_consumer(config)?
            .create_with_context(Context(Arc::clone(watch)))
            .map_err(|error| not_created("consumer", &error))?;
        watch.log_in(consumer.client())?;
        let topics = &config.catalog.topics;
        Ok(Self {
            consumer,
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
                if let Read::End(partition) = self.read()? {
                    unread.remove(&partition);
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
        let mut looked_up = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            self.read()?;
            self.writer.publish();
            if looked_up.elapsed() >= PARTITIONS_LOOKED_UP_EVERY {
                looked_up = Instant::now();
                self.assign_new_partitions(&mut positions);
            }
        }
        Ok(())
    }

    /// Takes in the records that are at hand, waiting for the first one, and says what came behind them.
    fn read(&mut self) -> Result<Read, FeedError> {
        let Self { consumer, topics, writer, limits, status, .. } = self;
        let mut messages = Vec::new();
        let read = loop {
            if messages.len() >= MAX_AT_ONCE {
                break Read::More;
            }
            let wait = if messages.is_empty() { POLL } else { Duration::ZERO };
            match consumer.poll(wait) {
                Some(Ok(message)) => messages.push(message),
                Some(Err(KafkaError::PartitionEOF(partition))) => break Read::End(partition),
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(FeedError::Poll(error));
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "polling the catalog failed, going on");
                    break Read::Nothing;
                }
                None => break Read::Nothing,
            }
        };
        let encodings = writer.catalog().encodings();
        let changes = decode(topics, &messages, limits, encodings);
        for (message, change) in messages.iter().zip(changes) {
            take(message, change, writer, status);
        }
        Ok(read)
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

/// What came behind the records that were read.
enum Read {
    /// There may be more.
    More,
    /// The end of this partition, for now.
    End(i32),
    Nothing,
}

/// Decodes records in their order, many of them on all processors: a large catalog is read much faster than it is decoded.
fn decode(
    topics: &[(Kind, String); 3],
    messages: &[BorrowedMessage<'_>],
    limits: &Limits,
    encodings: Encodings,
) -> Vec<Result<Change, Rejected>> {
    let decode_all = |part: &[BorrowedMessage<'_>]| -> Vec<_> {
        part.iter().map(|it| decode_one(topics, it, limits, encodings)).collect()
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let size = messages.len().div_ceil(processors).max(MIN_FOR_A_THREAD);
    if messages.len() <= size {
        return decode_all(messages);
    }
    thread::scope(|scope| {
        let (own, others) = messages.split_at(size);
        let others: Vec<_> = others.chunks(size).map(|part| scope.spawn(|| decode_all(part))).collect();
        let mut changes = decode_all(own);
        for other in others {
            changes.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        changes
    })
}

fn take(
    message: &BorrowedMessage<'_>,
    change: Result<Change, Rejected>,
    writer: &mut CatalogWriter,
    status: &FeedStatus,
) {
    match change {
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

fn decode_one(
    topics: &[(Kind, String); 3],
    message: &BorrowedMessage<'_>,
    limits: &Limits,
    encodings: Encodings,
) -> Result<Change, Rejected> {
    let (kind, _) = topics
        .iter()
        .find(|(_, topic)| topic == message.topic())
        .expect("only the catalog's topics are assigned");
    let content_type = incoming_headers(message.headers())
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))
        .last()
        .and_then(|(_, value)| value);
    let payload = match message.payload() {
        None => None,
        value => Some(Payload::of(content_type, value, limits)?),
    };
    Ok(Change::read(*kind, message.key(), payload, encodings)?)
}
