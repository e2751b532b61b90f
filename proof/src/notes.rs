//! What happened when: a line of JSON for each fault, change and exit.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The files of a run, below its folder.
pub const NOTES: &str = "notes.jsonl";
pub const WORLD: &str = "world.json";
/// Its presence tells the checker that everything that will be written was written.
pub const FINISHED: &str = "finished";
/// Its presence tells that the checker's concurrent reader reads.
pub const WATCHING: &str = "watching";
/// The checker's figures.
pub const FIGURES: &str = "figures.json";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Note {
    /// A fault, written when it is over.
    Fault {
        kind: String,
        detail: String,
        /// When it was injected.
        began: i64,
        /// When its cause was gone; the same for a kill.
        ended: i64,
        /// The incoming partitions that it affects; all if there are none.
        partitions: Vec<i32>,
    },
    /// The catalog was changed to one of its two states between these times.
    Catalog { state: usize, began: i64, ended: i64 },
    /// A policy may be in force from a time on, and the one before is not any more after another.
    Policy { version: String, is_changed: bool, began: i64, ended: i64 },
    /// Routed tickets for this topic may be dead letters in this time.
    Forbidden { topic: usize, began: i64, ended: i64 },
    /// Partitions were added to the incoming topic.
    Partitions { partitions: i32, at: i64 },
    /// A router ended by itself.
    Exit { router: usize, code: Option<i32>, cause: String, at: i64 },
    /// Something did not go as the run meant it to.
    Trouble { text: String, at: i64 },
}

/// The file of notes.
pub struct Notes(Mutex<File>);

impl Notes {
    pub fn create(folder: &Path) -> Result<Self> {
        let path = folder.join(NOTES);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        Ok(Self(Mutex::new(file.with_context(|| format!("cannot write {}", path.display()))?)))
    }

    pub fn write(&self, note: &Note) {
        let line = serde_json::to_string(note).expect("a note is JSON") + "\n";
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            eprintln!("a note could not be written: {error}");
        }
    }

    pub fn trouble(&self, text: impl Into<String>) {
        let text = text.into();
        eprintln!("trouble: {text}");
        self.write(&Note::Trouble { text, at: crate::now_ms() });
    }

    pub fn read(folder: &Path) -> Result<Vec<Note>> {
        let text = fs::read_to_string(folder.join(NOTES))?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}
