//! What the brokers say of topics: their ids, and where their logs end. Both need the right DESCRIBE, which
//! READ implies.

use std::{
    ffi::{CStr, CString},
    ptr::NonNull,
    time::Duration,
};

use rdkafka::{
    client::{Client, ClientContext},
    error::RDKafkaErrorCode,
};
use rdkafka_sys as sys;

use super::milliseconds;

/// How much longer than a request its answer is waited for: librdkafka ends a request that is late by itself.
const SPARE: Duration = Duration::from_secs(1);

/// A topic as the brokers have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// Another one for each topic that was ever created, be its name the same; 0 where the brokers give none.
    pub id: u128,
    /// How many partitions it has.
    pub partitions: usize,
}

/// Which records count for the end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All, those of open transactions included.
    ReadUncommitted,
    /// Those before the first transaction that is still open: what our consumers can see.
    ReadCommitted,
}

/// Describes topics, in the order given.
///
/// # Errors
///
/// The brokers did not answer, or, inside, what they say is wrong with one topic.
pub fn describe<C: ClientContext>(
    client: &Client<C>,
    topics: &[&str],
    timeout: Duration,
) -> Result<Vec<Result<Described, RDKafkaErrorCode>>, RDKafkaErrorCode> {
    let Some(first) = topics.first() else { return Ok(Vec::new()) };
    let names = c_strings(topics)?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let options = Options::new(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout)?;
    // librdkafka would ask the controller, which need not be there: any broker knows. The one that answers is
    // not known by its id if it is the first that this client speaks to.
    let metadata = client
        .fetch_metadata(Some(first), timeout)
        .map_err(|error| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown))?;
    let ids =
        [metadata.orig_broker_id()].into_iter().chain(metadata.brokers().iter().map(|broker| broker.id()));
    options.broker(ids.into_iter().find(|id| *id >= 0).ok_or(RDKafkaErrorCode::BrokerNotAvailable)?)?;
    let answer = options.ask(|native, options, queue| {
        // SAFETY: the names live until the end of this function and are copied; the collection is destroyed
        // once, after the call that copies it; client, options and queue are live.
        unsafe {
            let wanted = sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
            sys::rd_kafka_DescribeTopics(native, wanted, options, queue);
            sys::rd_kafka_TopicCollection_destroy(wanted);
        }
    })?;
    // SAFETY: the event is live and is checked to hold such a result; the array of descriptions lives as long
    // as the event does.
    let found = unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(answer.0.as_ptr());
        if result.is_null() {
            return Err(RDKafkaErrorCode::BadMessage);
        }
        let mut count = 0;
        let found = sys::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        (0..count).map(|index| *found.add(index)).collect::<Vec<_>>()
    };
    let described = |wanted: &CString| {
        // SAFETY: each description lives as long as the event, which outlives this closure; name, error and
        // id belong to it.
        unsafe {
            let topic = found
                .iter()
                .copied()
                .find(|&topic| {
                    CStr::from_ptr(sys::rd_kafka_TopicDescription_name(topic)) == wanted.as_c_str()
                })
                .ok_or(RDKafkaErrorCode::UnknownTopicOrPartition)?;
            let code = sys::rd_kafka_error_code(sys::rd_kafka_TopicDescription_error(topic));
            checked(code)?;
            let id = sys::rd_kafka_TopicDescription_topic_id(topic);
            let high = sys::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
            let low = sys::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
            let mut partitions = 0;
            sys::rd_kafka_TopicDescription_partitions(topic, &mut partitions);
            Ok(Described { id: u128::from(high) << 64 | u128::from(low), partitions })
        }
    };
    Ok(names.iter().map(described).collect())
}

/// Finds where the logs of the topics' first partitions end, in the order given.
///
/// # Errors
///
/// The brokers did not answer for one of them.
pub fn ends<C: ClientContext>(
    client: &Client<C>,
    topics: &[&str],
    isolation: Isolation,
    timeout: Duration,
) -> Result<Vec<i64>, RDKafkaErrorCode> {
    let names = c_strings(topics)?;
    let options = Options::new(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout)?;
    options.isolation(isolation)?;
    let answer = options.ask(|native, options, queue| {
        // SAFETY: the list is made, filled and destroyed here, after the call that copies it; the names live
        // longer and are copied; client, options and queue are live.
        unsafe {
            let wanted = sys::rd_kafka_topic_partition_list_new(names.len() as i32);
            for name in &names {
                let element = sys::rd_kafka_topic_partition_list_add(wanted, name.as_ptr(), 0);
                (*element).offset = sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64;
            }
            sys::rd_kafka_ListOffsets(native, wanted, options, queue);
            sys::rd_kafka_topic_partition_list_destroy(wanted);
        }
    })?;
    // SAFETY: the event is live and is checked to hold such a result; the array and all that its elements
    // point to live as long as the event does.
    unsafe {
        let result = sys::rd_kafka_event_ListOffsets_result(answer.0.as_ptr());
        if result.is_null() {
            return Err(RDKafkaErrorCode::BadMessage);
        }
        let mut count = 0;
        let infos = sys::rd_kafka_ListOffsets_result_infos(result, &mut count);
        let found: Vec<_> = (0..count)
            .map(|index| &*sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*infos.add(index)))
            .collect();
        names
            .iter()
            .map(|name| {
                let end = found.iter().find(|it| CStr::from_ptr(it.topic) == name.as_c_str());
                let end = end.ok_or(RDKafkaErrorCode::UnknownTopicOrPartition)?;
                checked(end.err).map(|()| end.offset)
            })
            .collect()
    }
}

