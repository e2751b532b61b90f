//! A small disk that can be full: a tmpfs, where this user may mount one.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use ticket_router_harness::{at_the_end, run};

const ROOMY: &str = "16g";

/// A mounted file system; it goes with this process.
pub struct Disk(String);

impl Disk {
    /// Mounts it on a folder.
    pub fn mount(folder: &Path) -> Result<Self> {
        let path = folder.display().to_string();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={ROOMY}"), "tmpfs", &path]))
            .context("a tmpfs could not be mounted")?;
        at_the_end(&format!("umount '{path}' 2>/dev/null"));
        Ok(Self(path))
    }

    /// Leaves hardly more room than is taken.
    pub fn fill(&self) -> Result<()> {
        // The broker goes on writing meanwhile, and a disk cannot become smaller than what is on it.
        let mut outcome = Ok(());
        for slack_kb in [64, 256, 1_024, 4_096] {
            let output = Command::new("df").args(["--block-size=1024", "--output=used", &self.0]).output()?;
            let text = String::from_utf8_lossy(&output.stdout);
            let used: u64 = text.lines().last().context("df prints two lines")?.trim().parse()?;
            outcome = self.resize(&format!("{}k", used + slack_kb));
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// Gives the room back.
    pub fn free(&self) -> Result<()> {
        self.resize(ROOMY)
    }

    fn resize(&self, size: &str) -> Result<()> {
        run(Command::new("mount").args(["-o", &format!("remount,size={size}"), &self.0]))?;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = run(Command::new("umount").arg(&self.0)) {
            eprintln!("the small disk stays until this program has ended: {error:#}");
        }
    }
}
