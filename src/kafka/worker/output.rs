//! The producer of a worker, with its topics. It can be replaced while the consumer stays.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{Producer, ThreadedProducer},
};

use super::{ASK_TIMEOUT, CALL_TIMEOUT, OutputContext, WorkerError, WorkerSettings, WorkerStatus};
use crate::{
    kafka::{
        clients,
        context::Watch,
        ffi::{self, Headers, NativeError, Outgoing, Topic, TransactionCall},
        token::{StaysLoggedIn, keep_logged_in},
    },
    repeats::Repeats,
    route::Destination,
};

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
}

impl Output {
    /// Fences the producer that had the transactional id before, waiting for a broker that is not there yet.
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
        clients::reach(&producer, &settings.input, ASK_TIMEOUT);
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
                            "transactions are not ready yet, trying again"
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
        Ok(Self { _login: login, producer, topics })
    }

    /// The producer.
    pub(super) fn producer(&self) -> &ThreadedProducer<OutputContext> {
        &self.producer
    }

    /// What the producer says of its records.
    pub(super) fn context(&self) -> &OutputContext {
        self.producer.client().context()
    }

    /// Queues a record for a topic ([`ffi::send`]).
    pub(super) fn send(
        &self,
        destination: Destination,
        record: &Outgoing<'_>,
        headers: Headers,
    ) -> Result<(), (RDKafkaErrorCode, Headers)> {
        ffi::send(&self.topics[destination as usize], record, headers)
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