fn c_strings(topics: &[&str]) -> Result<Vec<CString>, RDKafkaErrorCode> {
    topics.iter().map(|topic| CString::new(*topic).map_err(|_| RDKafkaErrorCode::InvalidTopic)).collect()
}

fn checked(code: sys::rd_kafka_resp_err_t) -> Result<(), RDKafkaErrorCode> {
    if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(code.into()) }
}

/// The options of one request.
struct Options<'c> {
    client: *mut sys::rd_kafka_t,
    options: NonNull<sys::rd_kafka_AdminOptions_t>,
    timeout: Duration,
    lives: std::marker::PhantomData<&'c ()>,
}

impl<'c> Options<'c> {
    fn new<C: ClientContext>(
        client: &'c Client<C>,
        operation: sys::rd_kafka_admin_op_t,
        timeout: Duration,
    ) -> Result<Self, RDKafkaErrorCode> {
        let client = client.native_ptr();
        // SAFETY: the client is live; the options are owned from here on.
        let options = unsafe { sys::rd_kafka_AdminOptions_new(client, operation) };
        let options = NonNull::new(options).ok_or(RDKafkaErrorCode::InvalidArgument)?;
        let options = Self { client, options, timeout, lives: std::marker::PhantomData };
        let mut error = [0_u8; 128];
        // SAFETY: the options are live; the error's buffer is as long as is said.
        checked(unsafe {
            sys::rd_kafka_AdminOptions_set_request_timeout(
                options.options.as_ptr(),
                milliseconds(timeout),
                error.as_mut_ptr().cast(),
                error.len(),
            )
        })?;
        Ok(options)
    }

    fn broker(&self, id: i32) -> Result<(), RDKafkaErrorCode> {
        let mut error = [0_u8; 128];
        // SAFETY: the options are live; the error's buffer is as long as is said.
        checked(unsafe {
            sys::rd_kafka_AdminOptions_set_broker(
                self.options.as_ptr(),
                id,
                error.as_mut_ptr().cast(),
                error.len(),
            )
        })
    }

    fn isolation(&self, isolation: Isolation) -> Result<(), RDKafkaErrorCode> {
        use sys::rd_kafka_IsolationLevel_t as level;
        let level = match isolation {
            Isolation::ReadUncommitted => level::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
            Isolation::ReadCommitted => level::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
        };
        // SAFETY: the options are live; the error, if there is one, is owned by `take`.
        let error = unsafe { sys::rd_kafka_AdminOptions_set_isolation_level(self.options.as_ptr(), level) };
        super::NativeError::take(error).map_err(|error| error.code)
    }

    /// Makes the request with `call` and waits for its answer.
    fn ask(
        &self,
        call: impl FnOnce(*mut sys::rd_kafka_t, *const sys::rd_kafka_AdminOptions_t, *mut sys::rd_kafka_queue_t),
    ) -> Result<Answer, RDKafkaErrorCode> {
        // SAFETY: the client is live; the queue is made and destroyed here, and librdkafka holds a reference
        // of its own while a request is under way; the event is owned from here on.
        let event = unsafe {
            let queue = sys::rd_kafka_queue_new(self.client);
            call(self.client, self.options.as_ptr(), queue);
            let event = sys::rd_kafka_queue_poll(queue, milliseconds(self.timeout + SPARE));
            sys::rd_kafka_queue_destroy(queue);
            event
        };
        let answer = Answer(NonNull::new(event).ok_or(RDKafkaErrorCode::OperationTimedOut)?);
        // SAFETY: the event is live.
        checked(unsafe { sys::rd_kafka_event_error(answer.0.as_ptr()) })?;
        Ok(answer)
    }
}

impl Drop for Options<'_> {
    fn drop(&mut self) {
        // SAFETY: the options are owned and destroyed once.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.options.as_ptr()) }
    }
}

/// An answer of the brokers.
struct Answer(NonNull<sys::rd_kafka_event_t>);

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: the event is owned and destroyed once.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}
