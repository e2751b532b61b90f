//! Topics of the catalog, read from their beginnings to their ends.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use rdkafka::{consumer::Consumer, topic_partition_list::Offset};

use super::{
    Feed, FeedError, LOOK_EVERY, Open, Read, Unfit,
    topics::{Topic, list, log_open, look, look_first, open},
};
use crate::catalog::Kind;

/// How long a restore waits for a transaction that is open on a topic. Kafka itself ends one that is
/// forgotten after a minute by default, and tickets wait meanwhile.
const WAIT_FOR_OPEN: Duration = Duration::from_secs(10);

impl Feed {
    /// Reads the topics of some kinds from their beginnings to their ends, and puts what they hold into the
    /// place of all records of these kinds. Returns what could not be seen; nothing if told to stop
    /// meanwhile.
    ///
    /// One topic after the other, since the end of a partition is reported without its topic. Offsets would
    /// not do: behind a partition's last record there may be transaction markers, which are never delivered.
    pub(super) fn restore(&mut self, kinds: &[Kind]) -> Result<Option<Vec<Open>>, FeedError> {
        let mut topics: Vec<_> = self.topics.iter().filter(|it| kinds.contains(&it.kind)).cloned().collect();
        let found = look_first(self.consumer.client(), &topics).map_err(FeedError::Look)?;
        for (topic, found) in topics.iter_mut().zip(found) {
            topic.id = found?;
            topic.next = Offset::Beginning;
            self.bad.forget(topic.kind);
        }
        self.replacement = Some(self.writer.start_replacement());
        let read = self.read_to_ends(&mut topics);
        let replacement = self.replacement.take().unwrap_or_default();
        let Some(open) = read? else { return Ok(None) };
        for topic in topics {
            self.writer.replace_kind(topic.kind, &replacement);
            self.status.bad(topic.kind, self.bad.count(topic.kind));
            let place = self.topics.iter_mut().find(|it| it.kind == topic.kind);
            *place.expect("each kind has a topic") = topic;
        }
        self.writer.publish();
        Ok(Some(open))
    }

    fn read_to_ends(&mut self, topics: &mut [Topic]) -> Result<Option<Vec<Open>>, FeedError> {
        for topic in topics.iter_mut() {
            self.consumer.assign(&list([&*topic])).map_err(FeedError::Assign)?;
            let mut looked = Instant::now();
            loop {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                match self.read()? {
                    Read::End => break,
                    Read::Nothing if looked.elapsed() >= LOOK_EVERY => {
                        looked = Instant::now();
                        self.look_again(topic)?;
                    }
                    Read::Nothing | Read::More => {}
                }
            }
            self.note_position(std::slice::from_mut(topic))?;
        }
        self.wait_for_open(topics)
    }

    /// Ends a restore whose topic is gone or another one: its end would never come. Brokers that do not
    /// answer are waited for.
    fn look_again(&self, topic: &Topic) -> Result<(), FeedError> {
        let Ok(mut found) = look(self.consumer.client(), [topic]) else { return Ok(()) };
        match found.remove(0)? {
            id if id == topic.id => Ok(()),
            _ => Err(Unfit::Missing(topic.name.clone()).into()),
        }
    }

    /// Waits until all that the topics hold can be seen, for a while. Returns what still cannot; nothing if
    /// told to stop.
    fn wait_for_open(&mut self, topics: &mut [Topic]) -> Result<Option<Vec<Open>>, FeedError> {
        let started = Instant::now();
        let mut is_waiting = false;
        loop {
            // The calls that follow report brokers that do not answer now.
            let open = open(self.consumer.client(), &*topics).unwrap_or_default();
            if !is_waiting && open.is_empty() {
                return Ok(Some(open));
            }
            if !is_waiting {
                is_waiting = true;
                self.consumer.assign(&list(&*topics)).map_err(FeedError::Assign)?;
                tracing::info!(
                    topic = open[0].topic,
                    "a catalog topic has an open transaction, waiting for its end"
                );
            }
            // What has become visible is at hand at once.
            while !matches!(self.read()?, Read::Nothing) {}
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if open.is_empty() || started.elapsed() >= WAIT_FOR_OPEN {
                self.note_position(topics)?;
                open.iter().for_each(log_open);
                return Ok(Some(open));
            }
        }
    }

    pub(super) fn note_position(&self, topics: &mut [Topic]) -> Result<(), FeedError> {
        let reached = self.consumer.position().map_err(FeedError::Assign)?;
        for topic in topics {
            let position = reached.find_partition(&topic.name, 0).map(|it| it.offset());
            if let Some(offset @ Offset::Offset(_)) = position {
                topic.next = offset;
            }
        }
        Ok(())
    }
}
