//! A run from its beginning to its end.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use ticket_router_harness::{
    Cluster, Layout, Listener, Process, Progress, RIGHTS, at_the_end, free_ports, small_java, wait_for,
};
use ticket_router_proof::{
    notes::{FINISHED, Note, Notes, WATCHING, WORLD},
    now_ms,
    topics::INCOMING,
};

use crate::{
    Arguments,
    aborted::Aborted,
    admin::{self, CatalogWriter},
    control::{self, Control},
    disk::Disk,
    inject::{Flips, Injector},
    load::{self, Load},
    marketplace, policies,
    programs::Programs,
    proxy::Network,
    routers::{GROUP, Routers, Setup, USER},
    schedule::{Kind, Scope, Step, draw},
    tickets::Mix,
};

/// Some work without faults.
const WARM_UP: Duration = Duration::from_secs(5);
const START_DEADLINE: Duration = Duration::from_secs(90);
const WATCH_DEADLINE: Duration = Duration::from_secs(60);
/// Longer than a session, a transaction and a few restarts together.
const DRAIN_DEADLINE: Duration = Duration::from_secs(180);
/// The broker gives a transaction up after 15 s, and looks every 10.
const OPEN_FOR: Duration = Duration::from_secs(30);
const CHECK_DEADLINE: Duration = Duration::from_secs(1_200);
/// With fewer the recovery times would be coarse.
const LEAST_PER_SECOND: u64 = 200;
/// The indices of many small segments fit on a small disk.
const SMALL_INDICES: &str = "log.index.size.max.bytes=1048576\n";

pub struct Run<'a> {
    arguments: &'a Arguments,
    schedule: Vec<Step>,
    per_second: u64,
}

impl<'a> Run<'a> {
    /// Draws the schedule and prints it.
    pub fn new(arguments: &'a Arguments) -> Result<Self> {
        let (routers, nodes) = (usize::from(arguments.routers), arguments.brokers);
        let schedule = draw(arguments.scope(), &arguments.only, routers, nodes, arguments.seed);
        let planned = WARM_UP + schedule.iter().map(Step::planned).sum::<Duration>();
        let filling = arguments.records().div_ceil(planned.as_secs().max(1));
        let per_second = arguments.rate.unwrap_or(filling.max(LEAST_PER_SECOND));
        println!(
            "seed {}: {} records at {per_second}/s with {} keys, {} routers, {} brokers, {} faults in some {} s",
            arguments.seed,
            arguments.records(),
            arguments.keys,
            arguments.routers,
            arguments.brokers,
            schedule.len(),
            planned.as_secs()
        );
        for (n, step) in schedule.iter().enumerate() {
            println!("{:>4} {step}", n + 1);
        }
        Ok(Self { arguments, schedule, per_second })
    }

