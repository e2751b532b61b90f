//! `catalog load` and `catalog export`: between a folder and the topics.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use clap::Args;

use super::{exit, folder::load_folder, topics::ConfigArgs};
use crate::{
    catalog::{Catalog, Encodings, Kind, Snapshot},
    config::Config,
    console::tell,
    kafka::{
        context::Watch,
        feed::{Feed, FeedStatus},
        sender::Sender,
    },
    ticket::Format,
};

/// Arguments of `catalog load` and `catalog export`.
#[derive(Args, Clone, Debug)]
pub struct TransferArgs {
    /// The folder with offers.jsonl, publishers.jsonl and partners.jsonl
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Writes a folder to the catalog's topics. A folder with bad lines is refused whole; what is in the topics and not in the folder stays.
///
/// # Errors
///
/// The brokers do not take the records.
pub fn load(args: &TransferArgs, out: &mut impl Write) -> anyhow::Result<u8> {
    let Some(config) = config(args) else { return Ok(exit::USAGE) };
    let folder = match load_folder(&args.folder, Encodings::PROTOBUF, |finding| tell!("{finding}")) {
        Ok(folder) => folder,
        Err(error) => {
            tell!("error: {error}: {}", error.source);
            return Ok(exit::USAGE);
        }
    };
    if folder.errors() > 0 {
        tell!(
            "error: nothing was written, since {} line(s) cannot be taken; mend them first",
            folder.errors()
        );
        return Ok(exit::DATA);
    }
    let sender = Sender::new(&config)?;
    let snapshot = &folder.snapshot;
    let topics = &config.catalog.topics;
    let format = Format::Protobuf;
    for offer in snapshot.offers() {
        sender.send(&topics.offers, offer.id(), offer.encoded(format), Some(format))?;
    }
    for publisher in snapshot.publishers() {
        sender.send(&topics.publishers, publisher.id(), publisher.encoded(format), Some(format))?;
    }
    for partner in snapshot.partners() {
        sender.send(&topics.partners, partner.id(), partner.encoded(format), Some(format))?;
    }
    sender.finish()?;
    summarize(snapshot, "written to the topics", out)?;
    Ok(0)
}

/// Reads the catalog's topics into a folder, sorted by id; files of the same names are replaced.
///
/// # Errors
///
/// The topics cannot be read, or the folder cannot be written.
pub fn export(args: &TransferArgs, out: &mut impl Write) -> anyhow::Result<u8> {
    let Some(config) = config(args) else { return Ok(exit::USAGE) };
    let status = Arc::new(FeedStatus::default());
    let snapshot = read_topics(&config, &status)?;
    fs::create_dir_all(&args.folder)
        .with_context(|| format!("cannot make the folder `{}`", args.folder.display()))?;
    let json = Format::Json;
    write_file(&args.folder, Kind::Offer, snapshot.offers().map(|it| (it.id(), it.encoded(json))))?;
    write_file(&args.folder, Kind::Publisher, snapshot.publishers().map(|it| (it.id(), it.encoded(json))))?;
    write_file(&args.folder, Kind::Partner, snapshot.partners().map(|it| (it.id(), it.encoded(json))))?;
    summarize(&snapshot, "read from the topics", out)?;
    if status.rejected() > 0 {
        tell!("warning: {} bad record(s) in the topics were left out", status.rejected());
    }
    Ok(0)
}

fn config(args: &TransferArgs) -> Option<Config> {
    args.config.load().map_err(|refused| exit::usage(&refused)).ok()
}

fn read_topics(config: &Config, status: &Arc<FeedStatus>) -> anyhow::Result<Arc<Snapshot>> {
    let (_catalog, writer) = Catalog::new(Encodings::JSON);
    let watch = Watch::new(&config.kafka.security);
    let feed = Feed::new(config, writer, &watch, status, &Arc::default())?;
    Ok(feed.restore_once()?)
}

/// Writes one file whole or not at all.
fn write_file<'r>(
    folder: &Path,
    kind: Kind,
    records: impl Iterator<Item = (&'r str, &'r [u8])>,
) -> anyhow::Result<()> {
    let path = folder.join(kind.file_name());
    let unfinished = folder.join(format!("{}.part", kind.file_name()));
    let mut records: Vec<_> = records.collect();
    records.sort_unstable();
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(&unfinished)?);
        for (_, json) in &records {
            file.write_all(json)?;
            file.write_all(b"\n")?;
        }
        file.into_inner()?.sync_all()?;
        fs::rename(&unfinished, &path)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

fn summarize(snapshot: &Snapshot, what: &str, out: &mut impl Write) -> io::Result<()> {
    let counts = snapshot.counts();
    writeln!(
        out,
        "{} offers, {} publishers, {} partners {what}",
        counts.offers, counts.publishers, counts.partners
    )
}
