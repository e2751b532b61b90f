//! The catalog from its compacted topics: restored to the end before the first ticket is routed, then followed live.

mod decode;
mod status;

pub use status::FeedStatus;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Message},
    topic_partition_list::Offset,
};

use self::decode::{Rejected, decode};
use super::{
    check::not_created,
    clients::{self, ClientRefused},
    context::{Context, Watch},
    token::{StaysLoggedIn, keep_logged_in},
};
use crate::{
    catalog::{CatalogWriter, Change, Kind, Snapshot},
    config::Config,
    telemetry::Repeats,
    ticket::{Limits, quote},
};

const POLL: Duration = Duration::from_millis(100);
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether a topic has got more partitions.
const PARTITIONS_LOOKED_UP_EVERY: Duration = Duration::from_secs(60);
/// Records that are read, decoded and published together, as far as they are at hand.
const MAX_AT_ONCE: usize = 4_000;
/// How often the brokers are asked where the topics end.
const END_LOOKED_UP_EVERY: Duration = Duration::from_secs(5);
/// How long one of them may take to answer: what changes in the catalog waits meanwhile.
const END_TIMEOUT: Duration = Duration::from_secs(1);
/// So many bad records are logged one by one; all are counted.
const LOGGED_REJECTIONS: u64 = 20;

static POLL_FAILED: Repeats = Repeats::new();

/// The feed ended.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The topics' partitions could not be found out, or not be assigned.
    #[error("the catalog topics cannot be read")]
    Assign(#[source] KafkaError),
    /// The consumer is lost.
    #[error("reading the catalog failed for good")]
    Poll(#[source] KafkaError),
    /// The consumer that follows could not be made.
    #[error(transparent)]
    Client(#[from] ClientRefused),
}

/// Reads the catalog's topics into the catalog.
pub struct Feed {
    /// Belongs to no group and reports the end of a partition.
    consumer: Arc<BaseConsumer<Context>>,
    login: StaysLoggedIn,
    /// The settings of the consumer that follows.
    following: ClientConfig,
    watch: Arc<Watch>,
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
        let following = clients::catalog_consumer(config)?;
        let mut restoring = following.clone();
        // The end of a topic is the answer that holds no record, and tickets wait for it.
        restoring.set("fetch.wait.max.ms", "10");
        let topics = &config.catalog.topics;
        let (login, consumer) = connect(&restoring, watch)?;
        Ok(Self {
            consumer,
            login,
            following,
            watch: Arc::clone(watch),
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
        self.status.current(Instant::now());
        self.status.restored(started.elapsed());
        Ok(true)
    }

    fn follow(&mut self, mut positions: Positions) -> Result<(), FeedError> {
        (self.login, self.consumer) = connect(&self.following, &self.watch)?;
        self.consumer.assign(&list(positions.iter())).map_err(FeedError::Assign)?;
        let mut looked_up = Instant::now();
        let mut asked = Asked::new();
        while !self.stop.load(Ordering::Relaxed) {
            let read = self.read()?;
            self.writer.publish();
            if matches!(read, Read::Nothing | Read::End(_)) {
                self.note_current(&positions, &mut asked);
            }
            if looked_up.elapsed() >= PARTITIONS_LOOKED_UP_EVERY {
                looked_up = Instant::now();
                self.assign_new_partitions(&mut positions);
            }
        }
        Ok(())
    }

    /// Notes that the catalog is current, if all brokers have said where its topics end, and nothing has come since.
    ///
    /// That nothing comes is no sign by itself: nothing comes from a broker that is down, either.
    fn note_current(&self, positions: &Positions, asked: &mut Asked) {
        if let Some(at) = asked.answered.take() {
            self.status.current(at);
        }
        if asked.at.elapsed() < END_LOOKED_UP_EVERY {
            return;
        }
        asked.at = Instant::now();
        let answers = |(topic, partition): &(String, i32)| {
            self.consumer.fetch_watermarks(topic, *partition, END_TIMEOUT).is_ok()
        };
        if positions.keys().all(answers) {
            asked.answered = Some(asked.at);
        }
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
                Some(Ok(message)) => messages.push((kind_of(topics, &message), message)),
                Some(Err(KafkaError::PartitionEOF(partition))) => break Read::End(partition),
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(FeedError::Poll(error));
                }
                Some(Err(error)) => {
                    if let Some(left_out) = POLL_FAILED.admit() {
                        tracing::warn!(
                            code = "CATALOG_POLL",
                            %error,
                            left_out,
                            "polling the catalog failed, going on"
                        );
                    }
                    break Read::Nothing;
                }
                None => break Read::Nothing,
            }
        };
        let encodings = writer.catalog().encodings();
        let changes = decode(&messages, limits, encodings);
        for ((kind, message), change) in messages.iter().zip(changes) {
            take(*kind, message, change, writer, status);
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
                    return tracing::warn!(code = "CATALOG_PARTITIONS", %error, topic, "could not look for new partitions of the catalog");
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
                Err(error) => {
                    tracing::error!(code = "CATALOG_PARTITIONS", %error, topic, "new partitions of the catalog cannot be read")
                }
            }
        }
    }
}

fn connect(
    settings: &ClientConfig,
    watch: &Arc<Watch>,
) -> Result<(StaysLoggedIn, Arc<BaseConsumer<Context>>), ClientRefused> {
    let consumer: BaseConsumer<Context> = settings
        .create_with_context(Context(Arc::clone(watch)))
        .map_err(|error| not_created("consumer", &error))?;
    let consumer = Arc::new(consumer);
    Ok((keep_logged_in(watch, Arc::<BaseConsumer<Context>>::clone(&consumer)), consumer))
}

/// The last question to the brokers where the topics end.
struct Asked {
    at: Instant,
    /// When it was asked, if it was answered: known to be current is what nothing comes after.
    answered: Option<Instant>,
}

impl Asked {
    fn new() -> Self {
        Self { at: Instant::now(), answered: None }
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

fn take(
    kind: Kind,
    message: &BorrowedMessage<'_>,
    change: Result<Change, Rejected>,
    writer: &mut CatalogWriter,
    status: &FeedStatus,
) {
    match change {
        Ok(change) => {
            writer.apply(change);
            status.apply();
        }
        Err(error) => {
            status.skip(kind);
            let rejected = status.rejected();
            if rejected <= LOGGED_REJECTIONS {
                tracing::warn!(
                    code = "CATALOG_RECORD",
                    topic = message.topic(),
                    partition = message.partition(),
                    offset = message.offset(),
                    key = message.key().map(|key| quote(&String::from_utf8_lossy(key))),
                    %error,
                    "a bad catalog record is skipped, the last good one stays"
                );
            }
            if rejected == LOGGED_REJECTIONS {
                tracing::warn!(
                    code = "CATALOG_RECORD",
                    "further bad catalog records are counted, not logged"
                );
            }
        }
    }
}

fn kind_of(topics: &[(Kind, String); 3], message: &BorrowedMessage<'_>) -> Kind {
    let found = topics.iter().find(|(_, topic)| topic == message.topic());
    found.expect("only the catalog's topics are assigned").0
}
