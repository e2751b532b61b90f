//! Does what the schedule says, one fault after another.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use ticket_router_harness::{Cluster, add_partitions};
use ticket_router_proof::{
    notes::{Note, Notes},
    now_ms,
    topics::{INCOMING, OUTGOING, PUBLISHER},
};

use crate::{
    admin,
    disk::Disk,
    proxy::{Network, Weather},
    routers::Routers,
    schedule::{Kind, Step},
};

/// So many partitions are added each time.
const MORE_PARTITIONS: i32 = 2;
const ABORT_EVERY: u32 = 7;
const STALL_EVERY: u32 = 1_000;
/// Longer than `max.poll.interval.ms` of the routers.
const STALL: Duration = Duration::from_secs(20);
const LATENCY: Duration = Duration::from_millis(150);
/// A broker whose disk is full ends by itself; if nothing is written, it does not notice.
const DISK_DEADLINE: Duration = Duration::from_secs(30);

/// Everything that can be broken.
pub struct Injector<'a> {
    pub cluster: &'a mut Cluster,
    pub routers: &'a Routers,
    pub networks: &'a [Network],
    pub disk: Option<&'a Disk>,
    pub notes: &'a Arc<Notes>,
    pub partitions: i32,
    pub policy_versions: &'a [String; 2],
    pub policy: usize,
}

impl Injector<'_> {
    /// Injects one fault and ends it, and pauses.
    pub fn inject(&mut self, step: &Step) -> Result<()> {
        let target = step.target;
        let partitions = match step.kind {
            Kind::BrokerRestart
            | Kind::BrokerKill
            | Kind::DiskFull
            | Kind::Right
            | Kind::Policy
            | Kind::Partitions => Vec::new(),
            _ => self.routers.partitions(target),
        };
        let began = now_ms();
        let ended = self.strike(step).with_context(|| step.kind.name())?;
        if let Some(ended) = ended {
            self.notes.write(&Note::Fault {
                kind: step.kind.name().to_owned(),
                detail: step.to_string(),
                began,
                ended,
                partitions,
            });
        }
        thread::sleep(step.pause);
        Ok(())
    }

    /// Returns when the cause was gone; nothing if there could be no fault.
    fn strike(&mut self, step: &Step) -> Result<Option<i64>> {
        let Step { target, lasts, .. } = *step;
        match step.kind {
            Kind::Kill => {
                let at = now_ms();
                self.routers.kill(target, lasts);
                return Ok(Some(at));
            }
            Kind::Stop | Kind::LongStop => {
                self.routers.freeze(target);
                thread::sleep(lasts);
                self.routers.thaw(target);
            }
            Kind::Term => self.routers.bounce(target, &[])?,
            Kind::Stall => {
                let environment = [
                    ("TICKET_ROUTER_FAULT_STALL_EVERY", STALL_EVERY.to_string()),
                    ("TICKET_ROUTER_FAULT_STALL_MS", STALL.as_millis().to_string()),
                ];
                self.under(target, &environment, lasts)?;
            }
            Kind::Abort => {
                self.under(target, &[("TICKET_ROUTER_FAULT_ABORT_EVERY", ABORT_EVERY.to_string())], lasts)?;
            }
            Kind::BrokerRestart => {
                self.cluster.stop(target)?;
                thread::sleep(lasts);
                self.cluster.restart(target)?;
            }
            Kind::BrokerKill => {
                self.cluster.kill(target);
                thread::sleep(lasts);
                self.cluster.restart(target)?;
            }
            Kind::Latency => self.weather(target, Weather::Slow(LATENCY), lasts),
            Kind::BlackHole => self.weather(target, Weather::Silent, lasts),
            Kind::Cut => self.weather(target, Weather::Cutting, lasts),
            Kind::Reset => {
                self.networks[target].reset();
                thread::sleep(lasts);
                self.networks[target].reset();
            }
            Kind::Partitions => {
                self.partitions += MORE_PARTITIONS;
                let partitions = usize::try_from(self.partitions)?;
                add_partitions(&self.cluster.bootstrap(), INCOMING, partitions)?;
                self.notes.write(&Note::Partitions { partitions: self.partitions, at: now_ms() });
            }
            Kind::Policy => self.change_policy(target)?,
            Kind::Right => {
                let began = now_ms();
                admin::forbid(self.cluster, OUTGOING[PUBLISHER], true)?;
                thread::sleep(lasts);
                admin::forbid(self.cluster, OUTGOING[PUBLISHER], false)?;
                self.notes.write(&Note::Forbidden { topic: PUBLISHER, began, ended: now_ms() });
            }
            Kind::DiskFull => return self.fill_the_disk(target, lasts),
        }
        Ok(Some(now_ms()))
    }

    /// Lets a router run for a time with variables in its environment.
    fn under(&self, router: usize, environment: &[(&str, String)], lasts: Duration) -> Result<()> {
        self.routers.bounce(router, environment)?;
        thread::sleep(lasts);
        self.routers.bounce(router, &[])
    }

    fn weather(&self, router: usize, weather: Weather, lasts: Duration) {
        self.networks[router].set(weather);
        thread::sleep(lasts);
        self.networks[router].set(Weather::Fair);
    }

    /// Router by router, as an operator would.
    fn change_policy(&mut self, first: usize) -> Result<()> {
        self.policy = 1 - self.policy;
        let began = now_ms();
        let count = self.routers.len();
        for n in 0..count {
            self.routers.change_policy((first + n) % count, self.policy)?;
        }
        let version = self.policy_versions[self.policy].clone();
        self.notes.write(&Note::Policy { version, is_changed: self.policy == 1, began, ended: now_ms() });
        Ok(())
    }

    fn fill_the_disk(&mut self, node: usize, lasts: Duration) -> Result<Option<i64>> {
        let Some(disk) = self.disk else {
            println!("     left out: this user may not mount a small disk");
            return Ok(None);
        };
        disk.fill()?;
        if self.cluster.ends_by_itself(node, DISK_DEADLINE) {
            thread::sleep(lasts);
        } else {
            self.notes.trouble("the broker did not notice that its disk was full");
        }
        disk.free()?;
        self.cluster.restart(node)?;
        Ok(Some(now_ms()))
    }
}

/// The catalog's flips, beside everything else.
pub struct Flips {
    thread: thread::JoinHandle<()>,
    stop: Arc<Mutex<bool>>,
}

impl Flips {
    /// Begins with state 0 in force.
    pub fn start(
        writer: admin::CatalogWriter,
        world: ticket_router_proof::world::World,
        every: Duration,
        notes: &Arc<Notes>,
    ) -> Self {
        let stop = Arc::new(Mutex::new(false));
        let thread = {
            let (stop, notes) = (Arc::clone(&stop), Arc::clone(notes));
            thread::spawn(move || {
                let mut state = 0;
                loop {
                    // An unpark is the sign to stop.
                    thread::park_timeout(every);
                    if *stop.lock().unwrap_or_else(PoisonError::into_inner) {
                        return;
                    }
                    state = 1 - state;
                    let began = now_ms();
                    if let Err(error) = writer.flip(&world, state) {
                        notes.trouble(format!("the catalog could not be changed: {error:#}"));
                    }
                    notes.write(&Note::Catalog { state, began, ended: now_ms() });
                }
            })
        };
        Self { thread, stop }
    }

    pub fn finish(self) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.thread.thread().unpark();
        if self.thread.join().is_err() {
            eprintln!("the thread that changes the catalog has failed");
        }
    }
}
