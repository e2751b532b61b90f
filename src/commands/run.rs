//! `ticket-router run`: the service.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{
    commands::{
        config::ConfigArgs,
        data::load_policy,
        exit::{Ended, Exit, Failure, OrExit as _},
        io::Io,
    },
    config::{Config, Listen},
    http,
    kafka::{
        check::{self, Report, Severity},
        clients,
        identity::Identity,
        worker::Totals,
    },
    metrics,
    policy::Policy,
    route::Destination,
    service::{Health, Service, ServiceError, StartError},
    telemetry::{self, Telemetry},
};

/// A folder is cleaned once a day, so nothing is missed; two questions to the operating system cost nothing.
const LOOK_AFTER_EVERY: Duration = Duration::from_secs(5);
/// Two signals within this time are one.
const APART: Duration = Duration::from_millis(500);

/// Run the service
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

impl RunArgs {
    /// Runs the service until a signal or a fault ends it.
    ///
    /// # Errors
    ///
    /// The service cannot start, or the process lacks what every process has.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        run(&self.config.load(io)?)
    }
}

fn run(config: &Config) -> Ended {
    let telemetry = start_telemetry(config).or_exit(Exit::Usage)?;
    for warning in config.warnings() {
        tracing::warn!(code = "INSECURE", "{warning}");
    }
    let policy = Arc::new(load_policy(config.policy.file.as_deref())?);
    clients::check_settings(config).or_exit(Exit::Usage)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = config.changed(), "ticket-router starts");
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().context("no runtime can be had")?;
    let ended = runtime.block_on(serve(config, &policy, &telemetry)).or_else(|failure| match failure {
        Failure::Error(Exit::Failed, error) => {
            let ended = error.downcast_ref::<ServiceError>();
            tracing::error!(code = ended.map_or("FAILED", ServiceError::code), "{error:#}");
            let is_of_the_brokers = ended.is_some_and(ServiceError::is_of_the_brokers);
            Ok(if is_of_the_brokers { Exit::Broker } else { Exit::Failed })
        }
        refused => Err(refused),
    });
    telemetry.shut_down(config.telemetry.flush());
    // Threads that are stuck in a call are not waited for.
    runtime.shutdown_background();
    ended
}

/// Starts the exporters and the log.
fn start_telemetry(config: &Config) -> anyhow::Result<Telemetry> {
    // What is not UTF-8 becomes a value that is ignored with a warning, like any other that cannot be
    // honoured.
    let variable = |name: &str| std::env::var_os(name).map(|it| it.to_string_lossy().into_owned());
    let (settings, ignored) = telemetry::Settings::resolve(&config.telemetry, variable)?;
    let (telemetry, failed) = Telemetry::start(&settings);
    telemetry::start_log(&config.log, telemetry.logs())?;
    for variable in ignored {
        tracing::warn!(code = "TELEMETRY_SETTING", "{variable}");
    }
    for signal in failed {
        tracing::warn!(code = "TELEMETRY_SETTING", "{:#}", anyhow::Error::from(signal));
    }
    Ok(telemetry)
}

async fn serve(config: &Config, policy: &Arc<Policy>, telemetry: &Telemetry) -> Ended {
    let mut signals = Signals::new().context("cannot install signal handlers")?;
    // First of all, so that a probe is told from the first moment what the start waits for.
    let listener = listen(config).await?;
    let (health, writer) = Health::new(config, policy, telemetry);
    if let Some(provider) = telemetry.metrics() {
        metrics::export(provider, &health);
    }
    if let Some(listener) = listener {
        tokio::spawn(http::serve(listener, Arc::clone(&health)));
    }
    let identity = Arc::new(Identity::claim(&config.kafka).or_exit(Exit::Usage)?);
    let lock_file = identity.lock_file().display();
    tracing::info!(%lock_file, id = identity.transactional_id(0), "this copy has a slot");

    let asking = (config.clone(), Arc::clone(&identity), Arc::clone(&health));
    let checked = tokio::task::spawn_blocking(move || {
        let (config, identity, health) = asking;
        check::wait(&config, &identity, &health.watch, &|what| health.awaits(what))
    });
    let report = tokio::select! {
        never = look_after(&identity) => match never {},
        report = checked => report.context("the check of the brokers panicked")?.or_exit(Exit::Usage)?,
        () = signals.next() => return Ok(Exit::Done),
    };
    show(&report);
    if !report.is_ok() {
        return Ok(Exit::of(&report));
    }

    let tracer = telemetry.tracer(&health.names);
    let shared = (Arc::clone(&health), writer);
    let started = Service::start(config, &identity, &report.limits, shared, tracer.as_ref());
    let mut service = started.map_err(|error| {
        let exit = match error {
            StartError::Client(_) => Exit::Usage,
            StartError::Catalog(_) => Exit::Data,
            _ => Exit::Failed,
        };
        Failure::Error(exit, error.into())
    })?;
    let outcome = tokio::select! {
        never = look_after(&identity) => match never {},
        ended = service.ended() => ended.context("the router stops"),
        () = signals.next() => {
            tracing::info!("told to stop: finishing what is in flight");
            Ok(())
        }
    };
    let grace = config.shutdown.grace();
    let drained = tokio::select! {
        drained = tokio::task::spawn_blocking(move || service.drain(grace)) => drained.unwrap_or(false),
        () = signals.next_apart() => {
            tracing::warn!(code = "STOPPED_AT_ONCE", "told to stop again: ending at once, the open transaction will be aborted");
            false
        }
    };
    sum_up(&health.totals());
    outcome?;
    Ok(if drained { Exit::Done } else { Exit::Failed })
}

/// Keeps the lock file of this copy where it is.
async fn look_after(identity: &Identity) -> Infallible {
    let mut every = tokio::time::interval(LOOK_AFTER_EVERY);
    loop {
        every.tick().await;
        identity.look_after();
    }
}

fn show(report: &Report) {
    for finding in &report.findings {
        match finding.severity {
            Severity::Error | Severity::Outage => tracing::error!(code = "BROKER_CHECK", "{finding}"),
            Severity::Warning => tracing::warn!(code = "BROKER_CHECK", "{finding}"),
            Severity::Info => tracing::debug!("{finding}"),
        }
    }
}

async fn listen(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Listen::At(address) = config.http.listen else { return Ok(None) };
    let listener = http::bind(address, config.http.next_ports)
        .await
        .with_context(|| format!("cannot listen on `http.listen` = `{address}`"))?;
    tracing::info!(address = %listener.local_addr().unwrap_or(address), "answering GET /live, /ready and /metrics");
    Ok(Some(listener))
}

fn sum_up(totals: &Totals) {
    let written = |destination: Destination| totals.written[destination as usize];
    tracing::info!(
        read = totals.read,
        partner = written(Destination::Partner),
        publisher = written(Destination::Publisher),
        microsoft_commerce = written(Destination::MicrosoftCommerce),
        triage = written(Destination::Triage),
        dead_letter = written(Destination::DeadLetter),
        transactions = totals.commits,
        aborted = totals.aborts,
        "ticket-router has stopped"
    );
}

/// The signals that ask the process to end.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for a signal that is not the one before once more: who ends a group of processes may send it
    /// to each of them, too.
    pub(super) async fn next_apart(&mut self) {
        let before = Instant::now();
        loop {
            self.next().await;
            if before.elapsed() >= APART {
                return;
            }
        }
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
