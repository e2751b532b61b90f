//! Child processes.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::reaper;

/// How often it is looked whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOG_TAIL: usize = 30;
const STOP_DEADLINE: Duration = Duration::from_secs(60);

/// A child process. It is killed when the value is dropped, and also when this process is killed.
pub struct Process {
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts a program; what it prints is added to `log`.
    ///
    /// # Errors
    /// The log cannot be written, or the program not started.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        reaper::add(child.id());
        Ok(Self { child, log: log.to_owned(), ended: None })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            // Only asking for a process that is no child of this one fails.
            self.ended = self.child.try_wait().ok().flatten();
            if self.ended.is_some() {
                reaper::remove(self.child.id());
            }
        }
        self.ended
    }

    /// Waits until it has ended.
    pub fn wait_for_end(&mut self, deadline: Duration) -> Option<ExitStatus> {
        let started = Instant::now();
        loop {
            if self.ended().is_some() || started.elapsed() > deadline {
                return self.ended;
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait_for_end(Duration::from_secs(10));
    }

    /// SIGTERM.
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Ends it: SIGTERM, and SIGKILL if that does not help. The status is `None` in the second case.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.terminate();
        let ended = self.wait_for_end(STOP_DEADLINE);
        self.kill();
        ended
    }

    /// SIGSTOP.
    pub fn freeze(&mut self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        let number = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let number = number.expect("a child's number is positive");
        // It was not waited for yet, so the number is still its own; that it ends in this moment is no error.
        let _ = kill_process(number, signal);
    }

    /// An error with the end of its log, if it has ended by itself.
    ///
    /// # Errors
    /// It has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}; the end of its log:\n{}", self.log_tail()),
        }
    }

    /// The last lines that it printed.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
    }

    /// All that it printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a command to its end, and gives what it printed.
///
/// # Errors
/// It cannot be started, or it fails: with what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{program}`"))?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).trim().to_owned();
    ensure!(output.status.success(), "`{program}` failed, {}: {printed}", output.status);
    Ok(printed)
}
