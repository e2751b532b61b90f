//! The librdkafka calls that the crate `rdkafka` does not wrap, or wraps at a cost for each ticket.
//!
//! - Sending with a topic handle and native headers: for each record, the crate looks the topic up by name and copies
//!   names into new strings.
//! - Group metadata that can be read: Kafka accepts offsets of generation −1 without fencing, so we must know the
//!   generation before a transaction begins.
//! - Setting an OAUTHBEARER token on a client that is never polled, and so never gets the refresh event.
//! - Flushing with librdkafka's own wait: the crate's polls in steps of 100 ms, and a commit waits for it.
//! - The ids of topics, and the ends of logs whatever a client's isolation level is ([`topics`]).

#![expect(unsafe_code, reason = "calls into librdkafka; each block says why it is sound")]

pub mod topics;

use std::{
    ffi::{CStr, CString, c_void},
    ptr::{self, NonNull},
    sync::Arc,
    time::Duration,
};

use rdkafka::{
    client::{Client, ClientContext},
    consumer::{BaseConsumer, ConsumerContext},
    error::RDKafkaErrorCode,
    message::BorrowedHeaders,
    producer::{Producer, ProducerContext, ThreadedProducer},
};
use rdkafka_sys as sys;

use super::token::Token;

/// An error of librdkafka's transaction calls, with what it says must be done next.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct NativeError {
    /// The error's code.
    pub code: RDKafkaErrorCode,
    /// The producer is lost.
    pub is_fatal: bool,
    /// The same call may be made again.
    pub is_retriable: bool,
    /// The transaction must be aborted.
    pub requires_abort: bool,
    text: String,
}

impl NativeError {
    /// Takes an error from librdkafka; null says that there is none.
    fn take(error: *mut sys::rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: `error` is a live error object that the caller owns; it is read, then destroyed once.
        unsafe {
            let taken = Self {
                code: sys::rd_kafka_error_code(error).into(),
                is_fatal: sys::rd_kafka_error_is_fatal(error) != 0,
                is_retriable: sys::rd_kafka_error_is_retriable(error) != 0,
                requires_abort: sys::rd_kafka_error_txn_requires_abort(error) != 0,
                text: CStr::from_ptr(sys::rd_kafka_error_string(error)).to_string_lossy().into_owned(),
            };
            sys::rd_kafka_error_destroy(error);
            Err(taken)
        }
    }
}

/// A topic of one producer, which it keeps alive.
pub struct Topic<C: ProducerContext + 'static> {
    handle: NonNull<sys::rd_kafka_topic_t>,
    producer: Arc<ThreadedProducer<C>>,
}

impl<C: ProducerContext + 'static> Topic<C> {
    /// Makes a handle of the topic with the producer's topic settings.
    ///
    /// # Errors
    ///
    /// The name or the topic's settings are invalid.
    pub fn new(producer: &Arc<ThreadedProducer<C>>, name: &str) -> Result<Self, RDKafkaErrorCode> {
        let name = CString::new(name).map_err(|_| RDKafkaErrorCode::InvalidTopic)?;
        let client = producer.client().native_ptr();
        // SAFETY: the client lives as long as the handle, which holds it; the name is copied; a null configuration
        // means the client's own.
        let handle = unsafe { sys::rd_kafka_topic_new(client, name.as_ptr(), ptr::null_mut()) };
        match NonNull::new(handle) {
            Some(handle) => Ok(Self { handle, producer: Arc::clone(producer) }),
            // SAFETY: reads a thread-local error code.
            None => Err(unsafe { sys::rd_kafka_last_error() }.into()),
        }
    }
}

impl<C: ProducerContext + 'static> Drop for Topic<C> {
    fn drop(&mut self) {
        // SAFETY: the handle is owned and destroyed once; the producer is dropped after it.
        unsafe { sys::rd_kafka_topic_destroy(self.handle.as_ptr()) }
    }
}

/// Headers of a record to be sent.
pub struct Headers {
    native: NonNull<sys::rd_kafka_headers_t>,
    bytes: usize,
}

impl Headers {
    /// Makes an empty list with room for `count`.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        // SAFETY: allocates; librdkafka aborts the process where it has no memory.
        let native = unsafe { sys::rd_kafka_headers_new(count) };
        Self { native: NonNull::new(native).expect("librdkafka always returns a list"), bytes: 0 }
    }

    /// Adds a header.
    pub fn add(&mut self, name: &[u8], value: Option<&[u8]>) {
        let (value, len) = value.map_or((ptr::null(), 0), |it| (it.as_ptr().cast::<c_void>(), it.len()));
        // SAFETY: name and value are copied with their lengths; a null value is a header without one. The call fails
        // only for read-only lists, which this one is not.
        unsafe {
            sys::rd_kafka_header_add(
                self.native.as_ptr(),
                name.as_ptr().cast(),
                name.len() as isize,
                value,
                len as isize,
            );
        }
        self.bytes += Self::size(name.len(), len);
    }

    /// An upper bound of what a header takes in a record. Lengths are varints: at most five bytes each.
    #[must_use]
    pub const fn size(name: usize, value: usize) -> usize {
        name + value + 10
    }

    /// An upper bound of what the headers take in a record.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn into_native(self) -> *mut sys::rd_kafka_headers_t {
        let native = self.native.as_ptr();
        std::mem::forget(self);
        native
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        // SAFETY: the list is owned and destroyed once.
        unsafe { sys::rd_kafka_headers_destroy(self.native.as_ptr()) }
    }
}

