//! `ticket-router demo`: the service of `run` on an embedded broker, with sample tickets, for a person to watch.

mod samples;
mod view;

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::runtime;

use crate::{
    commands::{
        exit::{Ended, Exit, Failure},
        io::Io,
        run::Signals,
    },
    config::{CatalogFrom, Config, Listen},
    console::is_coloured,
    kafka::{
        check::{Report, check},
        create::{Plan, create},
        embedded::Embedded,
        identity::Identity,
        sender::Sender,
        tail::{From, Tail},
    },
    policy::Policy,
    service::{Health, Service},
    telemetry::Telemetry,
    ticket::Format,
};

const PARTITIONS: u16 = 3;
/// The topics of the demo on a real Kafka begin with this, so that nothing of yours is touched.
const PREFIX: &str = "ticket-router-demo.";
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a ticket may be on its way before the demo gives up waiting for it.
const ROUTED_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// Watch the whole router at work on an embedded broker, with sample tickets
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// A real Kafka (`host:port`) instead of the embedded broker; topics named `ticket-router-demo.*` are created there
    #[arg(long, value_name = "ADDRESS")]
    bootstrap: Option<String>,
    /// Tickets a second
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// How many tickets; the samples are repeated as often as needed. 0 goes on until Ctrl-C
    #[arg(long, default_value_t = samples::count())]
    tickets: u64,
}

impl DemoArgs {
    /// Runs the demo until all tickets are routed, or Ctrl-C.
    ///
    /// # Errors
    ///
    /// The demo could not start, or the router ended by itself.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        tracing_subscriber::fmt()
            .with_env_filter("warn,librdkafka=error")
            .with_ansi(is_coloured(&io::stderr()))
            .with_writer(io::stderr)
            .log_internal_errors(false)
            .init();
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().context("no runtime can be had")?;
        runtime.block_on(demonstrate(&self, io))
    }
}

async fn demonstrate(args: &DemoArgs, io: &mut Io<'_>) -> Ended {
    let mut signals = Signals::new().context("signals cannot be listened to")?;
    // Kept until the end: the cluster goes with it.
    let embedded = match args.bootstrap {
        Some(_) => None,
        None => Some(Embedded::start().context("the embedded broker does not start")?),
    };
    let config = config(args, embedded.as_ref());
    view::welcome(&config, embedded.is_some(), io.out)?;
    let identity = Identity::claim(&config.kafka)?;
    let report = match &embedded {
        Some(embedded) => {
            embedded
                .create_topics(&config, PARTITIONS.into())
                .context("the embedded broker takes no topic")?;
            Report::default()
        }
        None => prepare(&config, &identity, io)?,
    };
    load_catalog(&config)?;
    let outputs = config.topics.outputs();
    let mut tail = Tail::new(&config, &outputs.map(|(_, name)| name), From::Now)?;
    let policy = Arc::new(Policy::builtin());
    let (health, writer) = Health::new(&config, &policy, &Telemetry::default());
    let mut service =
        Service::start(&config, &identity, &report.limits, (Arc::clone(&health), writer), None)?;

    let until = Arc::new(AtomicBool::new(false));
    let watching = {
        let (args, config, until) = (args.clone(), config.clone(), Arc::clone(&until));
        thread::Builder::new().name("demo".to_owned()).spawn(move || -> anyhow::Result<view::Summary> {
            let started = Instant::now();
            while !health.missing().is_empty() {
                if until.load(Ordering::Relaxed) {
                    return Ok(view::Summary::default());
                }
                if started.elapsed() > READY_WITHIN {
                    bail!("the router is not ready after {READY_WITHIN:?}: {}", health.missing().join("; "));
                }
                thread::sleep(POLL);
            }
            view::ready(started.elapsed(), &mut io::stdout())?;
            watch(&args, &config, &mut tail, &until)
        })?
    };
    let ended = tokio::select! {
        ended = service.ended() => ended,
        () = signals.next() => Ok(()),
        () = finished(&watching) => Ok(()),
    };
    until.store(true, Ordering::Relaxed);
    let summary = watching.join().map_err(|_| anyhow::anyhow!("the demo's own thread panicked"))?;
    let health = service.health();
    let drained = service.drain(config.shutdown.grace());
    let totals = health.totals();
    ended.context("the router stopped")?;
    let summary = summary?;
    view::farewell(&summary, &totals, embedded.is_some(), io.out)?;
    Ok(if drained && summary.waiting() == 0 { Exit::Done } else { Exit::Failed })
}

