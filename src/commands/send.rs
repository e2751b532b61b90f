//! `ticket-router send`: tickets to the incoming topic, for a person to try the router out.

use std::{
    io::{BufReader, Write},
    path::PathBuf,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::Deserialize;

use super::{
    config::ConfigArgs,
    exit::{Ended, Exit, Failure, OrExit as _},
    input::{Piece, Tickets, open},
    io::Io,
};
use crate::{
    catalog::Quoted,
    console::count,
    kafka::{check::check_topics, sender::Sender, topics::Use},
    ticket::Format,
};

/// Send tickets to the incoming topic
///
/// A ticket is a line of JSON, or JSON printed over several lines. Its key is its `id`, so that all versions
/// of a ticket keep their order.
#[derive(Args, Clone, Debug)]
pub struct SendArgs {
    /// The file of tickets; standard input without it
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The key of all records, instead of each ticket's id
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// The field of a ticket that becomes its key.
#[derive(Deserialize)]
struct Id {
    id: String,
}

impl SendArgs {
    /// Sends the tickets, and says where each one is.
    ///
    /// # Errors
    ///
    /// The settings are refused, the topic is not there or does not take a record, or something else than a ticket with
    /// an id comes and no key is given.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        let config = self.config.load(io)?;
        let topic = config.topics.incoming.as_str();
        let report =
            check_topics(&config, &[("topics.incoming", topic, Use::Output)]).or_exit(Exit::Usage)?;
        io.tell_findings(&report)?;
        let mut sender = Sender::new(&config).or_exit(Exit::Usage)?;
        let Io { input, out, err, .. } = io;
        let input = BufReader::new(open(self.file.as_deref(), *input)?);
        let mut tickets = Tickets::new(input, config.limits.max_record_bytes);
        let (mut ticket, mut keys, mut sent) = (Vec::new(), Vec::new(), 0_u64);
        let mut ended = Ok(Exit::Done);
        while let Some(piece) = tickets.next(&mut ticket)? {
            match key(self.key.as_deref(), piece, &ticket) {
                Ok(key) => {
                    // Anything can be sent, to see what becomes of it.
                    let format = ticket.starts_with(b"{").then_some(Format::Json);
                    sender.send(topic, &key, &ticket, format)?;
                    keys.push(key);
                }
                Err(error) => {
                    let place = format!("ticket {} was not sent", sent + keys.len() as u64 + 1);
                    ended = Err(Failure::from(error.context(place)));
                }
            }
            // Somebody who types sees where a ticket is before the next one.
            if ended.is_err() || !tickets.is_at_hand() || keys.len() >= 10_000 {
                sent += tell_places(&mut keys, topic, &sender, *out)?;
            }
            if ended.is_err() {
                break;
            }
        }
        sent += tell_places(&mut keys, topic, &sender, *out)?;
        writeln!(err, "{} sent", count(sent, "ticket"))?;
        ended
    }
}

fn tell_places(
    keys: &mut Vec<String>,
    topic: &str,
    sender: &Sender,
    out: &mut dyn Write,
) -> anyhow::Result<u64> {
    let places = sender.delivered()?;
    let sent = places.len() as u64;
    for (key, place) in keys.drain(..).zip(places) {
        let (partition, offset) = (place.partition, place.offset);
        writeln!(out, "{} is in {topic}, partition {partition}, offset {offset}", Quoted(&key))?;
    }
    out.flush()?;
    Ok(sent)
}

fn key(given: Option<&str>, piece: Piece, ticket: &[u8]) -> anyhow::Result<String> {
    if let Piece::TooLong(len) = piece {
        return Err(anyhow!("it has {len} bytes, more than `limits.max_record_bytes`"));
    }
    if let Some(key) = given {
        return Ok(key.to_owned());
    }
    let id: Id = serde_json::from_slice(ticket)
        .context("it has no `id` to be its key; correct it, or give a key with `--key`")?;
    Ok(id.id)
}
