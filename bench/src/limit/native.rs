//! The calls of librdkafka that the limit makes, without the crate's layers in between.

#![expect(unsafe_code, reason = "calls into librdkafka; each block says why it is sound")]

use std::{
    ffi::{CStr, CString, c_char, c_void},
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Result, anyhow, bail};
use rdkafka_sys as sys;

/// librdkafka's `RD_KAFKA_PARTITION_UA`.
const ANY_PARTITION: i32 = -1;

/// Set by librdkafka's thread when a record could not be delivered.
static DELIVERY_FAILED: AtomicBool = AtomicBool::new(false);

/// Whether a record could not be delivered so far.
pub fn delivery_failed() -> bool {
    DELIVERY_FAILED.load(Ordering::Relaxed)
}

unsafe extern "C" fn delivered(
    _client: *mut sys::rd_kafka_t,
    message: *const sys::rd_kafka_message_t,
    _opaque: *mut c_void,
) {
    // SAFETY: librdkafka hands over a live message.
    if unsafe { (*message).err } != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        DELIVERY_FAILED.store(true, Ordering::Relaxed);
    }
}

/// A consumer or a producer. Lives as long as the process.
pub struct Client(*mut sys::rd_kafka_t);

/// What a transaction call does.
pub enum Transaction {
    Init,
    Begin,
    Commit,
}

impl Client {
    pub fn consumer(settings: &[(&str, &str)]) -> Result<Self> {
        let client = Self::new(sys::rd_kafka_type_t::RD_KAFKA_CONSUMER, settings)?;
        // SAFETY: the client is live.
        unsafe { sys::rd_kafka_poll_set_consumer(client.0) };
        Ok(client)
    }

    pub fn producer(settings: &[(&str, &str)]) -> Result<Self> {
        Self::new(sys::rd_kafka_type_t::RD_KAFKA_PRODUCER, settings)
    }

