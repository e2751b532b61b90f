//! The concurrent reader.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rdkafka::Message;
use ticket_router_harness::{Record, from_beginning, reader};
use ticket_router_proof::{
    judge::Seen,
    notes::{FINISHED, WATCHING},
    topics::Names,
};

/// A reader that has seen nothing for this long after the end has seen all that it will.
const QUIET: Duration = Duration::from_secs(3);

/// Reads along until the run is over.
pub fn watch(bootstrap: &str, names: &Names, folder: &Path) -> Result<Seen> {
    let consumer = reader(bootstrap, "read_committed", &[])?;
    from_beginning(&consumer, &names.outgoing)?;
    fs::write(folder.join(WATCHING), "")?;
    let mut seen = Seen::default();
    let mut last_new = Instant::now();
    while !folder.join(FINISHED).exists() || last_new.elapsed() < QUIET {
        for _ in 0..1_000 {
            match consumer.poll(Duration::from_millis(20)) {
                Some(Ok(message)) => {
                    last_new = Instant::now();
                    let topic = names.index(message.topic()).context("a record of no outgoing topic")?;
                    seen.enter(topic, &Record::from(&message));
                }
                // Brokers come and go; it reads on.
                Some(Err(_)) => {}
                None => break,
            }
        }
    }
    Ok(seen)
}
