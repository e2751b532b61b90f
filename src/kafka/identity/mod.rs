//! Who this copy is: a transactional id that no other running copy has, and that it has again after a
//! restart.

mod folder;
mod lock;

use std::{
    io,
    path::{Path, PathBuf},
};

use lock::{Lock, State};

use crate::config::Kafka;

const MOST_COPIES: u32 = 1000;

/// The place of this copy among those on the same host, held until it is dropped.
#[derive(Debug)]
pub struct Identity {
    stem: String,
    lock: Lock,
}

/// There is no identity for this copy.
#[derive(Debug, thiserror::Error)]
pub enum NoIdentity {
    /// The machine does not tell its name.
    #[error("the host name is not known; set `kafka.instance` to a name for this machine")]
    HostName,
    /// The folder for lock files cannot be used.
    #[error("cannot create a lock file in `{}`; set `kafka.state_dir` to a writable folder", folder.display())]
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
        if let Some(folder) = &kafka.state_dir {
            let unusable = |source| NoIdentity::Folder { folder: folder.clone(), source };
            std::fs::create_dir_all(folder).map_err(unusable)?;
            return Self::claim_in(folder, &base);
        }
        let mut last = None;
        for candidate in folder::candidates(|name| std::env::var_os(name)) {
            let folder = &candidate.path;
            let opened = candidate.open();
            let opened = opened.map_err(|source| NoIdentity::Folder { folder: folder.clone(), source });
            match opened.and_then(|()| Self::claim_in(folder, &base)) {
                Err(error @ NoIdentity::Folder { .. }) => last = Some(error),
                done => return done,
            }
        }
        Err(last.expect("the temporary folder is always tried"))
    }

    fn claim_in(folder: &Path, base: &str) -> Result<Self, NoIdentity> {
        for slot in 0..MOST_COPIES {
            let stem = format!("{base}-{slot}");
            let lock = Lock::take(folder, &stem);
            let lock = lock.map_err(|source| NoIdentity::Folder { folder: folder.to_owned(), source })?;
            if let Some(lock) = lock {
                return Ok(Self { stem, lock });
            }
        }
        Err(NoIdentity::Full { folder: folder.to_owned() })
    }

    /// Returns the file that nobody else may lock while this copy runs.
    pub fn lock_file(&self) -> &Path {
        self.lock.path()
    }

    /// Looks whether the lock file is still there, and restores it if not. Whatever has changed is told in
    /// the log.
    pub fn look_after(&self) {
        let Some(state) = self.lock.look_after() else { return };
        let file = self.lock_file().display();
        let lost = format!("the lock file `{file}` was deleted or replaced while this copy runs");
        let remedy = "set `kafka.state_dir` to a folder that nothing cleans, for all copies on this host";
        match state {
            State::Held => {}
            State::Restored => {
                tracing::error!(code = "LOCK_FILE_LOST", "{lost}. It is there again, and locked; {remedy}");
            }
            State::Taken => tracing::error!(
                code = "LOCK_FILE_LOST",
                "{lost}, and another copy holds the new one: both may have the same transactional ids, and fence \
                 each other. Stop one of them; {remedy}"
            ),
            State::Lost(why) => tracing::error!(
                code = "LOCK_FILE_LOST",
                "{lost}, and it cannot be created again ({why}): another copy may take the same transactional \
                 ids; {remedy}"
            ),
        }
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

fn host_name() -> Option<String> {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A group of this process alone: slots are taken on the whole host.
    fn group() -> String {
        format!("router/{}", std::process::id())
    }

    fn kafka(folder: &Path, instance: &str) -> Kafka {
        Kafka {
            state_dir: Some(folder.to_owned()),
            instance: Some(instance.to_owned()),
            group_id: group(),
            ..Kafka::default()
        }
    }

    #[test]
    fn copies_on_one_host_get_different_ids_and_a_restarted_one_its_own_again() {
        let folder = tempfile::tempdir().unwrap();
        let kafka = kafka(folder.path(), "host.example");
        let first = Identity::claim(&kafka).unwrap();
        let second = Identity::claim(&kafka).unwrap();
        assert_eq!(first.transactional_id(0), format!("{}-host.example-0-0", group()));
        assert_eq!(second.transactional_id(3), format!("{}-host.example-1-3", group()));
        drop(first);
        let again = Identity::claim(&kafka).unwrap();
        assert_eq!(again.probe_id(), format!("{}-host.example-0-check", group()));
    }

    #[test]
    fn a_prefix_and_an_instance_make_an_id_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut other = kafka(folder.path(), "b");
        let prefix = format!("prefix-{}", std::process::id());
        other.transactional_id_prefix = Some(prefix.clone());
        let _first = Identity::claim(&kafka(folder.path(), "a")).unwrap();
        assert_eq!(Identity::claim(&other).unwrap().transactional_id(0), format!("{prefix}-b-0-0"));
    }

    #[test]
    fn the_host_has_a_name() {
        assert!(host_name().is_some());
    }
}
