//! `perf`, which samples where a process spends its time, from now to its end.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use ticket_router_harness::Process;

/// It ends with the process that it looks at, and is waited for when the value is dropped, for then it writes its file.
pub struct Profiler(Child);

impl Profiler {
    pub fn start(process: &Process, into: &Path) -> Result<Self> {
        let profiler = Command::new("perf")
            .args(["record", "--quiet", "--call-graph", "fp", "--freq", "999", "--output"])
            .arg(into)
            .args(["--pid", &process.id().to_string()])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start `perf`")?;
        Ok(Self(profiler))
    }
}

impl Drop for Profiler {
    fn drop(&mut self) {
        // Without its file there is no profile, and `perf` has said why.
        let _ = self.0.wait();
    }
}
