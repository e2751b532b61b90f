//! The process around the workers: starts them in order, watches them, and brings them down.
//!
//! Every thread has a name and an owner, and the first to end, well or ill, ends all.

mod health;
mod stuck;

pub use health::Health;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{
    catalog::CatalogWriter,
    config::{CatalogFrom, Config},
    folder::{Unreadable, load_folder},
    kafka::{
        clients::{self, ClientRefused},
        context::Watch,
        feed::{Feed, FeedError, FeedStatus},
        identity::Identity,
        limits::TopicLimits,
        worker::{
            Faults, InputContext, OutputLimits, ProducerSettings, TransactionSettings, Worker, WorkerError,
            WorkerSettings,
        },
    },
    telemetry::Tracer,
};

/// How often a waiting thread checks whether it must stop.
const LOOK: Duration = Duration::from_millis(20);
/// Records gathered before a transaction begins. More: latency under a light load. Fewer: a second request to send
/// offsets in each transaction under a medium load.
const MAX_GATHERED: usize = 500;

/// The service could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A client could not be made.
    #[error(transparent)]
    Client(#[from] ClientRefused),
    /// The catalog's folder cannot be read.
    #[error("the catalog cannot be loaded")]
    Catalog(#[from] Unreadable),
    /// The operating system gives no thread.
    #[error("a thread cannot be started")]
    Thread(#[from] std::io::Error),
}

/// A part of the service ended because it cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A worker.
    #[error("worker {number} cannot go on")]
    Worker {
        /// Which one, from 0.
        number: usize,
        /// Why.
        #[source]
        error: Box<WorkerError>,
    },
    /// A worker hangs in one call.
    #[error(
        "worker {number} has been in one and the same call for two minutes. Its open transaction is left to the brokers to abort, and its tickets are routed \
         once it is started anew"
    )]
    Stuck {
        /// Which one, from 0.
        number: usize,
    },
    /// The catalog's feed.
    #[error("the catalog cannot be followed")]
    Feed(#[from] FeedError),
    /// A thread panicked: a bug, already reported in the log.
    #[error(
        "a thread ended in a panic, which is a bug: report it as an issue of the ticket-router repository, with the lines before this one"
    )]
    Panicked,
}

impl ServiceError {
    /// Whether the brokers are not as they must be: no start changes that.
    #[must_use]
    pub const fn is_of_the_brokers(&self) -> bool {
        matches!(self, Self::Feed(FeedError::Unfit(_)))
    }

    /// The reason code, from a closed list.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Worker { error, .. } => error.code(),
            Self::Stuck { .. } => "WORKER_STUCK",
            Self::Feed(_) => "CATALOG_LOST",
            Self::Panicked => "PANICKED",
        }
    }
}

/// A running service.
pub struct Service {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    ended: mpsc::UnboundedReceiver<Result<(), ServiceError>>,
    health: Arc<Health>,
}

impl Service {
    /// Starts the catalog's feed and the workers. No ticket is routed before the catalog is complete.
    ///
    /// `limits` are those of the outgoing topics as far as they are known; `health` is what [`Health::new`] has made.
    ///
    /// # Errors
    ///
    /// The settings, or the catalog's folder, do not allow it.
    pub fn start(
        config: &Config,
        identity: &Identity,
        limits: &BTreeMap<String, TopicLimits>,
        (health, writer): (Arc<Health>, CatalogWriter),
        tracer: Option<&Tracer>,
    ) -> Result<Self, StartError> {
        let (feed, watch) = (Arc::clone(&health.feed), Arc::clone(&health.watch));
        let stop = Arc::new(AtomicBool::new(false));
        let mut settings = worker_settings(config, limits);
        let smallest = limits.values().filter_map(|it| it.max_bytes).min().unwrap_or(usize::MAX);

        let workers: Vec<_> = health
            .workers
            .iter()
            .enumerate()
            .map(|(number, status)| {
                let input = clients::input_consumer(config).map_err(ClientRefused::from)?;
                let mut client = clients::producer(config, &identity.transactional_id(number))
                    .map_err(ClientRefused::from)?;
                settings.max_batch_bytes = clients::limit_batches(&mut client, smallest);
                let producers = ProducerSettings { client, watch: Arc::clone(&watch) };
                let producer = producers.create().map_err(|error| ClientRefused::new("producer", &error))?;
                let consumer = input
                    .create_with_context(InputContext::new(Arc::clone(&watch)))
                    .map_err(|error| ClientRefused::new("consumer", &error))?;
                let worker = Worker {
                    consumer: Arc::new(consumer),
                    producers,
                    catalog: health.catalog.clone(),
                    policy: Arc::clone(&health.policy),
                    settings: settings.clone(),
                    status: Arc::clone(status),
                    tracer: tracer.cloned(),
                    stop: Arc::clone(&stop),
                };
                Ok((worker, producer))
            })
            .collect::<Result<_, ClientRefused>>()?;

        let (sender, ended) = mpsc::unbounded_channel();
        let mut service = Self { stop, threads: Vec::new(), ended, health };
        service.start_catalog(config, writer, &watch, &feed, &sender)?;
        for (number, (worker, producer)) in workers.into_iter().enumerate() {
            let (feed, stop) = (Arc::clone(&feed), Arc::clone(&service.stop));
            service.spawn(format!("worker-{number}"), sender.clone(), move || {
                while !feed.is_restored() {
                    if stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    thread::sleep(LOOK);
                }
                worker.run(producer).map_err(|error| ServiceError::Worker { number, error: Box::new(error) })
            })?;
        }
        service.health.runs();
        Ok(service)
    }

