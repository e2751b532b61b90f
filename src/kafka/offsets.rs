//! The offset at which each partition of the input is read, and when the router cannot tell.

use std::{fmt, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
    topic_partition_list::TopicPartitionListElem,
};

use crate::config::StartAt;

/// What the broker knows of one partition of the incoming topic, for one group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PartitionState {
    /// Number of the partition.
    pub partition: i32,
    /// The offset that the group committed, if it did.
    pub committed: Option<i64>,
    /// Offset of the oldest record that is still there (low watermark).
    pub low: i64,
    /// Offset of the next record to come (high watermark).
    pub high: i64,
}

/// Where to read one partition from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// At the offset that the group committed.
    Committed(i64),
    /// The group never committed anywhere: at the offset that `worker.start_new_group_at` means now. It is to be
    /// committed at once, for all partitions, so that a restart is not taken for a first start again.
    NewGroup(i64),
    /// The group committed elsewhere, so this partition is newer than the group: at its oldest record.
    NewPartition(i64),
    /// Tickets between the committed offset and the log are gone, or the log is another one.
    OutOfRange {
        /// The offset that the group committed.
        committed: i64,
        /// Offset of the oldest record.
        low: i64,
        /// Offset of the next record to come.
        high: i64,
    },
}

/// A group's offset that its partition's log does not hold, for a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LostOffset {
    /// The brokers, as configured.
    pub bootstrap_servers: String,
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset that the group committed.
    pub committed: i64,
    /// Offset of the oldest record.
    pub low: i64,
    /// Offset of the next record to come.
    pub high: i64,
}

impl LostOffset {
    /// What was found.
    pub fn finding(&self) -> String {
        let Self { group, topic, partition, committed, low, high, .. } = self;
        let (missing, why) = if committed < low {
            (
                low - committed,
                "they held tickets, or only transaction markers and records of aborted transactions: the offsets alone cannot tell which",
            )
        } else {
            (committed - high, "the topic was recreated, or its log was cut by an unclean election")
        };
        let missing = if missing == 1 { "1 offset is".to_owned() } else { format!("{missing} offsets are") };
        format!(
            "group `{group}` committed offset {committed} of partition {partition} of topic `{topic}`, but the log holds {low} to {high}; \
             {missing} missing, and {why}"
        )
    }

    /// The one command that goes on, and what it costs.
    pub fn remedy(&self) -> String {
        let Self { bootstrap_servers, group, topic, partition, committed, low, .. } = self;
        let what = if committed < low {
            "if the missing offsets held no ticket, or you accept the loss"
        } else {
            "to route the tickets that the topic holds now"
        };
        format!(
            "{what}, stop all copies, run `kafka-consumer-groups.sh --bootstrap-server {bootstrap_servers} --group {group} --topic {topic}:{partition} \
             --reset-offsets --to-offset {low} --execute` and restart; the router never skips or repeats tickets on its own"
        )
    }
}

impl fmt::Display for LostOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.finding(), self.remedy())
    }
}

/// Asks the brokers for the bounds of each partition, and puts them next to what the group committed.
pub(super) fn states_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    committed: &TopicPartitionList,
    timeout: impl Fn() -> Duration,
) -> Result<Vec<PartitionState>, KafkaError> {
    let state = |element: &TopicPartitionListElem<'_>| {
        element.error()?;
        let (low, high) = consumer.fetch_watermarks(topic, element.partition(), timeout())?;
        let committed = match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        Ok(PartitionState { partition: element.partition(), committed, low, high })
    };
    committed.elements().iter().map(state).collect()
}

/// Decides where each partition starts, in the order given.
pub fn starts(partitions: &[PartitionState], new_group: StartAt) -> Vec<Start> {
    let is_new = partitions.iter().all(|partition| partition.committed.is_none());
    let start = |state: &PartitionState| match (state.committed, new_group) {
        (Some(offset), _) if (state.low..=state.high).contains(&offset) => Start::Committed(offset),
        (Some(committed), _) => Start::OutOfRange { committed, low: state.low, high: state.high },
        (None, _) if !is_new => Start::NewPartition(state.low),
        (None, StartAt::Earliest) => Start::NewGroup(state.low),
        (None, StartAt::Latest) => Start::NewGroup(state.high),
    };
    partitions.iter().map(start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(committed: Option<i64>) -> PartitionState {
        PartitionState { partition: 0, committed, low: 10, high: 20 }
    }

    #[test]
    fn a_group_that_never_committed_starts_where_the_config_says() {
        assert_eq!(starts(&[state(None); 2], StartAt::Earliest), [Start::NewGroup(10); 2]);
        assert_eq!(starts(&[state(None)], StartAt::Latest), [Start::NewGroup(20)]);
    }

    #[test]
    fn a_partition_that_was_added_later_starts_at_its_beginning_whatever_the_config_says() {
        let found = starts(&[state(Some(15)), state(None)], StartAt::Latest);
        assert_eq!(found, [Start::Committed(15), Start::NewPartition(10)]);
    }

    #[test]
    fn a_lost_offset_is_told_with_what_may_be_missing_and_the_command_that_goes_on() {
        let lost = |committed| LostOffset {
            bootstrap_servers: "kafka:9092".to_owned(),
            group: "router".to_owned(),
            topic: "tickets.incoming".to_owned(),
            partition: 3,
            committed,
            low: 10,
            high: 20,
        };
        let text = lost(9).to_string();
        assert!(
            text.contains("the log holds 10 to 20; 1 offset is missing, and they held tickets"),
            "{text}"
        );
        let text = lost(4).to_string();
        assert!(text.contains("6 offsets are missing") && text.contains("transaction markers"), "{text}");
        assert!(
            text.contains(
                "kafka-consumer-groups.sh --bootstrap-server kafka:9092 --group router --topic tickets.incoming:3 --reset-offsets --to-offset 10 --execute"
            ),
            "{text}"
        );
        let text = lost(25).to_string();
        assert!(text.contains("5 offsets are missing, and the topic was recreated"), "{text}");
    }

    #[test]
    fn an_offset_outside_the_log_is_never_replaced() {
        let lost = |committed| Start::OutOfRange { committed, low: 10, high: 20 };
        let found =
            starts(&[state(Some(9)), state(Some(10)), state(Some(20)), state(Some(21))], StartAt::Earliest);
        assert_eq!(found, [lost(9), Start::Committed(10), Start::Committed(20), lost(21)]);
    }
}