    /// Does it all; whether everything came out once, in order, and where it belongs.
    pub fn go(self) -> Result<bool> {
        if self.arguments.plan {
            return Ok(true);
        }
        let programs = Programs::find(!self.arguments.no_build)?;
        let folder = folder(self.arguments.keep.as_deref())?;
        let is_clean = self.go_in(&programs, &folder)?;
        if is_clean && self.arguments.keep.is_none() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("{} could not be removed", folder.display()))?;
        } else {
            println!("logs and figures: {}", folder.display());
        }
        Ok(is_clean)
    }

    fn go_in(&self, programs: &Programs, folder: &Path) -> Result<bool> {
        let notes = Arc::new(Notes::create(folder)?);
        let world = marketplace::make();
        world.save(&folder.join(WORLD))?;
        let policies = policies::write(&programs.root, folder)?;
        let versions = [programs.policy_version(&policies[0])?, programs.policy_version(&policies[1])?];
        let disk = self.disk(folder)?;

        let (mut cluster, networks, bootstraps) = self.cluster(folder)?;
        admin::create_all(&cluster, self.arguments.partitions)?;
        let writer = CatalogWriter::new(&cluster)?;
        let (began, version) = (now_ms(), versions[0].clone());
        writer.load(&world, 0)?;
        notes.write(&Note::Catalog { state: 0, began, ended: now_ms() });
        notes.write(&Note::Policy { version, is_changed: false, began, ended: now_ms() });

        let mut checker = start_checker(programs, folder, &cluster)?;
        let setup =
            Setup { program: programs.router.clone(), folder: folder.to_owned(), bootstraps, policies };
        let routers = Routers::start(setup, &notes)?;
        let load = Load::start(self.load(&cluster), world.clone());
        let aborted = Aborted::start(cluster.bootstrap(), self.arguments.partitions);
        let flips = Flips::start(writer, world, self.flip_every(), &notes);
        let started = Instant::now();
        wait_until_at_work(&routers)?;
        thread::sleep(WARM_UP);
        let mut injector = Injector {
            cluster: &mut cluster,
            routers: &routers,
            networks: &networks,
            disk: disk.as_ref(),
            notes: &notes,
            partitions: self.arguments.partitions,
            policy_versions: &versions,
            policy: 0,
        };
        for (n, step) in self.schedule.iter().enumerate() {
            println!(
                "{:>4} at {:>6.1} s, {:>8} sent: {step}",
                n + 1,
                started.elapsed().as_secs_f64(),
                load.sent()
            );
            if let Err(error) = injector.inject(step) {
                notes.trouble(format!("{error:#}"));
            }
            checker.check_alive().context("the checker")?;
        }
        flips.finish();
        let sent = load.finish()?;
        // Behind the last tickets lie records and markers that are never delivered; the group must pass them, too.
        let aborted = aborted.finish()?;
        println!(
            "     at {:>6.1} s, {sent:>8} sent, and {aborted} transactions aborted upstream: the routers drain",
            started.elapsed().as_secs_f64()
        );
        wait_until_drained(&cluster, &notes)?;
        if let Err(error) = routers.finish() {
            notes.trouble(format!("{error:#}"));
        }
        fs::write(folder.join(FINISHED), "")?;
        finish_checker(&mut checker, folder)
    }

    /// The disk that is to be full, if one is.
    fn disk(&self, folder: &Path) -> Result<Option<Disk>> {
        let data = Layout::small(folder).data;
        fs::create_dir_all(&data)?;
        if self.arguments.keep.is_none() {
            // What the brokers hold is large, and says no more than the logs.
            at_the_end(&format!("rm -rf '{}'", data.display()));
        }
        if !self.schedule.iter().any(|step| step.kind == Kind::DiskFull) {
            return Ok(None);
        }
        Ok(Disk::mount(&data).inspect_err(|why| println!("no small disk: {why:#}")).ok())
    }

    fn cluster(&self, folder: &Path) -> Result<(Cluster, Vec<Network>, Vec<String>)> {
        let nodes = self.arguments.brokers;
        let mut networks = Vec::new();
        let mut proxies = Vec::new();
        let mut listeners = Vec::new();
        let mut bootstraps = Vec::new();
        for n in 0..usize::from(self.arguments.routers) {
            let ports = free_ports(nodes)?;
            let bound: Vec<_> =
                ports.iter().map(|port| TcpListener::bind(("127.0.0.1", *port))).collect::<Result<_, _>>()?;
            networks.push(Network::new());
            proxies.push(bound);
            bootstraps.push(addresses(&ports));
            listeners.push(Listener::sasl_plain(&format!("ROUTER{n}"), USER, ports));
        }
        let cluster = Cluster::start(&Layout {
            nodes,
            listeners,
            java: small_java(if nodes > 1 { 512 } else { 1_024 }),
            settings: [SMALL_INDICES, RIGHTS].concat(),
            ..Layout::small(folder)
        })?;
        for (router, (network, bound)) in networks.iter().zip(proxies).enumerate() {
            for (node, listener) in bound.into_iter().enumerate() {
                network.forward(listener, cluster.port(node, router));
            }
        }
        Ok((cluster, networks, bootstraps))
    }

    fn load(&self, cluster: &Cluster) -> load::Plan {
        load::Plan {
            bootstrap: cluster.bootstrap(),
            records: self.arguments.records(),
            per_second: self.per_second,
            keys: self.arguments.keys,
            seed: self.arguments.seed,
            mix: Mix::All,
        }
    }

    fn flip_every(&self) -> Duration {
        Duration::from_secs(if self.arguments.scope() == Scope::Smoke { 20 } else { 45 })
    }
}

