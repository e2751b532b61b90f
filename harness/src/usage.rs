//! What a process uses, as the operating system counts it.

use std::{fs, process::Command, sync::OnceLock, time::Duration};

use anyhow::{Context, Result};

use crate::Process;

impl Process {
    /// CPU time of all its threads in user and kernel mode, those that have ended included, its children not.
    ///
    /// # Errors
    /// It is gone.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.id().to_string())
    }

    /// The most memory that it had resident, in megabytes.
    ///
    /// # Errors
    /// It is gone.
    pub fn peak_mb(&self) -> Result<f64> {
        self.status_mb("VmHWM:")
    }

    /// The memory that it has resident, in megabytes.
    ///
    /// # Errors
    /// It is gone.
    pub fn resident_mb(&self) -> Result<f64> {
        self.status_mb("VmRSS:")
    }

    fn status_mb(&self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("the process is gone")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0 / 1e6)
    }
}

/// CPU time of a process by its number, `self` for this one.
///
/// # Errors
/// It is gone.
pub fn cpu_of(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program is in parentheses and may hold anything; the third field follows it.
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat names the program")?;
    let ticks: u64 = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().context("utime and stime are numbers"))
        .sum::<Result<u64>>()?;
    Ok(Duration::from_secs(ticks) / ticks_per_second())
}

fn ticks_per_second() -> u32 {
    static TICKS: OnceLock<u32> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let output = Command::new("getconf").arg("CLK_TCK").output().ok();
        output.and_then(|it| String::from_utf8_lossy(&it.stdout).trim().parse().ok()).unwrap_or(100)
    })
}
