//! `catalog load`, `catalog export` and `catalog check --config`: a folder and the topics.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::empty;
use crate::{
    catalog::{Catalog, Encodings, Kind, Level, Quoted, Snapshot, check as check_records},
    commands::{
        config::ConfigArgs,
        exit::{Ended, Exit, Failure, OrExit as _},
        findings::{Finding as Found, Severity, Verdict},
        io::Io,
    },
    config::Config,
    console::count,
    folder::load_folder,
    kafka::{
        check::check_catalog,
        context::Watch,
        feed::{BadRecord, Feed, FeedError, Restored},
        sender::Sender,
    },
    ticket::Format,
};

/// Write a folder to the catalog's topics.
///
/// It removes nothing: a record that the topics have and the folder lacks stays. `catalog remove` removes
/// it.
#[derive(Args, Clone, Debug)]
pub struct LoadArgs {
    /// The folder with offers.jsonl, publishers.jsonl and partners.jsonl
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Read the catalog's topics into a folder
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The folder to write offers.jsonl, publishers.jsonl and partners.jsonl to
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
    /// Replace a file that holds records by an empty one, if the topic is empty
    #[arg(long)]
    force: bool,
}

impl LoadArgs {
    /// Writes a folder to the catalog's topics. A folder with bad lines is refused whole; what is in the topics and
    /// not in the folder stays.
    pub(super) fn run(self, io: &mut Io<'_>) -> Ended {
        let config = checked_config(&self.config, io)?;
        let folder = load_folder(&self.folder, Encodings::BOTH, |finding| io.tell(&finding.to_string()))
            .or_exit(Exit::Usage)?;
        if folder.errors() > 0 {
            let lines = count(folder.errors(), "line");
            let error = anyhow!("nothing was written, since {lines} cannot be taken; correct them first");
            return Err(Failure::Error(Exit::Data, error));
        }
        let mut sender = Sender::new(&config)?;
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
        summarize(snapshot, "written to the topics", io.out)?;
        io.tell(
            "note: nothing was removed; `ticket-router catalog remove` removes records that the folder lacks",
        );
        Ok(Exit::Done)
    }
}

/// Protobuf, except for a record with a value whose number this version does not know.
const fn format_of(is_odd: bool) -> Format {
    if is_odd { Format::Json } else { Format::Protobuf }
}

impl ExportArgs {
    /// Reads the catalog's topics into a folder, sorted by id; files of the same names are replaced, all or none
    /// as far as a file system allows it.
    pub(super) fn run(self, io: &mut Io<'_>) -> Ended {
        let (config, restored) = read_topics(&self.config, Encodings::JSON, io)?;
        let snapshot = &restored.snapshot;
        let file = |kind: Kind| self.folder.join(kind.file_name());
        let emptied: Vec<_> = Kind::ALL
            .into_iter()
            .filter(|&kind| snapshot.counts().of(kind) == 0 && holds_records(&file(kind)))
            .collect();
        if !emptied.is_empty() && !self.force {
            for kind in emptied {
                io.tell(&format!(
                    "error: topic `{}` is empty, and `{}` holds records; `--force` replaces it all the same",
                    topic(&config, kind),
                    file(kind).display()
                ));
            }
            io.tell("nothing was written");
            return Err(Failure::Told(Exit::Data));
        }
        write_folder(&self.folder, snapshot)?;
        summarize(snapshot, "read from the topics", io.out)?;
        if !restored.bad.is_empty() {
            io.tell(&format!(
                "warning: {} in the topics left out; `ticket-router catalog check --config FILE` lists them",
                count(restored.bad.len() as u64, "bad record")
            ));
        }
        Ok(Exit::Done)
    }
}

/// Checks what the topics hold: every bad record and every finding a line on `err`, a summary on `out`.
pub(super) fn check(args: &ConfigArgs, io: &mut Io<'_>) -> Result<Verdict, Failure> {
    let (config, restored) = read_topics(args, Encodings::PROTOBUF, io)?;
    for bad in &restored.bad {
        let BadRecord { topic, partition, offset, problem, .. } = bad;
        let key = bad.key.as_ref().map(|key| String::from_utf8_lossy(key));
        let key = key.map_or_else(|| "none".to_owned(), |key| Quoted(&key).to_string());
        let text = format!("partition {partition} offset {offset} key {key}: {problem}");
        io.found(Found::new(Severity::Error, "refused", text).in_topic(topic));
    }
    let findings = check_records(&restored.snapshot);
    for finding in &findings {
        let file = &finding.file;
        let kind = Kind::ALL.into_iter().find(|kind| kind.file_name() == file);
        let place = kind.map_or(file.as_str(), |kind| topic(&config, kind));
        io.found(Found { file: None, ..finding.into() }.in_topic(place));
    }
    let lacking = empty(&restored.snapshot);
    let warnings = (findings.len() + lacking.len()) as u64;
    lacking.into_iter().for_each(|warning| io.found(warning));
    debug_assert!(findings.iter().all(|it| it.level() == Level::Warning));
    for kind in Kind::ALL {
        let bad = restored.bad.iter().filter(|bad| bad.kind == kind).count();
        let kept = count(restored.snapshot.counts().of(kind) as u64, "record");
        write!(io.out, "{}: {kept}", topic(&config, kind))?;
        if bad > 0 {
            write!(io.out, ", {bad} bad")?;
        }
        writeln!(io.out)?;
    }
    let errors = restored.bad.len() as u64;
    let exit = if errors == 0 { Exit::Done } else { Exit::Data };
    Ok(Verdict { exit, summary: format!("{}, {}", count(errors, "error"), count(warnings, "warning")) })
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
fn checked_config(args: &ConfigArgs, io: &mut Io<'_>) -> Result<Config, Failure> {
    let config = args.load(io)?;
    let report = check_catalog(&config).or_exit(Exit::Usage)?;
    io.tell_findings(&report)?;
    Ok(config)
}

/// Reads the catalog's topics to their ends.
pub(super) fn read_topics(
    args: &ConfigArgs,
    encodings: Encodings,
    io: &mut Io<'_>,
) -> Result<(Config, Restored), Failure> {
    let config = checked_config(args, io)?;
    let (_catalog, writer) = Catalog::new(encodings);
    let watch = Watch::new(&config.kafka.security);
    let feed = Feed::new(&config, writer, &watch, &Arc::default(), &Arc::default())?;
    let restored = feed.restore_once().map_err(|error| match error {
        FeedError::Unfit(_) => Failure::Error(Exit::Broker, error.into()),
        error => error.into(),
    })?;
    for open in &restored.open {
        let text = format!(
            "a transaction on topic `{}` is still open: what it and later writers wrote ({}) is not seen",
            open.topic,
            count(open.offsets as u64, "offset")
        );
        io.found(Found::warning("open-transaction", text));
    }
    Ok((config, restored))
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

fn summarize(snapshot: &Snapshot, what: &str, out: &mut dyn Write) -> io::Result<()> {
    let counts = snapshot.counts();
    let [offers, publishers, partners] = [
        count(counts.offers as u64, "offer"),
        count(counts.publishers as u64, "publisher"),
        count(counts.partners as u64, "partner"),
    ];
    writeln!(out, "{offers}, {publishers}, {partners} {what}")
}