/// Lets a control do the router's work, and the checker judge it.
pub fn judge_control(control: &Control) -> Result<bool> {
    let programs = Programs::find(false)?;
    let folder = folder(Some(&control.folder))?;
    let notes = Notes::create(&folder)?;
    let world = marketplace::make();
    world.save(&folder.join(WORLD))?;
    let cluster = Cluster::start(&Layout::small(&folder))?;
    admin::create_all(&cluster, 1)?;
    let began = now_ms();
    notes.write(&Note::Catalog { state: 0, began, ended: began });
    let version = control::POLICY.to_owned();
    notes.write(&Note::Policy { version, is_changed: false, began, ended: began });
    let mut checker = start_checker(&programs, &folder, &cluster)?;
    let plan = load::Plan {
        bootstrap: cluster.bootstrap(),
        records: control::RECORDS,
        per_second: 100_000,
        keys: 7,
        seed: 1,
        mix: Mix::Plain,
    };
    Load::start(plan, world).finish()?;
    control.flaw.run(&cluster.bootstrap())?;
    fs::write(folder.join(FINISHED), "")?;
    finish_checker(&mut checker, &folder)
}

fn start_checker(programs: &Programs, folder: &Path, cluster: &Cluster) -> Result<Process> {
    let mut command = Command::new(&programs.checker);
    command.arg("--folder").arg(folder).args(["--bootstrap", &cluster.bootstrap()]);
    command.args(["--open-for", &OPEN_FOR.as_secs().to_string()]);
    let mut checker = Process::start(&mut command, &folder.join("checker.log"))?;
    wait_for("the checker reads", WATCH_DEADLINE, || {
        checker.check_alive().context("the checker")?;
        Ok(folder.join(WATCHING).exists().then_some(()))
    })?;
    Ok(checker)
}

/// Before the first fault, all routers have their partitions.
fn wait_until_at_work(routers: &Routers) -> Result<()> {
    wait_for("the routers are at work", START_DEADLINE, || {
        Ok((0..routers.len()).all(|router| !routers.partitions(router).is_empty()).then_some(()))
    })
}

fn finish_checker(checker: &mut Process, folder: &Path) -> Result<bool> {
    let ended = checker.wait_for_end(CHECK_DEADLINE);
    println!("{}", fs::read_to_string(folder.join("checker.log"))?);
    match ended.and_then(|status| status.code()) {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        code => bail!("the checker gave no verdict: {code:?}"),
    }
}

/// Waits until the group has committed everything. If it does not, the checker says what is missing.
fn wait_until_drained(cluster: &Cluster, notes: &Notes) -> Result<()> {
    let progress = Progress::of(&cluster.bootstrap(), GROUP, INCOMING)?;
    let mut behind = Ok(0);
    let drained = wait_for("the group has committed everything", DRAIN_DEADLINE, || {
        behind = progress.behind();
        Ok(matches!(behind, Ok(0)).then_some(()))
    });
    if let Err(error) = drained {
        notes.trouble(format!("{error}: it is behind by {behind:?}"));
    }
    Ok(())
}

fn folder(keep: Option<&Path>) -> Result<PathBuf> {
    let folder = keep.map_or_else(
        || env::temp_dir().join(format!("ticket-router-proof-{}", std::process::id())),
        Path::to_owned,
    );
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let is_empty = fs::read_dir(&folder)?.next().is_none();
    ensure!(
        is_empty,
        "{} is not empty: the notes of another run would be taken for this one's",
        folder.display()
    );
    Ok(folder.canonicalize()?)
}

fn addresses(ports: &[u16]) -> String {
    ports.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
}
