//! The lock that makes a slot this process's own: a file, and on Linux a name beside it that no folder can
//! lose.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// How often a file is opened again because somebody removes it at the same time.
const TRIES: usize = 10;

/// A lock that is held until it is dropped. It is the operating system's, so it goes with the process,
/// however that ends.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: Mutex<File>,
    last: Mutex<State>,
    _name: HostName,
}

/// What became of a lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there, and it is the one that is held.
    Held,
    /// It was deleted or replaced, and is there again.
    Restored,
    /// It was replaced by one that another process holds.
    Taken,
    /// It was deleted or replaced, and cannot be created again.
    Lost(String),
}

impl Lock {
    /// Takes the lock; `None` if another process has it. `stem` names the same slot in every folder of this
    /// host.
    ///
    /// # Errors
    ///
    /// The file cannot be created or locked.
    pub fn take(folder: &Path, stem: &str) -> io::Result<Option<Self>> {
        let path = folder.join(file_name(stem));
        // The name first: a slot that is taken elsewhere on this host leaves no file in this folder.
        let Some(name) = HostName::take(stem) else { return Ok(None) };
        let Some(file) = lock(&path)? else { return Ok(None) };
        Ok(Some(Self { path, file: Mutex::new(file), last: Mutex::new(State::Held), _name: name }))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks whether the file is still the one that is held, and restores it if not. `None` if nothing has
    /// changed since the last look.
    pub fn look_after(&self) -> Option<State> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let state = match is_at(&file, &self.path) {
            Ok(true) => State::Held,
            Ok(false) => match self.restore() {
                Ok(Some(new)) => {
                    *file = new;
                    State::Restored
                }
                Ok(None) => State::Taken,
                Err(error) => State::Lost(error.to_string()),
            },
            Err(error) => State::Lost(error.to_string()),
        };
        let before =
            std::mem::replace(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner), state.clone());
        let is_news = match &state {
            State::Held => false,
            State::Restored => true,
            other => *other != before,
        };
        is_news.then_some(state)
    }

    fn restore(&self) -> io::Result<Option<File>> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        lock(&self.path)
    }
}

impl Drop for Lock {
    /// Removes the file while it is still locked, so that names that never come back leave nothing behind.
    /// A process that has opened it in the meantime finds that out after locking it.
    fn drop(&mut self) {
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        if is_at(file, &self.path).unwrap_or(false) {
            // One that stays does no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens and locks a file; `None` if another process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    for _ in 0..TRIES {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Between opening and locking somebody may have removed it, and the next copy would lock another one.
        if is_at(&file, path)? {
            return Ok(Some(file));
        }
    }
    Err(io::Error::other(format!("somebody keeps on removing `{}`", path.display())))
}

/// Opened for reading if it is there: a lock needs no more, and another user's file gives no more.
fn open(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().read(true).append(true).create(true).open(path)
        }
        opened => opened,
    }
}

/// Returns whether this open file is the one of that name.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
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

/// A name that one process of this host has, whatever folder and user it works with: a socket in Linux's
/// abstract namespace, that nobody connects to. Containers have a namespace of their own, unless they share
/// the host's network.
#[derive(Debug)]
struct HostName {
    #[cfg(target_os = "linux")]
    _socket: Option<std::os::unix::net::UnixDatagram>,
}

impl HostName {
    /// Takes the name; `None` if another process has it. A system without such names, or that forbids them,
    /// has the files alone.
    #[cfg(target_os = "linux")]
    fn take(stem: &str) -> Option<Self> {
        use std::os::{
            linux::net::SocketAddrExt,
            unix::net::{SocketAddr, UnixDatagram},
        };

        use xxhash_rust::xxh3::xxh3_128;

        use crate::encode::Hex;

        // A name has at most 107 bytes.
        let name = format!("ticket-router/{}", Hex::new(xxh3_128(stem.as_bytes())));
        let bound =
            SocketAddr::from_abstract_name(name).and_then(|address| UnixDatagram::bind_addr(&address));
        match bound {
            Ok(socket) => Some(Self { _socket: Some(socket) }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
            Err(_) => Some(Self { _socket: None }),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn take(_: &str) -> Option<Self> {
        Some(Self {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot of this process alone: it is taken on the whole host.
    fn slot(name: &str) -> String {
        format!("router/{}-{name}", std::process::id())
    }

    #[test]
    fn a_file_that_is_deleted_or_replaced_is_restored_and_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("state");
        fs::create_dir(&nested).unwrap();
        let lock = Lock::take(&nested, &slot("deleted-0")).unwrap().unwrap();
        assert_eq!(lock.look_after(), None);
        fs::remove_dir_all(&nested).unwrap();
        assert_eq!(lock.look_after(), Some(State::Restored));
        assert_eq!(lock.look_after(), None);
        // The new file is locked as the old one was.
        assert_eq!(super::lock(lock.path()).unwrap().map(|_| ()), None);
        fs::rename(lock.path(), nested.join("moved")).unwrap();
        File::create(lock.path()).unwrap();
        assert_eq!(lock.look_after(), Some(State::Restored));
    }

    #[test]
    fn a_file_that_another_process_holds_by_now_stays_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path(), &slot("taken-0")).unwrap().unwrap();
        fs::remove_file(lock.path()).unwrap();
        let other = super::lock(lock.path()).unwrap().unwrap();
        assert_eq!(lock.look_after(), Some(State::Taken));
        assert_eq!(lock.look_after(), None, "it is told once");
        drop(other);
        assert_eq!(lock.look_after(), Some(State::Restored));
    }

    #[test]
    fn a_file_that_cannot_be_created_again_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("state");
        fs::create_dir(&nested).unwrap();
        let lock = Lock::take(&nested, &slot("lost-0")).unwrap().unwrap();
        fs::remove_dir_all(&nested).unwrap();
        File::create(&nested).unwrap();
        assert!(matches!(lock.look_after(), Some(State::Lost(_))));
        assert_eq!(lock.look_after(), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_slot_is_taken_on_the_whole_host_whatever_the_folder() {
        let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let first = Lock::take(one.path(), &slot("host-0")).unwrap().unwrap();
        assert!(Lock::take(two.path(), &slot("host-0")).unwrap().is_none());
        assert_eq!(
            fs::read_dir(two.path()).unwrap().count(),
            0,
            "a slot that is taken elsewhere leaves no file"
        );
        assert!(Lock::take(two.path(), &slot("host-1")).unwrap().is_some());
        fs::remove_file(first.path()).unwrap();
        assert!(Lock::take(one.path(), &slot("host-0")).unwrap().is_none(), "a cleaned folder frees no slot");
        drop(first);
        let again = Lock::take(two.path(), &slot("host-0")).unwrap().unwrap();
        let file = again.path().to_owned();
        assert!(file.exists());
        drop(again);
        assert!(!file.exists(), "a copy that ends leaves nothing behind");
    }
}
