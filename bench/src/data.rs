//! Tickets and catalog, made from a seed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use xxhash_rust::xxh3::xxh3_64;

use crate::build::{Programs, run};

/// What the marketplace holds.
#[derive(Args, Clone, Debug)]
pub struct World {
    #[arg(long, default_value_t = 10_000)]
    pub offers: u64,
    #[arg(long, default_value_t = 500)]
    pub publishers: u64,
    #[arg(long, default_value_t = 200)]
    pub partners: u64,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// The format of tickets, in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Protobuf,
}

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/protobuf",
        }
    }
}

/// The same tickets in one format.
pub struct Tickets {
    bytes: Vec<u8>,
    /// Where each lies in the bytes.
    places: Vec<std::ops::Range<usize>>,
    format: Format,
}

/// What was made.
pub struct Data {
    pub catalog: PathBuf,
    pub json_file: PathBuf,
    pub json: Tickets,
    pub protobuf: Tickets,
}

impl Data {
    /// Makes the files below `folder`, and reads the tickets.
    pub fn make(programs: &Programs, folder: &Path, world: &World, tickets: usize) -> Result<Self> {
        let catalog = folder.join("catalog");
        run(Command::new(&programs.generator).arg("catalog").arg(&catalog).args(numbers(world)))?;
        let make = |format: &str| -> Result<PathBuf> {
            let path = folder.join(format!("tickets.{format}"));
            run(Command::new(&programs.generator)
                .args(["tickets", "--format", format, "--count", &tickets.to_string()])
                .args(numbers(world))
                .stdout(File::create(&path)?))?;
            Ok(path)
        };
        let (json_file, protobuf_file) = (make("json")?, make("protobuf")?);
        let data = Self {
            json: Tickets::lines(fs::read(&json_file)?),
            protobuf: Tickets::delimited(fs::read(protobuf_file)?)?,
            catalog,
            json_file,
        };
        ensure!(data.json.len() == tickets && data.protobuf.len() == tickets, "tickets are missing");
        Ok(data)
    }

    pub fn tickets(&self, format: Format) -> &Tickets {
        match format {
            Format::Json => &self.json,
            Format::Protobuf => &self.protobuf,
        }
    }
}

fn numbers(world: &World) -> [String; 8] {
    [
        ("--offers", world.offers),
        ("--publishers", world.publishers),
        ("--partners", world.partners),
        ("--seed", world.seed),
    ]
    .map(|(name, number)| [name.to_owned(), number.to_string()])
    .concat()
    .try_into()
    .expect("four names with a number each")
}

impl Tickets {
    fn lines(bytes: Vec<u8>) -> Self {
        let mut places = Vec::new();
        let mut start = 0;
        for (end, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            places.push(start..end);
            start = end + 1;
        }
        Self { bytes, places, format: Format::Json }
    }

    fn delimited(bytes: Vec<u8>) -> Result<Self> {
        let mut places = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let len = prost::decode_length_delimiter(&mut rest)?;
            let start = bytes.len() - rest.len();
            places.push(start..start + len);
            rest = rest.get(len..).context("the last ticket is cut off")?;
        }
        Ok(Self { bytes, places, format: Format::Protobuf })
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.places[index].clone()]
    }

    pub fn digest(&self, index: usize) -> u64 {
        xxh3_64(self.get(index))
    }

    pub fn mean_len(&self) -> f64 {
        self.places.iter().map(std::ops::Range::len).sum::<usize>() as f64 / self.places.len() as f64
    }

    /// The ticket's id, which is the key of its record: the generator writes it first.
    pub fn key(&self, index: usize) -> &[u8] {
        let ticket = self.get(index);
        match self.format {
            Format::Json => {
                let id = ticket.strip_prefix(br#"{"id":""#).expect("the generator writes the id first");
                let end = id.iter().position(|&byte| byte == b'"').expect("a string ends");
                &id[..end]
            }
            // Field 1, a string shorter than 128 bytes.
            Format::Protobuf => &ticket[2..2 + usize::from(ticket[1])],
        }
    }
}

/// The index of a ticket from its id, which ends with it.
pub fn index_of(key: Option<&[u8]>) -> Result<usize> {
    let key = std::str::from_utf8(key.context("a record has no key")?)?;
    match key.rsplit_once('-').map(|(_, digits)| digits.parse()) {
        Some(Ok(index)) => Ok(index),
        _ => bail!("`{key}` is not a key that the generator made"),
    }
}
