//! The catalog from its compacted topics: restored to the end before the first ticket is routed, then followed live.
//!
//! A topic that was deleted and created again is another topic: it is restored from its beginning, and takes
//! the place of the old one.

mod bad;
mod decode;
mod restore;
mod status;
mod take;
mod topics;

pub use self::{
    bad::BadRecord,
    status::FeedStatus,
    topics::{Open, Unfit},
};

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use self::{
    bad::BadKeys,
    decode::decode,
    topics::{Topic, list, log_open, log_unfit, look, open},
};
use super::{
    clients::{self, ClientRefused},
    connect::consumer,
    context::{Context, Watch},
    token::{StaysLoggedIn, keep_logged_in},
};
use crate::{
    catalog::{CatalogWriter, Draft, Kind, Snapshot},
    config::Config,
    repeats::Repeats,
    ticket::Limits,
};

const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// At most this many records are read, decoded and published together.
const MAX_AT_ONCE: usize = 4_000;
/// How often the feed asks the brokers which topics these are, and where they end.
const LOOK_EVERY: Duration = Duration::from_secs(5);

static POLL_FAILED: Repeats = Repeats::new();

/// The feed ended.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The topics could not be assigned.
    #[error("cannot read the catalog topics")]
    Assign(#[source] KafkaError),
    /// The brokers do not say what topics there are.
    #[error("the brokers do not describe the catalog topics: {0}")]
    Look(RDKafkaErrorCode),
    /// A topic is not as it must be.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The consumer is lost.
    #[error("the consumer of the catalog cannot continue")]
    Poll(#[source] KafkaError),
    /// A consumer could not be made.
    #[error(transparent)]
    Client(#[from] ClientRefused),
}

/// Reads the catalog's topics into the catalog.
pub struct Feed {
    /// Belongs to no group and reports the end of a partition.
    consumer: Arc<BaseConsumer<Context>>,
    login: StaysLoggedIn,
    /// The settings of the consumer that restores.
    restoring: ClientConfig,
    /// The settings of the consumer that follows.
    following: ClientConfig,
    watch: Arc<Watch>,
    topics: [Topic; 3],
    writer: CatalogWriter,
    /// Takes the changes in the writer's place, while topics are restored.
    replacement: Option<Draft>,
    bad: BadKeys,
    /// All bad records, if somebody wants them.
    listed: Option<Vec<BadRecord>>,
    limits: Limits,
    status: Arc<FeedStatus>,
    stop: Arc<AtomicBool>,
}

/// The catalog as its topics hold it.
pub struct Restored {
    /// The records.
    pub snapshot: Arc<Snapshot>,
    /// The bad records that are the newest of their keys, in the order of topics and offsets.
    pub bad: Vec<BadRecord>,
    /// What could not be seen.
    pub open: Vec<Open>,
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
        let (login, consumer) = connect(&restoring, watch)?;
        status.bound(config.limits.max_catalog_bytes);
        Ok(Self {
            consumer,
            login,
            restoring,
            following,
            watch: Arc::clone(watch),
            topics: Topic::of(config),
            writer,
            replacement: None,
            bad: BadKeys::default(),
            listed: None,
            limits: Limits { max_catalog_bytes: config.limits.max_catalog_bytes, ..Limits::default() },
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
        let started = Instant::now();
        let Some(open) = self.restore(&Kind::ALL)? else { return Ok(()) };
        self.log_restored(started);
        self.status.current(if open.is_empty() { Instant::now() } else { started });
        self.status.restored(started.elapsed());
        while !self.stop.load(Ordering::Relaxed) {
            let recreated = self.follow()?;
            self.start_over(&recreated)?;
        }
        Ok(())
    }

    /// Restores the catalog and returns it, without following.
    ///
    /// # Errors
    ///
    /// The topics cannot be read.
    pub fn restore_once(mut self) -> Result<Restored, FeedError> {
        self.listed = Some(Vec::new());
        let open = self.restore(&Kind::ALL)?.unwrap_or_default();
        let mut bad = self.listed.take().unwrap_or_default();
        bad.retain(|record| self.bad.is_newest(record));
        Ok(Restored { snapshot: self.writer.catalog().snapshot(), bad, open })
    }

    fn log_restored(&self, started: Instant) {
        let counts = self.writer.catalog().snapshot().counts();
        tracing::info!(
            offers = counts.offers,
            publishers = counts.publishers,
            partners = counts.partners,
            rejected = self.status.rejected(),
            took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "catalog restored"
        );
    }

    /// Follows the topics until told to stop, or until some are other topics than those that were restored:
    /// returns their kinds.
    fn follow(&mut self) -> Result<Vec<Kind>, FeedError> {
        (self.login, self.consumer) = connect(&self.following, &self.watch)?;
        self.consumer.assign(&list(&self.topics)).map_err(FeedError::Assign)?;
        let mut asked = Asked::new();
        while !self.stop.load(Ordering::Relaxed) {
            let read = self.read()?;
            self.writer.publish();
            if matches!(read, Read::Nothing | Read::End) {
                let recreated = self.look_around(&mut asked);
                if !recreated.is_empty() {
                    self.note_positions_to_follow()?;
                    return Ok(recreated);
                }
            }
        }
        Ok(Vec::new())
    }

    fn note_positions_to_follow(&mut self) -> Result<(), FeedError> {
        let mut topics = self.topics.clone();
        self.note_position(&mut topics)?;
        self.topics = topics;
        Ok(())
    }

    /// Asks the brokers, now and then, whether the topics are the same and as they must be, and whether all
    /// of them can be seen. If so, and nothing has come since, the catalog is current. Returns the kinds
    /// whose topics are new ones.
    ///
    /// Silence alone proves nothing: a broker that is down is silent too.
    fn look_around(&mut self, asked: &mut Asked) -> Vec<Kind> {
        if let Some(at) = asked.answered.take() {
            self.status.current(at);
        }
        if asked.at.elapsed() < LOOK_EVERY {
            return Vec::new();
        }
        asked.at = Instant::now();
        let Ok(found) = look(self.consumer.client(), &self.topics) else { return Vec::new() };
        let mut recreated = Vec::new();
        let mut is_fit = true;
        for (topic, found) in self.topics.iter().zip(found) {
            match found {
                Ok(id) if id == topic.id => {}
                Ok(_) => recreated.push(topic.kind),
                Err(unfit) => {
                    is_fit = false;
                    log_unfit(&unfit);
                }
            }
        }
        if is_fit && recreated.is_empty() {
            match open(self.consumer.client(), &self.topics) {
                Ok(open) if open.is_empty() => asked.answered = Some(asked.at),
                Ok(open) => open.iter().for_each(log_open),
                Err(_) => {}
            }
        }
        recreated
    }

    /// Restores the topics that are new. Tickets are decided with what was known until all of it is read.
    fn start_over(&mut self, kinds: &[Kind]) -> Result<(), FeedError> {
        if kinds.is_empty() {
            return Ok(());
        }
        for topic in self.topics.iter().filter(|it| kinds.contains(&it.kind)) {
            tracing::warn!(
                code = "CATALOG_RECREATED",
                topic = topic.name,
                "a catalog topic was recreated: reading it from its beginning"
            );
        }
        // A client that knew the old topic may hold on to what it knew.
        (self.login, self.consumer) = connect(&self.restoring, &self.watch)?;
        match self.restore(kinds) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let counts = self.writer.catalog().snapshot().counts();
                for &kind in kinds {
                    tracing::info!(kind = kind.plural(), records = counts.of(kind), "catalog topic restored");
                }
            }
            // The next look retries.
            Err(FeedError::Unfit(unfit)) => log_unfit(&unfit),
            Err(FeedError::Look(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes in the records that are at hand, waiting for the first one, and says what came behind them.
    fn read(&mut self) -> Result<Read, FeedError> {
        let mut messages = Vec::new();
        let read = loop {
            if messages.len() >= MAX_AT_ONCE {
                break Read::More;
            }
            let wait = if messages.is_empty() { POLL_TIMEOUT } else { Duration::ZERO };
            match self.consumer.poll(wait) {
                Some(Ok(message)) => messages.push((take::kind_of(&self.topics, &message), message)),
                Some(Err(KafkaError::PartitionEOF(_))) => break Read::End,
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(FeedError::Poll(error));
                }
                Some(Err(error)) => {
                    if let Some(left_out) = POLL_FAILED.admit() {
                        tracing::warn!(
                            code = "CATALOG_POLL",
                            %error,
                            left_out,
                            "polling the catalog failed, retrying"
                        );
                    }
                    break Read::Nothing;
                }
                None => break Read::Nothing,
            }
        };
        let changes = decode(&messages, &self.limits, self.writer.catalog().encodings());
        let mut target = take::Target {
            writer: &mut self.writer,
            replacement: self.replacement.as_mut(),
            bad: &mut self.bad,
            listed: self.listed.as_mut(),
            status: &self.status,
            max_bytes: self.limits.max_catalog_bytes,
        };
        for ((kind, message), change) in messages.iter().zip(changes) {
            target.take(*kind, message, change);
        }
        Ok(read)
    }
}

fn connect(
    settings: &ClientConfig,
    watch: &Arc<Watch>,
) -> Result<(StaysLoggedIn, Arc<BaseConsumer<Context>>), ClientRefused> {
    let consumer = Arc::new(consumer(settings, watch)?);
    Ok((keep_logged_in(watch, Arc::<BaseConsumer<Context>>::clone(&consumer)), consumer))
}

/// The last query for end offsets.
struct Asked {
    at: Instant,
    /// When it was sent, once all brokers have answered. If the next poll is empty, the catalog was current then.
    answered: Option<Instant>,
}

impl Asked {
    fn new() -> Self {
        Self { at: Instant::now(), answered: None }
    }
}

/// What came behind the records that were read.
enum Read {
    /// There may be more.
    More,
    /// The end of a partition, for now.
    End,
    Nothing,
}