async fn finished<T>(thread: &thread::JoinHandle<T>) {
    while !thread.is_finished() {
        tokio::time::sleep(POLL).await;
    }
}

fn config(args: &DemoArgs, embedded: Option<&Embedded>) -> Config {
    let mut config = Config::default();
    config.http.listen = Listen::Off;
    config.catalog.from = CatalogFrom::Topics;
    config.kafka.group_id = "ticket-router-demo".to_owned();
    if let Some(embedded) = embedded {
        config.kafka.bootstrap_servers = embedded.bootstrap_servers();
        // Two demos on one machine have nothing to do with each other.
        config.kafka.instance = Some(std::process::id().to_string());
        return config;
    }
    config.kafka.bootstrap_servers = args.bootstrap.clone().unwrap_or_default();
    let topics = &mut config.topics;
    let catalog = &mut config.catalog.topics;
    for name in [
        &mut topics.incoming,
        &mut topics.partner,
        &mut topics.publisher,
        &mut topics.microsoft_commerce,
        &mut topics.triage,
        &mut topics.dead_letter,
        &mut catalog.offers,
        &mut catalog.publishers,
        &mut catalog.partners,
    ] {
        name.insert_str(0, PREFIX);
    }
    config
}

/// Creates the topics on a real Kafka and looks whether all is as it must be.
fn prepare(config: &Config, identity: &Identity, io: &mut Io<'_>) -> Result<Report, Failure> {
    let mut created = Report::default();
    let plan = Plan { partitions: PARTITIONS.into(), replication_factor: None };
    create(config, plan, &mut created)?;
    for report in [created, check(config, identity)?] {
        io.tell_findings(&report)?;
        if !report.limits.is_empty() {
            return Ok(report);
        }
    }
    Ok(Report::default())
}

fn load_catalog(config: &Config) -> anyhow::Result<()> {
    let mut sender = Sender::new(config)?;
    let topics = &config.catalog.topics;
    for (topic, records) in [
        (&topics.offers, samples::OFFERS),
        (&topics.publishers, samples::PUBLISHERS),
        (&topics.partners, samples::PARTNERS),
    ] {
        for line in records.lines() {
            sender.send(topic, samples::id(line.as_bytes()), line.as_bytes(), Some(Format::Json))?;
        }
    }
    sender.finish().context("the sample catalog was not written")
}

/// Sends the sample tickets and shows what becomes of them.
fn watch(
    args: &DemoArgs,
    config: &Config,
    tail: &mut Tail,
    until: &AtomicBool,
) -> anyhow::Result<view::Summary> {
    let mut sender = Sender::new(config)?;
    let pause = Duration::from_secs(1) / args.rate;
    let mut view = view::View::new(config);
    let mut tickets = samples::tickets();
    let mut next = Instant::now();
    let mut last_progress = Instant::now();
    let mut out = io::stdout().lock();
    while !until.load(Ordering::Relaxed) {
        let is_sending = args.tickets == 0 || view.summary.sent < args.tickets;
        if is_sending && Instant::now() >= next {
            let ticket = tickets.next().expect("the samples repeat");
            sender.send(&config.topics.incoming, samples::id(ticket), ticket, Some(Format::Json))?;
            view.summary.sent += 1;
            next += pause;
        }
        let wait = if is_sending { next.saturating_duration_since(Instant::now()).min(POLL) } else { POLL };
        while let Some(seen) =
            tail.next(if is_sending { wait.min(Duration::from_millis(1)) } else { wait })?
        {
            view.show(&seen, &mut out)?;
            last_progress = Instant::now();
        }
        out.flush()?;
        if !is_sending && (view.summary.waiting() == 0 || last_progress.elapsed() > ROUTED_WITHIN) {
            break;
        }
        thread::sleep(wait.min(next.saturating_duration_since(Instant::now())));
    }
    Ok(view.summary)
}
