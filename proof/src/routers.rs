//! The routers, and what supervises them: whichever ends is started again, as in production.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ticket_router_harness::{Process, free_ports};
use ticket_router_proof::{
    notes::{Note, Notes},
    now_ms,
    topics::INCOMING,
    world::MAX_RECORD_BYTES,
};

/// How often it is looked whether a router has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What a supervisor waits before it starts a process again.
const RESTART_AFTER: Duration = Duration::from_millis(500);
const DRAIN_DEADLINE: Duration = Duration::from_secs(40);

pub const GROUP: &str = "ticket-router-proof";
pub const USER: (&str, &str) = ("router", "router-secret");

/// What the routers are started with.
pub struct Setup {
    pub program: PathBuf,
    pub folder: PathBuf,
    /// The addresses that each router connects to.
    pub bootstraps: Vec<String>,
    /// The policy files: the one that is in force first, and the other.
    pub policies: [PathBuf; 2],
}

/// All routers.
pub struct Routers {
    slots: Vec<Arc<Slot>>,
    supervisor: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

struct Slot {
    number: usize,
    setup: Arc<Setup>,
    notes: Arc<Notes>,
    port: u16,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    process: Option<Process>,
    starts: usize,
    policy: usize,
    /// Whether the supervisor starts it when it does not run, and from when on.
    start_at: Option<Instant>,
}

impl Routers {
    /// Starts all of them.
    pub fn start(setup: Setup, notes: &Arc<Notes>) -> Result<Self> {
        let setup = Arc::new(setup);
        let mut slots = Vec::new();
        for number in 0..setup.bootstraps.len() {
            let slot = Arc::new(Slot {
                number,
                setup: Arc::clone(&setup),
                notes: Arc::clone(notes),
                port: free_ports(1)?[0],
                state: Mutex::default(),
            });
            slot.spawn(&mut slot.lock(), &[])?;
            slots.push(slot);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let supervisor = {
            let (slots, stop) = (slots.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    slots.iter().for_each(|slot| slot.supervise());
                    thread::sleep(LOOK_EVERY);
                }
            })
        };
        Ok(Self { slots, supervisor: Some(supervisor), stop })
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The partitions that a router has now, as it says.
    pub fn partitions(&self, router: usize) -> Vec<i32> {
        self.slots[router].partitions()
    }

    /// Kills a router; the supervisor starts it again after a time.
    pub fn kill(&self, router: usize, restart_after: Duration) {
        let mut state = self.slots[router].lock();
        if let Some(mut process) = state.process.take() {
            process.kill();
        }
        state.start_at = Some(Instant::now() + restart_after);
    }

    pub fn freeze(&self, router: usize) {
        if let Some(process) = &mut self.slots[router].lock().process {
            process.freeze();
        }
    }

    pub fn thaw(&self, router: usize) {
        if let Some(process) = &mut self.slots[router].lock().process {
            process.thaw();
        }
    }

    /// Asks a router to drain, waits, and starts it again with these variables in its environment.
    pub fn bounce(&self, router: usize, environment: &[(&str, String)]) -> Result<()> {
        let slot = &self.slots[router];
        let mut state = slot.lock();
        slot.drain(&mut state)?;
        slot.spawn(&mut state, environment)
    }

    /// The same with another policy.
    pub fn change_policy(&self, router: usize, policy: usize) -> Result<()> {
        self.slots[router].lock().policy = policy;
        self.bounce(router, &[])
    }

    /// Asks all of them to drain and leave.
    pub fn finish(mut self) -> Result<()> {
        self.stop_supervisor();
        for slot in &self.slots {
            slot.drain(&mut slot.lock())?;
        }
        Ok(())
    }

    fn stop_supervisor(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(supervisor) = self.supervisor.take()
            && supervisor.join().is_err()
        {
            eprintln!("the supervisor of the routers has failed");
        }
    }
}

impl Drop for Routers {
    fn drop(&mut self) {
        self.stop_supervisor();
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, start: usize) -> PathBuf {
        self.setup.folder.join(format!("router-{}.{start}.log", self.number))
    }

