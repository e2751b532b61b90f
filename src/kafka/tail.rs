//! Reads what is written to some topics, for a person to see: not part of the routing path.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Message},
    topic_partition_list::Offset,
};

use super::{
    clients::{self, ClientRefused},
    connect,
    context::{Context, Watch},
    ffi::incoming_headers,
};
use crate::config::Config;

const METADATA_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to look for the last records of the topics.
const LAST_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// The topics cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The settings are refused.
    #[error(transparent)]
    Client(#[from] ClientRefused),
    /// The brokers do not say, or do not take, where to start.
    #[error("the topics cannot be read")]
    Assign(#[source] KafkaError),
    /// The brokers do not give the records.
    #[error("the topics cannot be read any more")]
    Read(#[source] KafkaError),
    /// The brokers were too slow.
    #[error("the last records were not found within {} s", LAST_WITHIN.as_secs())]
    Late,
}

/// Where to start in every partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// With what comes from now on.
    Now,
    /// With the oldest record.
    Beginning,
    /// With the last records of all the topics together, this number by their timestamps.
    Last(usize),
    /// With the records of this time, in milliseconds since 1970.
    Since(i64),
}

/// A consumer of all partitions of some topics that belongs to no group and commits nothing. It sees records of
/// committed transactions only.
pub struct Tail {
    consumer: BaseConsumer<Context>,
    /// Records that were read to find out where to start.
    early: VecDeque<Seen>,
}

/// A record, copied.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970, if it has one.
    pub timestamp: Option<i64>,
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Its value; empty if there is none.
    pub value: Vec<u8>,
    /// Its headers with UTF-8 names and values; others are left out.
    pub headers: Vec<(String, String)>,
}

impl Seen {
    /// Returns the last header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|it| it.0 == name).map(|it| it.1.as_str())
    }
}

type Partition = (String, i32);

/// The part of a partition that still can be read.
#[derive(Clone, Copy)]
struct Bounds {
    low: i64,
    high: i64,
}

impl Tail {
    /// Starts to read.
    ///
    /// # Errors
    ///
    /// The settings are refused, the topics are not there, or the brokers do not answer.
    pub fn new(config: &Config, topics: &[&str], from: From) -> Result<Self, TailError> {
        let client = clients::catalog_consumer(config).map_err(ClientRefused::from)?;
        let watch = Watch::new(&config.kafka.security);
        let consumer = connect::consumer(&client, &watch)?;
        watch.log_in(consumer.client())?;
        let mut tail = Self { consumer, early: VecDeque::new() };
        let bounds = tail.bounds(topics).map_err(TailError::Assign)?;
        let starts = match from {
            // A number, not "the end": that would be looked up with the first fetch, which may come after the
            // first record.
            From::Now => bounds.iter().map(|(place, bounds)| (place.clone(), bounds.high)).collect(),
            From::Beginning => bounds.iter().map(|(place, bounds)| (place.clone(), bounds.low)).collect(),
            From::Since(time) => tail.since(&bounds, time).map_err(TailError::Assign)?,
            From::Last(count) => tail.last(&bounds, count)?,
        };
        tail.assign(&starts).map_err(TailError::Assign)?;
        Ok(tail)
    }

    fn bounds(&self, topics: &[&str]) -> Result<HashMap<Partition, Bounds>, KafkaError> {
        let mut all = HashMap::new();
        for &topic in topics {
            let metadata = self.consumer.fetch_metadata(Some(topic), METADATA_TIMEOUT)?;
            for partition in metadata.topics().iter().flat_map(|it| it.partitions()) {
                let (low, high) = self.consumer.fetch_watermarks(topic, partition.id(), METADATA_TIMEOUT)?;
                all.insert((topic.to_owned(), partition.id()), Bounds { low, high });
            }
        }
        Ok(all)
    }

    fn assign(&self, starts: &HashMap<Partition, i64>) -> Result<(), KafkaError> {
        let mut assignment = TopicPartitionList::new();
        for ((topic, partition), offset) in starts {
            assignment.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
        }
        self.consumer.assign(&assignment)
    }

    fn since(
        &self,
        bounds: &HashMap<Partition, Bounds>,
        time: i64,
    ) -> Result<HashMap<Partition, i64>, KafkaError> {
        let mut wanted = TopicPartitionList::new();
        for (topic, partition) in bounds.keys() {
            wanted.add_partition_offset(topic, *partition, Offset::Offset(time))?;
        }
        let found = self.consumer.offsets_for_times(wanted, METADATA_TIMEOUT)?;
        let start = |(place, bounds): (&Partition, &Bounds)| {
            let found = found.find_partition(&place.0, place.1).map(|it| it.offset());
            // Without an offset there is no record of that time or later.
            let offset = if let Some(Offset::Offset(offset)) = found { offset } else { bounds.high };
            (place.clone(), offset)
        };
        Ok(bounds.iter().map(start).collect())
    }

