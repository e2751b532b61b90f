//! The producer of a worker, with its topics. It can be replaced while the consumer stays.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{Producer, ThreadedProducer},
};

use super::{ASK_TIMEOUT, CALL_TIMEOUT, OutputContext, WorkerError, WorkerSettings, WorkerStatus};
use crate::{
    kafka::{
        connect::reach,
        context::Watch,
        error::closes_topic,
        ffi::{self, Headers, NativeError, Outgoing, Topic, TransactionCall},
        token::{StaysLoggedIn, keep_logged_in},
    },
    repeats::Repeats,
    route::Destination,
};

/// The pause when librdkafka's queue is full: a shorter one costs twice the CPU for the same throughput.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(10);

static NOT_READY: Repeats = Repeats::new();

/// Makes the producers of one worker, all with the same transactional id.
pub struct ProducerSettings {
    /// The client's settings.
    pub client: ClientConfig,
    /// Its side channel.
    pub watch: Arc<Watch>,
}

impl ProducerSettings {
    /// Makes a producer; it connects in the background.
    ///
    /// # Errors
    ///
    /// librdkafka refuses the settings.
    pub fn create(&self) -> Result<ThreadedProducer<OutputContext>, KafkaError> {
        self.client.create_with_context(OutputContext::new(Arc::clone(&self.watch)))
    }
}

/// A producer that has taken the worker's transactional id over, and the topics that it writes to.
pub(super) struct Output {
    // Dropped before the producer, which must not be closed from another thread.
    _login: StaysLoggedIn,
    producer: Arc<ThreadedProducer<OutputContext>>,
    topics: Vec<Topic<OutputContext>>,
    /// How long a record waits for room in the producer's queue.
    patience: Duration,
}

impl Output {
    /// Fences the producer that had the transactional id before, and waits for brokers that are away.
    ///
    /// # Errors
    ///
    /// The brokers refuse the transactional id, or the client a topic's name.
    pub(super) fn open(
        producer: ThreadedProducer<OutputContext>,
        settings: &WorkerSettings,
        status: &WorkerStatus,
        stop: &AtomicBool,
    ) -> Result<Self, WorkerError> {
        let producer = Arc::new(producer);
        let watch = producer.client().context().watch();
        let login = keep_logged_in(watch, Arc::<ThreadedProducer<OutputContext>>::clone(&producer));
        reach(&producer, &settings.input, ASK_TIMEOUT);
        loop {
            status.step();
            match ffi::transaction(&producer, TransactionCall::Init, CALL_TIMEOUT) {
                Ok(()) => break,
                Err(error) if error.is_retriable && !stop.load(Ordering::Relaxed) => {
                    if let Some(left_out) = NOT_READY.admit() {
                        tracing::warn!(
                            code = "TRANSACTIONS_NOT_READY",
                            %error,
                            left_out,
                            "transactions are not ready yet, retrying"
                        );
                    }
                }
                Err(error) => return Err(WorkerError::Transaction { call: "init_transactions", error }),
            }
        }
        let topic = |name: &String| {
            Topic::new(&producer, name).map_err(|code| WorkerError::Topic { name: name.clone(), code })
        };
        let topics = settings.outputs.iter().map(topic).collect::<Result<_, _>>()?;
        Ok(Self { _login: login, producer, topics, patience: settings.transactions.finish_deadline })
    }

    /// The producer.
    pub(super) fn producer(&self) -> &ThreadedProducer<OutputContext> {
        &self.producer
    }

    /// What the producer says of its records.
    pub(super) fn context(&self) -> &OutputContext {
        self.producer.client().context()
    }

    /// Queues a record for a topic ([`ffi::send`]), and waits for room if the queue is full.
    pub(super) fn send(
        &self,
        destination: Destination,
        record: &Outgoing<'_>,
        mut headers: Headers,
    ) -> Result<(), RDKafkaErrorCode> {
        let waiting = Instant::now();
        loop {
            match ffi::send(&self.topics[destination as usize], record, headers) {
                Ok(()) => return Ok(()),
                Err((RDKafkaErrorCode::QueueFull, returned)) if waiting.elapsed() < self.patience => {
                    headers = returned;
                    thread::sleep(QUEUE_FULL_PAUSE);
                }
                Err((code, _)) => return Err(code),
            }
        }
    }

    /// Waits until the brokers have what was queued so far, so that it is not in one batch with what comes next.
    #[cold]
    pub(super) fn send_queued(&self) {
        // What is still on its way afterwards, or was refused, is seen before the transaction's end.
        let _ = self.flush(self.patience);
    }

    /// Returns the error of a topic that takes no records. Also refreshes librdkafka's own view of it, which
    /// is up to ten seconds old.
    pub(super) fn why_closed(&self, topic: &str) -> Option<RDKafkaErrorCode> {
        match self.producer.client().fetch_metadata(Some(topic), ASK_TIMEOUT) {
            Ok(metadata) => {
                let found = metadata.topics().iter().find(|it| it.name() == topic)?;
                found.error().map(RDKafkaErrorCode::from).filter(|code| closes_topic(*code))
            }
            Err(error) => {
                tracing::warn!(code = "TOPIC_UNKNOWN", %error, topic, "cannot check the topic");
                None
            }
        }
    }

    /// Waits until every queued record is delivered or has failed ([`ffi::flush`]).
    pub(super) fn flush(&self, timeout: Duration) -> Result<(), RDKafkaErrorCode> {
        ffi::flush(&*self.producer, timeout)
    }

    /// Makes a transaction call ([`ffi::transaction`]).
    pub(super) fn transaction(&self, call: TransactionCall, timeout: Duration) -> Result<(), NativeError> {
        ffi::transaction(&*self.producer, call, timeout)
    }
}