    fn new(kind: sys::rd_kafka_type_t, settings: &[(&str, &str)]) -> Result<Self> {
        let mut error = [0_u8; 512];
        // SAFETY: the configuration is made here and handed to the client, which owns it from then on; the strings live through the calls.
        unsafe {
            let conf = sys::rd_kafka_conf_new();
            for (name, value) in settings {
                let (key, text) = (CString::new(*name)?, CString::new(*value)?);
                let outcome = sys::rd_kafka_conf_set(
                    conf,
                    key.as_ptr(),
                    text.as_ptr(),
                    error.as_mut_ptr().cast::<c_char>(),
                    error.len(),
                );
                if outcome != sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
                    bail!("{name}={value}: {}", text_of(&error));
                }
            }
            if matches!(kind, sys::rd_kafka_type_t::RD_KAFKA_PRODUCER) {
                sys::rd_kafka_conf_set_dr_msg_cb(conf, Some(delivered));
            }
            let client = sys::rd_kafka_new(kind, conf, error.as_mut_ptr().cast::<c_char>(), error.len());
            if client.is_null() { Err(anyhow!(text_of(&error))) } else { Ok(Self(client)) }
        }
    }

    pub fn subscribe(&self, topic: &str) -> Result<()> {
        let name = CString::new(topic)?;
        // SAFETY: the list is made and destroyed here; the name is copied.
        let code = unsafe {
            let list = sys::rd_kafka_topic_partition_list_new(1);
            sys::rd_kafka_topic_partition_list_add(list, name.as_ptr(), ANY_PARTITION);
            let code = sys::rd_kafka_subscribe(self.0, list);
            sys::rd_kafka_topic_partition_list_destroy(list);
            code
        };
        check(code)
    }

    /// A topic handle that lives as long as the process.
    pub fn topic(&self, name: &str) -> Result<Topic> {
        let name = CString::new(name)?;
        // SAFETY: the client is live, the name is copied.
        let topic = unsafe { sys::rd_kafka_topic_new(self.0, name.as_ptr(), ptr::null_mut()) };
        if topic.is_null() { Err(anyhow!("the topic {name:?} is not valid")) } else { Ok(Topic(topic)) }
    }

    /// The queue that all partitions of a consumer end in.
    pub fn queue(&self) -> Queue {
        // SAFETY: the client is live.
        Queue(unsafe { sys::rd_kafka_queue_get_consumer(self.0) })
    }

    /// Takes one message, if one comes in time.
    pub fn poll(&self, timeout_ms: i32) -> Result<Option<Message>> {
        // SAFETY: the client is live; the message is owned by the caller.
        Message::take(unsafe { sys::rd_kafka_consumer_poll(self.0, timeout_ms) })
    }

    /// The membership in the group right now.
    pub fn membership(&self) -> Membership {
        // SAFETY: the client is live; the caller owns what is returned.
        Membership(unsafe { sys::rd_kafka_consumer_group_metadata(self.0) })
    }

    /// Queues a record; `false` when the queue is full. Key and value are copied, the headers are copied from the template.
    pub fn produce(&self, topic: &Topic, message: &Message, value: &[u8], headers: &Headers) -> Result<bool> {
        type Vu = sys::rd_kafka_vu_t;
        type Value = sys::rd_kafka_vu_s__bindgen_ty_1;
        type Memory = sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1;
        use sys::rd_kafka_vtype_t as vtype;
        let memory = |ptr, size| Value { mem: Memory { ptr, size } };
        // SAFETY: the message is live; its key is copied. The headers pass to librdkafka only where it reports success.
        unsafe {
            let native = &*message.0;
            let copy =
                if headers.0.is_null() { ptr::null_mut() } else { sys::rd_kafka_headers_copy(headers.0) };
            let arguments = [
                Vu { vtype: vtype::RD_KAFKA_VTYPE_RKT, u: Value { rkt: topic.0 } },
                Vu { vtype: vtype::RD_KAFKA_VTYPE_MSGFLAGS, u: Value { i: sys::RD_KAFKA_MSG_F_COPY } },
                Vu { vtype: vtype::RD_KAFKA_VTYPE_KEY, u: memory(native.key, native.key_len) },
                Vu {
                    vtype: vtype::RD_KAFKA_VTYPE_VALUE,
                    u: memory(value.as_ptr().cast_mut().cast(), value.len()),
                },
                Vu { vtype: vtype::RD_KAFKA_VTYPE_TIMESTAMP, u: Value { i64_: message.timestamp() } },
                Vu { vtype: vtype::RD_KAFKA_VTYPE_HEADERS, u: Value { headers: copy } },
            ];
            let count = if copy.is_null() { arguments.len() - 1 } else { arguments.len() };
            let error = sys::rd_kafka_produceva(self.0, arguments.as_ptr(), count);
            if error.is_null() {
                return Ok(true);
            }
            if !copy.is_null() {
                sys::rd_kafka_headers_destroy(copy);
            }
            let is_full =
                sys::rd_kafka_error_code(error) == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__QUEUE_FULL;
            let taken = take(error);
            if is_full { Ok(false) } else { taken.map(|()| true) }
        }
    }

    /// Serves delivery reports, of which there are only failed ones.
    pub fn serve(&self) {
        // SAFETY: the client is live.
        unsafe { sys::rd_kafka_poll(self.0, 0) };
    }

    pub fn flush(&self, timeout_ms: i32) -> Result<()> {
        // SAFETY: the client is live.
        check(unsafe { sys::rd_kafka_flush(self.0, timeout_ms) })
    }

    pub fn transaction(&self, what: Transaction, timeout_ms: i32) -> Result<()> {
        // SAFETY: the client is live; the error, if any, is taken.
        unsafe {
            take(match what {
                Transaction::Init => sys::rd_kafka_init_transactions(self.0, timeout_ms),
                Transaction::Begin => sys::rd_kafka_begin_transaction(self.0),
                Transaction::Commit => sys::rd_kafka_commit_transaction(self.0, timeout_ms),
            })
        }
    }

    /// Adds offsets to the transaction.
    pub fn send_offsets(
        &self,
        topic: &str,
        next: &[Option<i64>],
        member: &Membership,
        timeout_ms: i32,
    ) -> Result<()> {
        let list = Offsets::new(topic, next)?;
        // SAFETY: client, list and membership are live.
        unsafe { take(sys::rd_kafka_send_offsets_to_transaction(self.0, list.0, member.0, timeout_ms)) }
    }

    /// Commits offsets by the consumer itself, and waits.
    pub fn commit(&self, topic: &str, next: &[Option<i64>]) -> Result<()> {
        let list = Offsets::new(topic, next)?;
        // SAFETY: client and list are live; 0 is synchronous.
        check(unsafe { sys::rd_kafka_commit(self.0, list.0, 0) })
    }
}

/// A topic of a producer.
pub struct Topic(*mut sys::rd_kafka_topic_t);

/// A queue of messages.
pub struct Queue(*mut sys::rd_kafka_queue_t);