    fn spawn(&self, state: &mut State, environment: &[(&str, String)]) -> Result<()> {
        let config = self.setup.folder.join(format!("router-{}.toml", self.number));
        fs::write(&config, self.config(state.policy))?;
        state.starts += 1;
        let mut command = Command::new(&self.setup.program);
        command.arg("run").arg("--config").arg(&config).envs(environment.iter().cloned());
        let process = Process::start(&mut command, &self.log(state.starts));
        state.process = Some(process.with_context(|| format!("router {}", self.number))?);
        Ok(())
    }

    fn drain(&self, state: &mut State) -> Result<()> {
        let Some(mut process) = state.process.take() else { return Ok(()) };
        process.terminate();
        match process.wait_for_end(DRAIN_DEADLINE) {
            None => bail!("router {} does not end on SIGTERM:\n{}", self.number, process.log_tail()),
            Some(status) if !status.success() => self.note_exit(status.code(), &process.log()),
            Some(_) => {}
        }
        Ok(())
    }

    fn supervise(&self) {
        // Somebody is just stopping or starting it.
        let Ok(mut state) = self.state.try_lock() else { return };
        if let Some(status) = state.process.as_mut().and_then(Process::ended) {
            let log = state.process.take().map(|it| it.log()).unwrap_or_default();
            self.note_exit(status.code(), &log);
            state.start_at = Some(Instant::now() + RESTART_AFTER);
        }
        if state.process.is_none() && state.start_at.is_some_and(|at| at <= Instant::now()) {
            state.start_at = None;
            if let Err(error) = self.spawn(&mut state, &[]) {
                self.notes.trouble(format!("{error:#}"));
            }
        }
    }

    fn note_exit(&self, code: Option<i32>, log: &str) {
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        let cause = lines.iter().find(|line| !line.trim().is_empty()).map_or("", |it| it.trim()).to_owned();
        self.notes.write(&Note::Exit { router: self.number, code, cause, at: now_ms() });
    }

    fn partitions(&self) -> Vec<i32> {
        let log = self.log(self.lock().starts);
        let text = fs::read_to_string(log).unwrap_or_default();
        for line in text.lines().rev() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            match line["fields"]["message"].as_str().or(line["message"].as_str()) {
                Some("partitions given up") => break,
                Some("partitions assigned") => {
                    let list = line["fields"]["partitions"].as_str().or(line["partitions"].as_str());
                    return serde_json::from_str(list.unwrap_or("[]")).unwrap_or_default();
                }
                _ => {}
            }
        }
        Vec::new()
    }

    fn config(&self, policy: usize) -> String {
        let Setup { folder, bootstraps, policies, .. } = &*self.setup;
        let number = self.number;
        format!(
            r#"[kafka]
bootstrap_servers = "{bootstrap}"
group_id = "{GROUP}"
instance = "router-{number}"
state_dir = "{folder}/state-{number}"
# At the least that the other settings allow: a stalled worker is to be found out within a run.
max_poll_interval_ms = 16000

[kafka.client]
# Partitions that are added are to be seen within a run.
"topic.metadata.refresh.interval.ms" = 5000

[kafka.security]
protocol = "SASL_PLAINTEXT"
mechanism = "PLAIN"
username = "{user}"
password = "{password}"

[topics]
incoming = "{INCOMING}"

[limits]
max_record_bytes = {MAX_RECORD_BYTES}

[output]
format = "same"

[policy]
file = "{policy}"

[http]
listen = "127.0.0.1:{port}"

[log]
format = "json"
"#,
            bootstrap = bootstraps[number],
            folder = folder.display(),
            user = USER.0,
            password = USER.1,
            policy = policies[policy].display(),
            port = self.port,
        )
    }
}
