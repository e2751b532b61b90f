//! `catalog load`, `catalog export` and `catalog check --config`: a folder and the topics.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use clap::Args;

use super::{catalog::plural, exit, topics::ConfigArgs};
use crate::{
    catalog::{Catalog, Encodings, Finding, Kind, Level, Quoted, Snapshot, check as check_records},
    config::Config,
    console::tell,
    folder::load_folder,
    kafka::{
        check::{Severity, check_catalog},
        context::Watch,
        feed::{BadRecord, Feed, FeedError, Restored},
        sender::Sender,
    },
    ticket::Format,
};

/// A folder, and the topics of a config.
#[derive(Args, Clone, Debug)]
pub struct TransferArgs {
    /// The folder with offers.jsonl, publishers.jsonl and partners.jsonl
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Arguments of `catalog export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    transfer: TransferArgs,
    /// Replace a file that holds records by an empty one, if the topic is empty
    #[arg(long)]
    force: bool,
}

/// Writes a folder to the catalog's topics. A folder with bad lines is refused whole; what is in the topics and not in the folder stays.
///
/// # Errors
///
/// The brokers do not take the records.
pub fn load(args: &TransferArgs, out: &mut impl Write) -> anyhow::Result<u8> {
    let config = match checked_config(&args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let folder = match load_folder(&args.folder, Encodings::BOTH, |finding| tell!("{finding}")) {
        Ok(folder) => folder,
        Err(error) => {
            tell!("error: {error}: {}", error.source);
            return Ok(exit::USAGE);
        }
    };
    if folder.errors() > 0 {
        tell!(
            "error: nothing was written, since {} line(s) cannot be taken; correct them first",
            folder.errors()
        );
        return Ok(exit::DATA);
    }
    let sender = Sender::new(&config)?;
    let snapshot = &folder.snapshot;
    let topics = &config.catalog.topics;
    for offer in snapshot.offers() {
        let format = format_of(offer.is_odd());
        sender.send(&topics.offers, offer.id(), offer.encoded(format), Some(format))?;
    }
    for publisher in snapshot.publishers() {
        let format = format_of(publisher.is_odd());
        sender.send(&topics.publishers, publisher.id(), publisher.encoded(format), Some(format))?;
    }
    for partner in snapshot.partners() {
        let format = format_of(partner.is_odd());
        sender.send(&topics.partners, partner.id(), partner.encoded(format), Some(format))?;
    }
    sender.finish()?;
    summarize(snapshot, "written to the topics", out)?;
    tell!("note: nothing was removed; `ticket-router catalog remove` removes records that the folder lacks");
    Ok(0)
}

/// Protobuf, except for a record with a value whose number this version does not know.
const fn format_of(is_odd: bool) -> Format {
    if is_odd { Format::Json } else { Format::Protobuf }
}

/// Reads the catalog's topics into a folder, sorted by id; files of the same names are replaced, all or none
/// as far as a file system allows it.
///
/// # Errors
///
/// The topics cannot be read, or the folder cannot be written.
pub fn export(args: &ExportArgs, out: &mut impl Write) -> anyhow::Result<u8> {
    let (config, restored) = match read_topics(&args.transfer.config, Encodings::JSON)? {
        Ok(read) => read,
        Err(code) => return Ok(code),
    };
    let (folder, snapshot) = (&args.transfer.folder, &restored.snapshot);
    let emptied: Vec<_> = Kind::ALL
        .into_iter()
        .filter(|&kind| snapshot.counts().of(kind) == 0 && holds_records(&folder.join(kind.file_name())))
        .collect();
    if !emptied.is_empty() && !args.force {
        for kind in emptied {
            tell!(
                "error: topic `{}` is empty, and `{}` holds records; `--force` replaces it all the same",
                topic(&config, kind),
                folder.join(kind.file_name()).display()
            );
        }
        tell!("nothing was written");
        return Ok(exit::DATA);
    }
    write_folder(folder, snapshot)?;
    summarize(snapshot, "read from the topics", out)?;
    if !restored.bad.is_empty() {
        tell!(
            "warning: {} bad record(s) in the topics were left out; `ticket-router catalog check --config FILE` lists them",
            restored.bad.len()
        );
    }
    Ok(0)
}

/// Checks what the topics hold: every bad record and every finding a line on `err`, a summary on `out`.
///
/// # Errors
///
/// The topics cannot be read, or `out` and `err` cannot be written.
pub fn check(args: &ConfigArgs, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<u8> {
    let (config, restored) = match read_topics(args, Encodings::PROTOBUF)? {
        Ok(read) => read,
        Err(code) => return Ok(code),
    };
    for bad in &restored.bad {
        let BadRecord { topic, partition, offset, problem, .. } = bad;
        let key = bad.key.as_ref().map(|key| String::from_utf8_lossy(key));
        let key = key.map_or_else(|| "none".to_owned(), |key| Quoted(&key).to_string());
        writeln!(err, "{topic}: error: partition {partition} offset {offset} key {key}: {problem}")?;
    }
    let findings = check_records(&restored.snapshot);
    for Finding { problem, file, .. } in &findings {
        let kind = Kind::ALL.into_iter().find(|kind| kind.file_name() == file);
        writeln!(err, "{}: warning: {problem}", kind.map_or(file.as_str(), |kind| topic(&config, kind)))?;
    }
    debug_assert!(findings.iter().all(|it| it.level() == Level::Warning));
    for kind in Kind::ALL {
        let bad = restored.bad.iter().filter(|bad| bad.kind == kind).count();
        let kept = plural(restored.snapshot.counts().of(kind) as u64, "record");
        write!(out, "{}: {kept}", topic(&config, kind))?;
        if bad > 0 {
            write!(out, ", {bad} bad")?;
        }
        writeln!(out)?;
    }
    let errors = restored.bad.len() as u64;
    writeln!(out, "{}, {}", plural(errors, "error"), plural(findings.len() as u64, "warning"))?;
    Ok(if errors == 0 { 0 } else { exit::DATA })
}

/// Returns the topic of one kind.
pub(super) fn topic(config: &Config, kind: Kind) -> &str {
    let topics = &config.catalog.topics;
    match kind {
        Kind::Offer => &topics.offers,
        Kind::Publisher => &topics.publishers,
        Kind::Partner => &topics.partners,
    }
}

/// Loads the settings and checks that the catalog's topics are as they must be.
fn checked_config(args: &ConfigArgs) -> Result<Config, u8> {
    let config = args.load().map_err(|refused| {
        exit::usage(&refused);
        exit::USAGE
    })?;
    let report = check_catalog(&config).map_err(|refused| {
        exit::usage(&refused);
        exit::USAGE
    })?;
    for finding in report.findings.iter().filter(|it| it.severity != Severity::Info) {
        tell!("{finding}");
    }
    if report.is_ok() { Ok(config) } else { Err(exit::of_check(&report)) }
}

/// Reads the catalog's topics to their ends; inside, the exit code after the reason was printed.
pub(super) fn read_topics(
    args: &ConfigArgs,
    encodings: Encodings,
) -> anyhow::Result<Result<(Config, Restored), u8>> {
    let config = match checked_config(args) {
        Ok(config) => config,
        Err(code) => return Ok(Err(code)),
    };
    let (_catalog, writer) = Catalog::new(encodings);
    let watch = Watch::new(&config.kafka.security);
    let feed = Feed::new(&config, writer, &watch, &Arc::default(), &Arc::default())?;
    let restored = match feed.restore_once() {
        Err(FeedError::Unfit(unfit)) => {
            tell!("error: {unfit}");
            return Ok(Err(exit::BROKER));
        }
        restored => restored?,
    };
    for open in &restored.open {
        tell!(
            "warning: a transaction on topic `{}` is still open: what it and later writers wrote ({} offsets) is not seen",
            open.topic,
            open.offsets
        );
    }
    Ok(Ok((config, restored)))
}

fn holds_records(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| !bytes.trim_ascii().is_empty())
}

/// Writes all files beside their places, and then puts them there.
fn write_folder(folder: &Path, snapshot: &Snapshot) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    let json = Format::Json;
    let beside = |kind: Kind| folder.join(format!("{}.part", kind.file_name()));
    let write = |kind: Kind| match kind {
        Kind::Offer => write_file(&beside(kind), snapshot.offers().map(|it| (it.id(), it.encoded(json)))),
        Kind::Publisher => {
            write_file(&beside(kind), snapshot.publishers().map(|it| (it.id(), it.encoded(json))))
        }
        Kind::Partner => write_file(&beside(kind), snapshot.partners().map(|it| (it.id(), it.encoded(json)))),
    };
    let written = Kind::ALL.into_iter().try_for_each(|kind| {
        write(kind).with_context(|| format!("cannot write `{}`", beside(kind).display()))
    });
    if written.is_err() {
        for kind in Kind::ALL {
            // The first error is the one to tell.
            drop(fs::remove_file(beside(kind)));
        }
        return written;
    }
    for kind in Kind::ALL {
        let place = folder.join(kind.file_name());
        fs::rename(beside(kind), &place).with_context(|| format!("cannot write `{}`", place.display()))?;
    }
    let sync = || File::open(folder)?.sync_all();
    sync().with_context(|| format!("cannot write the folder `{}`", folder.display()))
}

fn write_file<'r>(file: &Path, records: impl Iterator<Item = (&'r str, &'r [u8])>) -> io::Result<()> {
    let mut records: Vec<_> = records.collect();
    records.sort_unstable();
    let mut file = BufWriter::new(File::create(file)?);
    for (_, json) in &records {
        file.write_all(json)?;
        file.write_all(b"\n")?;
    }
    file.into_inner()?.sync_all()
}

fn summarize(snapshot: &Snapshot, what: &str, out: &mut impl Write) -> io::Result<()> {
    let counts = snapshot.counts();
    writeln!(
        out,
        "{} offers, {} publishers, {} partners {what}",
        counts.offers, counts.publishers, counts.partners
    )
}
