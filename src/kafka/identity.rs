//! Who this copy is: a transactional id that no other running copy has, and that it has again after a restart.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Kafka;

const MOST_COPIES: u32 = 1000;

/// The place of this copy among those on the same host, held until it is dropped.
///
/// The lock is the operating system's, so it goes with the process, however that ends.
#[derive(Debug)]
pub struct Identity {
    stem: String,
    _lock: File,
}

/// No identity could be had.
#[derive(Debug, thiserror::Error)]
pub enum NoIdentity {
    /// The machine does not tell its name.
    #[error("the host name is not known; set `kafka.instance` to a name for this machine")]
    HostName,
    /// The folder for lock files cannot be used.
    #[error("no lock file can be had in `{}`; set `kafka.state_dir` to a folder that can be written", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// All slots are taken.
    #[error("all {MOST_COPIES} slots in `{}` are taken by running copies", folder.display())]
    Full {
        /// The folder.
        folder: PathBuf,
    },
}

impl Identity {
    /// Takes the first free slot of this host.
    ///
    /// # Errors
    /// [`NoIdentity`], each with the setting that helps.
    pub fn claim(kafka: &Kafka) -> Result<Self, NoIdentity> {
        let instance = match &kafka.instance {
            Some(name) => name.clone(),
            None => host_name().ok_or(NoIdentity::HostName)?,
        };
        let base = format!("{}-{instance}", kafka.transactional_id_prefix());
        let folder = kafka.state_dir.clone().unwrap_or_else(|| std::env::temp_dir().join("ticket-router"));
        let unusable = |source| NoIdentity::Folder { folder: folder.clone(), source };
        open_folder(&folder, kafka.state_dir.is_none()).map_err(unusable)?;
        for slot in 0..MOST_COPIES {
            let stem = format!("{base}-{slot}");
            let lock = open_lock(&folder.join(file_name(&stem))).map_err(unusable)?;
            match lock.try_lock() {
                Ok(()) => return Ok(Self { stem, _lock: lock }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
        }
        Err(NoIdentity::Full { folder })
    }

    /// Returns the `transactional.id` of a worker, counted from 0.
    pub fn transactional_id(&self, worker: usize) -> String {
        format!("{}-{worker}", self.stem)
    }

    /// Returns the `transactional.id` for the probe of rights at start, which no worker uses.
    pub fn probe_id(&self) -> String {
        format!("{}-check", self.stem)
    }
}

// The default folder is shared by all users of the host, since two of them may run a copy of the same router.
fn open_folder(folder: &Path, is_shared: bool) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    if is_shared {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o1777))?;
    }
    #[cfg(not(unix))]
    let _ = is_shared;
    Ok(())
}

// Opened for reading where it is there: a lock needs no more, and another user's file gives no more.
fn open_lock(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().read(true).append(true).create(true).open(path)
        }
        opened => opened,
    }
}

/// Makes a file name of an id: what is not plain becomes `%XX`, so that two ids never share a file.
fn file_name(stem: &str) -> String {
    let mut name = String::new();
    for byte in stem.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name + ".lock"
}

fn host_name() -> Option<String> {
    let file = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let variable = || std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok();
    let command = || {
        let output = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    [file, variable(), command()]
        .into_iter()
        .flatten()
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kafka(folder: &Path, instance: &str) -> Kafka {
        Kafka {
            state_dir: Some(folder.to_owned()),
            instance: Some(instance.to_owned()),
            group_id: "router/x".to_owned(),
            ..Kafka::default()
        }
    }

    #[test]
    fn copies_on_one_host_get_different_ids_and_a_restarted_one_its_own_again() {
        let folder = tempfile::tempdir().unwrap();
        let kafka = kafka(folder.path(), "host.example");
        let first = Identity::claim(&kafka).unwrap();
        let second = Identity::claim(&kafka).unwrap();
        assert_eq!(first.transactional_id(0), "router/x-host.example-0-0");
        assert_eq!(second.transactional_id(3), "router/x-host.example-1-3");
        drop(first);
        assert_eq!(Identity::claim(&kafka).unwrap().probe_id(), "router/x-host.example-0-check");
    }

    #[test]
    fn a_prefix_and_an_instance_make_an_id_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut other = kafka(folder.path(), "b");
        other.transactional_id_prefix = Some("prefix".to_owned());
        let _first = Identity::claim(&kafka(folder.path(), "a")).unwrap();
        assert_eq!(Identity::claim(&other).unwrap().transactional_id(0), "prefix-b-0-0");
    }

    #[test]
    fn the_host_has_a_name() {
        assert!(host_name().is_some());
    }
}
