//! A process that is measured: its CPU time and memory as the operating system counts them.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// A child process; it is stopped when the value is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
    /// `perf`, which ends with the process that it looks at.
    profiler: Option<Child>,
}

impl Process {
    /// Starts a program; what it prints goes into `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child, log: log.to_owned(), profiler: None })
    }

    /// Lets `perf` sample where it spends its time, from now to its end.
    pub fn profile(&mut self, into: &Path) -> Result<()> {
        let profiler = Command::new("perf")
            .args(["record", "--quiet", "--call-graph", "fp", "--freq", "999", "--output"])
            .arg(into)
            .args(["--pid", &self.child.id().to_string()])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start `perf`")?;
        self.profiler = Some(profiler);
        Ok(())
    }

    /// An error with the end of its log, if it has ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}; the end of its log:\n{}", self.log_tail()),
        }
    }

    /// The last lines that it printed.
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// All that it printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// CPU time of all its threads in user and kernel mode, those that have ended included, its children not.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.child.id().to_string())
    }

    /// The most memory that it had resident, in megabytes.
    pub fn peak_mb(&self) -> Result<f64> {
        self.status_mb("VmHWM:")
    }

    /// The memory that it has resident, in megabytes.
    pub fn resident_mb(&self) -> Result<f64> {
        self.status_mb("VmRSS:")
    }

    fn status_mb(&self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("the process is gone")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    /// Ends it: SIGTERM, and SIGKILL if that does not help.
    pub fn stop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        let started = Instant::now();
        // A process that is gone already is what is wanted.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        while started.elapsed() < STOP_DEADLINE {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        eprintln!("process {} did not end on SIGTERM", self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
        if let Some(profiler) = &mut self.profiler {
            // It writes its file once the process has ended.
            let _ = profiler.wait();
        }
    }
}

/// CPU time of a process, `self` for this one.
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
