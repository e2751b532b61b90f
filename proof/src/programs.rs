//! The programs of a run: built if they are not, and found beside this one.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

pub struct Programs {
    pub router: PathBuf,
    pub checker: PathBuf,
    /// The repository.
    pub root: PathBuf,
}

impl Programs {
    /// Builds them if that is wanted.
    pub fn find(is_build_wanted: bool) -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the package lies in the repository")?;
        let this = env::current_exe()?;
        let folder = this.parent().context("a program lies in a folder")?;
        let programs = Self {
            router: folder.join("ticket-router"),
            checker: folder.join("ticket-router-proof-checker"),
            root: root.to_owned(),
        };
        if is_build_wanted {
            let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.current_dir(root).args(["build", "--quiet", "--package", "ticket-router", "--package"]);
            cargo.args([
                "ticket-router-proof",
                "--bin",
                "ticket-router",
                "--bin",
                "ticket-router-proof-checker",
                "--features",
                "ticket-router/faults",
            ]);
            if !cfg!(debug_assertions) {
                cargo.arg("--release");
            }
            ensure!(cargo.status().context("cannot run cargo")?.success(), "the programs could not be built");
        }
        for path in [&programs.router, &programs.checker] {
            ensure!(path.is_file(), "{} is missing: leave --no-build out", path.display());
        }
        let router = fs::read(&programs.router)?;
        ensure!(
            memchr::memmem::find(&router, b"TICKET_ROUTER_FAULT_").is_some(),
            "{} was built without the feature `faults`: leave --no-build out",
            programs.router.display()
        );
        Ok(programs)
    }

    /// The version that the router gives a policy.
    pub fn policy_version(&self, policy: &Path) -> Result<String> {
        let output = Command::new(&self.router).args(["policy", "check"]).arg(policy).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        ensure!(output.status.success(), "the policy {} is refused: {said}", policy.display());
        let version = said.trim().rsplit(' ').next().context("`policy check` names the version")?;
        Ok(version.to_owned())
    }
}
