//! `catalog remove`: null values for people, whose tools cannot send them.

use clap::{Args, ValueEnum};

use super::topics::{read_topics, topic};
use crate::{
    catalog::{Encodings, Kind, Quoted, Snapshot, disguised},
    commands::{
        config::ConfigArgs,
        exit::{Ended, Exit, Failure},
        io::Io,
    },
    kafka::{
        feed::{BadRecord, Restored},
        sender::Sender,
    },
};

/// Remove records from the catalog's topics
#[derive(Args, Clone, Debug)]
pub struct RemoveArgs {
    /// What the records are
    kind: KindArg,
    /// The ids of the records; a bad record that `catalog check` lists is removed by its key
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    config: ConfigArgs,
    /// Say what would be removed, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// A kind of record, as people write it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    #[value(alias = "offers")]
    Offer,
    #[value(alias = "publishers")]
    Publisher,
    #[value(alias = "partners")]
    Partner,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Offer => Self::Offer,
            KindArg::Publisher => Self::Publisher,
            KindArg::Partner => Self::Partner,
        }
    }
}

impl RemoveArgs {
    /// Writes a null value for each record named, under the key that the topic has. If one is not there, nothing
    /// is written.
    pub(super) fn run(self, io: &mut Io<'_>) -> Ended {
        let (config, restored) = read_topics(&self.config, Encodings::PROTOBUF, io)?;
        let kind = Kind::from(self.kind);
        let topic = topic(&config, kind);
        let mut keys = Vec::new();
        let mut missing = 0;
        for id in &self.ids {
            let found = keys_of(&restored, kind, id);
            if found.is_empty() {
                missing += 1;
                let similar = similar(&restored.snapshot, kind, id);
                let hint = similar.map_or_else(String::new, |id| format!("; did you mean {}?", Quoted(&id)));
                io.tell(&format!("error: topic `{topic}` has no record {}{hint}", Quoted(id)));
            }
            keys.extend(found.into_iter().filter(|key| !keys.contains(key)).collect::<Vec<_>>());
        }
        if missing > 0 {
            io.tell("nothing was removed");
            return Err(Failure::Told(Exit::Data));
        }
        if !self.dry_run {
            let mut sender = Sender::new(&config)?;
            for key in &keys {
                sender.remove(topic, key)?;
            }
            sender.finish()?;
        }
        for key in &keys {
            let word = if self.dry_run { "would remove" } else { "removed" };
            writeln!(io.out, "{word} {} from topic `{topic}`", Quoted(&String::from_utf8_lossy(key)))?;
        }
        Ok(Exit::Done)
    }
}

/// The keys that stand for an id in the topic: the id itself, and those of bad records, be they disguised or
/// not.
fn keys_of(restored: &Restored, kind: Kind, id: &str) -> Vec<Vec<u8>> {
    let is_meant = |key: &[u8]| key == id.as_bytes() || disguised(key).iter().any(|form| form.id == id);
    let mut keys = Vec::new();
    if has(&restored.snapshot, kind, id) {
        keys.push(id.as_bytes().to_vec());
    }
    for BadRecord { key, .. } in restored.bad.iter().filter(|bad| bad.kind == kind) {
        keys.extend(key.clone().filter(|key| is_meant(key) && !keys.contains(key)));
    }
    keys
}

fn has(snapshot: &Snapshot, kind: Kind, id: &str) -> bool {
    match kind {
        Kind::Offer => snapshot.offer(id).is_some(),
        Kind::Publisher => snapshot.publisher(id).is_some(),
        Kind::Partner => snapshot.partner(id).is_some(),
    }
}

/// An id that differs only in capitals and white space.
fn similar(snapshot: &Snapshot, kind: Kind, id: &str) -> Option<String> {
    let plain = |id: &str| id.trim().to_lowercase();
    let wanted = plain(id);
    let mut ids: Box<dyn Iterator<Item = &str>> = match kind {
        Kind::Offer => Box::new(snapshot.offers().map(|it| it.id())),
        Kind::Publisher => Box::new(snapshot.publishers().map(|it| it.id())),
        Kind::Partner => Box::new(snapshot.partners().map(|it| it.id())),
    };
    ids.find(|id| plain(id) == wanted).map(str::to_owned)
}