    fn start_catalog(
        &mut self,
        config: &Config,
        mut writer: CatalogWriter,
        watch: &Arc<Watch>,
        status: &Arc<FeedStatus>,
        sender: &mpsc::UnboundedSender<Result<(), ServiceError>>,
    ) -> Result<(), StartError> {
        if config.catalog.from == CatalogFrom::Folder {
            let folder = config.catalog.folder.as_deref().unwrap_or(".".as_ref());
            let encodings = writer.catalog().encodings();
            let started = Instant::now();
            let loaded = load_folder(folder, encodings, |finding| {
                tracing::warn!(code = "CATALOG_RECORD", "{finding}");
            })?;
            let counts = loaded.snapshot.counts();
            tracing::info!(
                offers = counts.offers,
                publishers = counts.publishers,
                partners = counts.partners,
                "catalog loaded"
            );
            writer.replace_with(&loaded.snapshot);
            status.restored(started.elapsed());
            return Ok(());
        }
        let feed = Feed::new(config, writer, watch, status, &self.stop)?;
        Ok(self.spawn("catalog".to_owned(), sender.clone(), move || Ok(feed.run()?))?)
    }

    fn spawn(
        &mut self,
        name: String,
        sender: mpsc::UnboundedSender<Result<(), ServiceError>>,
        work: impl FnOnce() -> Result<(), ServiceError> + Send + 'static,
    ) -> std::io::Result<()> {
        let thread = thread::Builder::new().name(name).spawn(move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // If the service has already ended, nobody listens.
            drop(sender.send(outcome.unwrap_or(Err(ServiceError::Panicked))));
        })?;
        self.threads.push(thread);
        Ok(())
    }

    /// What readiness is read from.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Waits until the first thread ends, or hangs.
    ///
    /// # Errors
    ///
    /// What made it end.
    pub async fn ended(&mut self) -> Result<(), ServiceError> {
        tokio::select! {
            ended = self.ended.recv() => ended.unwrap_or(Ok(())),
            number = stuck::first(&self.health.workers) => Err(ServiceError::Stuck { number }),
        }
    }

    /// Tells every thread to finish what is in flight, and waits for at most `grace`. Returns `false` if some still
    /// work then.
    #[must_use]
    pub fn drain(self, grace: Duration) -> bool {
        self.stop.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + grace;
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            if Instant::now() >= deadline {
                let late: Vec<_> =
                    self.threads.iter().filter(|it| !it.is_finished()).map(|it| it.thread().name()).collect();
                tracing::error!(
                    code = "SHUTDOWN_LATE",
                    ?late,
                    "the grace period is over: open transactions are left to be aborted and done again"
                );
                return false;
            }
            thread::sleep(LOOK);
        }
        true
    }
}

fn worker_settings(config: &Config, limits_of_topics: &BTreeMap<String, TopicLimits>) -> WorkerSettings {
    let outputs = config.topics.outputs().map(|(_, name)| name.to_owned());
    let limits_of_outputs = std::array::from_fn(|index| {
        let topic = limits_of_topics.get(&outputs[index]).copied().unwrap_or_default();
        OutputLimits {
            max_record_bytes: config.limits.max_output_bytes.min(topic.max_bytes.unwrap_or(usize::MAX)),
            needs_key: topic.is_compacted,
            kept: topic.kept(config.output.timestamp),
        }
    });
    let transaction = &config.worker.transaction;
    WorkerSettings {
        bootstrap_servers: config.kafka.bootstrap_servers.clone(),
        group: config.kafka.group_id.clone(),
        input: config.topics.incoming.clone(),
        outputs,
        limits_of_outputs,
        max_batch_bytes: usize::MAX,
        transactions: TransactionSettings {
            max_records: transaction.max_records,
            max_gathered: MAX_GATHERED,
            max_age: transaction.max_age(),
            finish_deadline: transaction.timeout(),
        },
        limits: config.limits,
        output: config.output.format,
        new_group_starts_at: config.worker.start_new_group_at,
        faults: Faults::from_env(),
    }
}