impl Queue {
    /// Takes as many messages as `into` has room for, or what comes in time.
    pub fn take(&self, into: &mut Vec<Message>, timeout_ms: i32) -> Result<()> {
        let room = into.capacity() - into.len();
        let mut raw = vec![ptr::null_mut(); room];
        // SAFETY: `raw` has room for `room` pointers; each message returned is owned by the caller.
        let count = unsafe { sys::rd_kafka_consume_batch_queue(self.0, timeout_ms, raw.as_mut_ptr(), room) };
        if count < 0 {
            bail!("consuming failed");
        }
        for message in raw.into_iter().take(count.unsigned_abs()) {
            into.extend(Message::take(message)?);
        }
        Ok(())
    }
}

/// A consumed record.
pub struct Message(*mut sys::rd_kafka_message_t);

impl Message {
    fn take(native: *mut sys::rd_kafka_message_t) -> Result<Option<Self>> {
        if native.is_null() {
            return Ok(None);
        }
        let message = Self(native);
        // SAFETY: the message is live.
        match unsafe { (*native).err } {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(Some(message)),
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF => Ok(None),
            code => Err(anyhow!("consuming failed: {code:?}")),
        }
    }

    pub fn partition(&self) -> usize {
        // SAFETY: the message is live.
        usize::try_from(unsafe { (*self.0).partition }).expect("a consumed record has a partition")
    }

    pub fn offset(&self) -> i64 {
        // SAFETY: the message is live.
        unsafe { (*self.0).offset }
    }

    pub fn value(&self) -> &[u8] {
        // SAFETY: payload and length belong together, and live as long as the message.
        unsafe {
            let native = &*self.0;
            if native.payload.is_null() {
                &[]
            } else {
                std::slice::from_raw_parts(native.payload.cast(), native.len)
            }
        }
    }

    fn timestamp(&self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is live.
        unsafe { sys::rd_kafka_message_timestamp(self.0, &mut kind) }.max(0)
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once.
        unsafe { sys::rd_kafka_message_destroy(self.0) }
    }
}

/// A consumer's membership at one moment.
pub struct Membership(*mut sys::rd_kafka_consumer_group_metadata_t);

impl Drop for Membership {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.0) }
    }
}

/// Headers that every record gets a copy of.
pub struct Headers(*mut sys::rd_kafka_headers_t);

impl Headers {
    pub fn new(headers: &[(&str, &str)]) -> Self {
        if headers.is_empty() {
            return Self(ptr::null_mut());
        }
        // SAFETY: the list is made here; names and values are copied with their lengths.
        unsafe {
            let list = sys::rd_kafka_headers_new(headers.len());
            for (name, value) in headers {
                sys::rd_kafka_header_add(
                    list,
                    name.as_ptr().cast(),
                    name.len() as isize,
                    value.as_ptr().cast(),
                    value.len() as isize,
                );
            }
            Self(list)
        }
    }
}

struct Offsets(*mut sys::rd_kafka_topic_partition_list_t);

impl Offsets {
    fn new(topic: &str, next: &[Option<i64>]) -> Result<Self> {
        let topic = CString::new(topic)?;
        // SAFETY: the list is made here; the name is copied; the element returned is live.
        unsafe {
            let list = sys::rd_kafka_topic_partition_list_new(next.len() as i32);
            for (partition, offset) in next.iter().enumerate() {
                if let Some(offset) = offset {
                    let element =
                        sys::rd_kafka_topic_partition_list_add(list, topic.as_ptr(), partition as i32);
                    (*element).offset = *offset;
                }
            }
            Ok(Self(list))
        }
    }
}

impl Drop for Offsets {
    fn drop(&mut self) {
        // SAFETY: owned, destroyed once.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.0) }
    }
}

fn check(code: sys::rd_kafka_resp_err_t) -> Result<()> {
    match code {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(anyhow!("librdkafka: {code:?}")),
    }
}

/// SAFETY: `error` is null, or a live error that the caller owns.
unsafe fn take(error: *mut sys::rd_kafka_error_t) -> Result<()> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: as above; read, then destroyed once.
    unsafe {
        let text = CStr::from_ptr(sys::rd_kafka_error_string(error)).to_string_lossy().into_owned();
        sys::rd_kafka_error_destroy(error);
        Err(anyhow!("librdkafka: {text}"))
    }
}

fn text_of(buffer: &[u8]) -> String {
    let end = buffer.iter().position(|&byte| byte == 0).unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}
