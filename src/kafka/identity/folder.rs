//! The folder for lock files, if the config names none: one that nothing cleans, and never another user's.

use std::{
    env,
    ffi::OsString,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

const NAME: &str = "ticket-router";

/// A folder that may be used, if it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub path: PathBuf,
    /// Everybody may create a folder beside it.
    is_temporary: bool,
}

/// Lists the folders to try, the best one first.
pub fn candidates(variable: impl Fn(&str) -> Option<OsString>) -> Vec<Candidate> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    // systemd may name several, with colons between.
    let service = variable("STATE_DIRECTORY").and_then(|list| absolute(env::split_paths(&list).next()?));
    let state = variable("XDG_STATE_HOME").and_then(|path| absolute(path.into()));
    let home = variable("HOME").and_then(|path| absolute(path.into()));
    let state = state.or_else(|| Some(home?.join(".local/state")));
    let lasting = service.into_iter().chain(state.map(|path| path.join(NAME)));
    let temporary = env::temp_dir().join(format!("{NAME}-{}", geteuid().as_raw()));
    lasting
        .map(|path| Candidate { path, is_temporary: false })
        .chain([Candidate { path: temporary, is_temporary: true }])
        .collect()
}

impl Candidate {
    /// Creates the folder if it is missing, for this user alone.
    ///
    /// # Errors
    ///
    /// It cannot be created, or it belongs to another user.
    pub fn open(&self) -> io::Result<()> {
        // Otherwise a program that an administrator starts with a user's HOME would leave folders there that
        // the user cannot use.
        let existing = self.path.ancestors().find(|it| it.exists()).unwrap_or(Path::new("/"));
        if !self.is_temporary {
            check_owner(existing)?;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        // In a folder that everybody writes, another user may have put a link there.
        if self.is_temporary && fs::symlink_metadata(&self.path)?.is_symlink() {
            return Err(io::Error::other("it is a link"));
        }
        check_owner(&self.path)
    }
}

fn check_owner(folder: &Path) -> io::Result<()> {
    let owner = fs::metadata(folder)?.uid();
    if owner == geteuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::other(format!("`{}` belongs to the user with the number {owner}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(variables: &[(&str, &str)]) -> Vec<PathBuf> {
        let variable = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.into());
        candidates(variable).into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn the_service_manager_comes_first_then_the_users_state_then_a_temporary_folder_of_the_users_own() {
        let temporary = env::temp_dir().join(format!("ticket-router-{}", geteuid().as_raw()));
        let home = ("HOME", "/home/ann");
        assert_eq!(paths(&[]), std::slice::from_ref(&temporary));
        assert_eq!(paths(&[home]), ["/home/ann/.local/state/ticket-router".into(), temporary.clone()]);
        let xdg = ("XDG_STATE_HOME", "/state");
        assert_eq!(paths(&[home, xdg]), ["/state/ticket-router".into(), temporary.clone()]);
        assert_eq!(
            paths(&[("XDG_STATE_HOME", "relative"), home])[0],
            Path::new("/home/ann/.local/state/ticket-router")
        );
        let service = ("STATE_DIRECTORY", "/var/lib/router:/var/lib/other");
        assert_eq!(
            paths(&[xdg, service]),
            ["/var/lib/router".into(), "/state/ticket-router".into(), temporary.clone()]
        );
        assert_eq!(paths(&[("STATE_DIRECTORY", ""), ("HOME", "")]), [temporary]);
    }

    #[test]
    fn a_folder_is_made_for_this_user_alone_and_a_link_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str, is_temporary| Candidate { path: parent.path().join(name), is_temporary };
        folder("a/b", false).open().unwrap();
        folder("a/b", true).open().unwrap();
        assert_eq!(fs::metadata(parent.path().join("a/b")).unwrap().mode() & 0o777, 0o700);
        std::os::unix::fs::symlink(parent.path().join("a/b"), parent.path().join("link")).unwrap();
        assert!(folder("link", true).open().is_err());
    }
}