/// The headers of a polled record, by index; names are bytes, since nothing makes a producer send UTF-8.
///
/// The crate's own iterator panics on a name that is not UTF-8.
pub fn incoming_headers(headers: Option<&BorrowedHeaders>) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let native = headers.map(|it| ptr::from_ref(it).cast::<sys::rd_kafka_headers_t>());
    (0..).map_while(move |index| {
        let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
        // SAFETY: a `BorrowedHeaders` is a reference to librdkafka's own list; name and value live as long as it
        // does.
        unsafe {
            let code = sys::rd_kafka_header_get_all(native?, index, &mut name, &mut value, &mut len);
            (code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| {
                let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast(), len));
                (CStr::from_ptr(name).to_bytes(), value)
            })
        }
    })
}

/// A record to be sent.
pub struct Outgoing<'r> {
    /// The key; `None` lets the partitioner choose.
    pub key: Option<&'r [u8]>,
    /// The value; `None` is a null value.
    pub value: Option<&'r [u8]>,
    /// Milliseconds since 1970; `None` is now, and −1 is no time.
    pub timestamp: Option<i64>,
}

/// Queues a record. Key and value are copied; the headers are taken over, or handed back with the error.
///
/// # Errors
///
/// The reason why the record was not queued; the transaction does not know of it, so the caller must abort it
/// unless it tries again.
pub fn send<C: ProducerContext + 'static>(
    topic: &Topic<C>,
    record: &Outgoing<'_>,
    headers: Headers,
) -> Result<(), (RDKafkaErrorCode, Headers)> {
    type Vu = sys::rd_kafka_vu_t;
    type Value = sys::rd_kafka_vu_s__bindgen_ty_1;
    type Memory = sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1;
    use sys::rd_kafka_vtype_t as vtype;
    fn memory(bytes: Option<&[u8]>) -> Value {
        let mem = bytes.map_or(Memory { ptr: ptr::null_mut(), size: 0 }, |it| Memory {
            ptr: it.as_ptr().cast_mut().cast(),
            size: it.len(),
        });
        Value { mem }
    }
    let arguments = [
        Vu { vtype: vtype::RD_KAFKA_VTYPE_RKT, u: Value { rkt: topic.handle.as_ptr() } },
        Vu { vtype: vtype::RD_KAFKA_VTYPE_MSGFLAGS, u: Value { i: sys::RD_KAFKA_MSG_F_COPY } },
        Vu { vtype: vtype::RD_KAFKA_VTYPE_KEY, u: memory(record.key) },
        Vu { vtype: vtype::RD_KAFKA_VTYPE_VALUE, u: memory(record.value) },
        Vu { vtype: vtype::RD_KAFKA_VTYPE_TIMESTAMP, u: Value { i64_: record.timestamp.unwrap_or(0) } },
        Vu { vtype: vtype::RD_KAFKA_VTYPE_HEADERS, u: Value { headers: headers.native.as_ptr() } },
    ];
    // SAFETY: the arguments outlive the call; key and value are copied (MSG_F_COPY); librdkafka takes ownership of
    // the headers only if it reports success.
    let outcome = NativeError::take(unsafe {
        sys::rd_kafka_produceva(topic.producer.client().native_ptr(), arguments.as_ptr(), arguments.len())
    });
    match outcome {
        Ok(()) => {
            headers.into_native();
            Ok(())
        }
        Err(error) => Err((error.code, headers)),
    }
}

/// Returns the end of a partition's log as the consumer last saw it in a fetch, without a request; `None` before
/// that.
#[must_use]
pub fn known_end<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str, partition: i32) -> Option<i64> {
    use rdkafka::consumer::Consumer;
    let topic = CString::new(topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client is live; the name lives through the call; both offsets are written or left alone.
    let code = unsafe {
        sys::rd_kafka_get_watermark_offsets(
            consumer.client().native_ptr(),
            topic.as_ptr(),
            partition,
            &mut low,
            &mut high,
        )
    };
    (code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
}

/// The consumer's membership in its group at one moment.
pub struct GroupMetadata(NonNull<sys::rd_kafka_consumer_group_metadata_t>);

impl GroupMetadata {
    /// Takes the present membership; `None` while the consumer is not a member, since Kafka does not fence offsets
    /// without a generation and a member id.
    #[must_use]
    pub fn of_member<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Option<Self> {
        use rdkafka::consumer::Consumer;
        // SAFETY: the client is live; the metadata returned is owned; the member id is read while it lives.
        unsafe {
            let native = sys::rd_kafka_consumer_group_metadata(consumer.client().native_ptr());
            let metadata = Self(NonNull::new(native)?);
            let generation = sys::rd_kafka_consumer_group_metadata_generation_id(native);
            let member = sys::rd_kafka_consumer_group_metadata_member_id(native);
            (generation >= 0 && !member.is_null() && *member != 0).then_some(metadata)
        }
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: owned and destroyed once.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) }
    }
}