    /// Keeps the last records of all topics together, and returns where to go on.
    fn last(
        &mut self,
        bounds: &HashMap<Partition, Bounds>,
        count: usize,
    ) -> Result<HashMap<Partition, i64>, TailError> {
        let deadline = Instant::now() + LAST_WITHIN;
        let topics: HashSet<&str> = bounds.keys().map(|(topic, _)| topic.as_str()).collect();
        let mut found = HashMap::new();
        for topic in topics {
            let of_topic = bounds.iter().filter(|((it, _), _)| it == topic);
            let open = of_topic.map(|((_, partition), bounds)| (*partition, *bounds)).collect();
            for (partition, records) in self.last_of(topic, open, count, deadline)? {
                found.insert((topic.to_owned(), partition), records);
            }
        }
        let next = |(place, bounds): (&Partition, &Bounds)| {
            let after = found.get(place).and_then(VecDeque::back).map_or(bounds.high, |it| it.offset + 1);
            (place.clone(), after)
        };
        let starts = bounds.iter().map(next).collect();
        let mut all: Vec<Seen> = found.into_values().flatten().collect();
        all.sort_by_key(|seen| (seen.timestamp, seen.offset));
        self.early = all.split_off(all.len().saturating_sub(count)).into();
        Ok(starts)
    }

    /// Reads the last records of each partition of one topic, from further and further back until they are enough:
    /// what lies between two offsets may be markers of transactions and aborted records.
    fn last_of(
        &self,
        topic: &str,
        mut open: HashMap<i32, Bounds>,
        count: usize,
        deadline: Instant,
    ) -> Result<HashMap<i32, VecDeque<Seen>>, TailError> {
        let mut found: HashMap<i32, VecDeque<Seen>> = HashMap::new();
        let mut back = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(2).max(1);
        open.retain(|_, it| it.low < it.high);
        while !open.is_empty() {
            let start = |it: &Bounds| it.high.saturating_sub(back).max(it.low);
            let starts = open.iter().map(|(&partition, it)| ((topic.to_owned(), partition), start(it)));
            self.assign(&starts.collect()).map_err(TailError::Assign)?;
            // The event of an end does not name its topic, so only one topic is read at a time.
            let mut unread: HashSet<i32> = open.keys().copied().collect();
            found.retain(|partition, _| !open.contains_key(partition));
            while !unread.is_empty() {
                if Instant::now() > deadline {
                    return Err(TailError::Late);
                }
                match self.poll(POLL)? {
                    Polled::Record(seen) => {
                        let kept = found.entry(seen.partition).or_default();
                        kept.push_back(seen);
                        if kept.len() > count {
                            kept.pop_front();
                        }
                    }
                    Polled::End(partition) => drop(unread.remove(&partition)),
                    Polled::Nothing => {}
                }
            }
            let is_enough = |partition: &i32| found.get(partition).is_some_and(|it| it.len() >= count);
            open.retain(|partition, it| !is_enough(partition) && start(it) > it.low);
            back = back.saturating_mul(4);
        }
        Ok(found)
    }

    /// Waits for the next record; `None` if none came in time.
    ///
    /// # Errors
    ///
    /// The brokers give no more records.
    pub fn next(&mut self, wait: Duration) -> Result<Option<Seen>, TailError> {
        if let Some(seen) = self.early.pop_front() {
            return Ok(Some(seen));
        }
        let deadline = Instant::now() + wait;
        loop {
            match self.poll(deadline.saturating_duration_since(Instant::now()))? {
                Polled::Record(seen) => return Ok(Some(seen)),
                Polled::End(_) if Instant::now() < deadline => {}
                Polled::End(_) | Polled::Nothing => return Ok(None),
            }
        }
    }

    fn poll(&self, wait: Duration) -> Result<Polled, TailError> {
        match self.consumer.poll(wait) {
            None => Ok(Polled::Nothing),
            Some(Ok(message)) => Ok(Polled::Record(copied(&message))),
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Polled::End(partition)),
            Some(Err(error)) if is_final(&error) => Err(TailError::Read(error)),
            // The client tries again by itself.
            Some(Err(_)) => Ok(Polled::Nothing),
        }
    }
}

enum Polled {
    Record(Seen),
    End(i32),
    Nothing,
}

fn is_final(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::TopicAuthorizationFailed
                | Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::SaslAuthenticationFailed
                | Code::Authentication
                | Code::Fatal
        )
    )
}

fn copied(message: &BorrowedMessage<'_>) -> Seen {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).ok();
    Seen {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().unwrap_or_default().to_owned(),
        headers: incoming_headers(message.headers())
            .filter_map(|(name, value)| Some((text(name)?, text(value?)?)))
            .collect(),
    }
}