/// Adds the input offsets to the producer's transaction, in the name of `member`.
///
/// # Errors
///
/// What must be done next is in the error.
pub fn send_offsets<C: ProducerContext + 'static>(
    producer: &ThreadedProducer<C>,
    topic: &str,
    offsets: &[(i32, i64)],
    member: &GroupMetadata,
    timeout: Duration,
) -> Result<(), NativeError> {
    let topic = CString::new(topic).expect("the input topic's name was checked on load");
    // SAFETY: the list is made, filled and destroyed here; the topic's name is copied; client and metadata are live.
    unsafe {
        let list = sys::rd_kafka_topic_partition_list_new(offsets.len() as i32);
        for &(partition, offset) in offsets {
            let element = sys::rd_kafka_topic_partition_list_add(list, topic.as_ptr(), partition);
            (*element).offset = offset;
        }
        let error = sys::rd_kafka_send_offsets_to_transaction(
            producer.client().native_ptr(),
            list,
            member.0.as_ptr(),
            milliseconds(timeout),
        );
        sys::rd_kafka_topic_partition_list_destroy(list);
        NativeError::take(error)
    }
}

/// Waits until every queued record is delivered or has failed, without lingering.
///
/// Delivery reports must be served by another thread meanwhile, as a `ThreadedProducer` does.
///
/// # Errors
///
/// The time was too short.
pub fn flush<C: ProducerContext + 'static>(
    producer: &ThreadedProducer<C>,
    timeout: Duration,
) -> Result<(), RDKafkaErrorCode> {
    // SAFETY: the client is live.
    match unsafe { sys::rd_kafka_flush(producer.client().native_ptr(), milliseconds(timeout)) } {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(code.into()),
    }
}

/// The transaction calls that take nothing but a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionCall {
    /// Takes the transactional id over: a producer that had it before is fenced, its open transaction aborted.
    Init,
    /// Begins a transaction; takes no time.
    Begin,
    /// Commits.
    Commit,
    /// Aborts, and forgets what is queued.
    Abort,
}

/// Makes a transaction call and waits for its end.
///
/// # Errors
///
/// What must be done next is in the error.
pub fn transaction<C: ProducerContext + 'static>(
    producer: &ThreadedProducer<C>,
    call: TransactionCall,
    timeout: Duration,
) -> Result<(), NativeError> {
    let client = producer.client().native_ptr();
    let timeout = milliseconds(timeout);
    // SAFETY: the client is live.
    NativeError::take(unsafe {
        match call {
            TransactionCall::Init => sys::rd_kafka_init_transactions(client, timeout),
            TransactionCall::Begin => sys::rd_kafka_begin_transaction(client),
            TransactionCall::Commit => sys::rd_kafka_commit_transaction(client, timeout),
            TransactionCall::Abort => sys::rd_kafka_abort_transaction(client, timeout),
        }
    })
}

/// Gives a client the token that it logs in with.
///
/// # Errors
///
/// What librdkafka does not like about the token.
pub fn set_oauth_token<C: ClientContext>(client: &Client<C>, token: &Token) -> Result<(), String> {
    let text = |text: &str| CString::new(text).map_err(|_| "the token holds a zero byte".to_owned());
    let (value, principal) = (text(&token.value)?, text(&token.principal)?);
    let extensions = token.extensions.iter().flat_map(|(name, value)| [name, value]);
    let extensions: Vec<_> = extensions.map(|it| text(it)).collect::<Result<_, _>>()?;
    let mut pointers: Vec<_> = extensions.iter().map(|it| it.as_ptr()).collect();
    let mut error = [0_u8; 512];
    // SAFETY: the client is live; the texts are copied, those of the extensions too, which are as many as is
    // said; the error's buffer is as long as is said.
    let code = unsafe {
        sys::rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            value.as_ptr(),
            token.ends_ms,
            principal.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            error.as_mut_ptr().cast(),
            error.len(),
        )
    };
    if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    Err(CStr::from_bytes_until_nul(&error)
        .map_or_else(|_| format!("{code:?}"), |it| it.to_string_lossy().into_owned()))
}

fn milliseconds(duration: Duration) -> i32 {
    duration.as_millis().try_into().unwrap_or(i32::MAX)
}
