//! `ticket-router run`: the service.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::{
    commands::{exit, topics::ConfigArgs},
    config::{Config, Listen, LogFormat},
    kafka::{
        check::{Report, Severity, check},
        clients,
        identity::Identity,
        worker::Totals,
    },
    policy::Policy,
    route::Destination,
    service::{self, Health, Service, StartError},
};

/// Runs the service until a signal or a fault ends it.
///
/// # Errors
///
/// The service cannot go on, or the process lacks what every process has (exit 1).
pub fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let config = match args.load() {
        Ok(config) => config,
        Err(refused) => return Ok(exit::usage(&refused)),
    };
    if let Err(error) = start_log(&config) {
        return Ok(exit::usage(&*error));
    }
    let policy = match load_policy(config.policy.file.as_deref()) {
        Ok(policy) => Arc::new(policy),
        Err(code) => return Ok(code),
    };
    if let Err(error) = clients::check_settings(&config) {
        return Ok(exit::usage(&error));
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = config.redacted(), "ticket-router starts");
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().context("no runtime can be had")?;
    runtime.block_on(serve(&config, &policy))
}

/// Reads a policy file, or the built-in one.
///
/// # Errors
///
/// The exit code, after the reason was printed.
pub fn load_policy(file: Option<&Path>) -> Result<Policy, ExitCode> {
    let Some(path) = file else { return Ok(Policy::builtin()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        eprintln!("error: the policy `{}` cannot be read: {error}", path.display());
        ExitCode::from(exit::USAGE)
    })?;
    Policy::load(&path.display().to_string(), &text).map_err(|refused| {
        eprintln!("{refused}");
        ExitCode::from(exit::DATA)
    })
}

async fn serve(config: &Config, policy: &Arc<Policy>) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new().context("signals cannot be listened to")?;
    let identity = match Identity::claim(&config.kafka) {
        Ok(identity) => Arc::new(identity),
        Err(error) => return Ok(exit::usage(&error)),
    };

    let asking = (config.clone(), Arc::clone(&identity));
    let report = tokio::select! {
        report = tokio::task::spawn_blocking(move || check(&asking.0, &asking.1)) => {
            match report.context("the check of the brokers panicked")? {
                Ok(report) => report,
                Err(error) => return Ok(exit::usage(&error)),
            }
        }
        () = signals.next() => leave(0),
    };
    show(&report);
    if !report.is_ok() {
        return Ok(ExitCode::from(exit::BROKER));
    }

    let mut service = match Service::start(config, policy, &identity, &report.max_message_bytes) {
        Ok(service) => service,
        Err(error @ StartError::Client(_)) => return Ok(exit::usage(&error)),
        Err(error @ StartError::Catalog(_)) => {
            eprintln!("error: {:#}", anyhow::Error::from(error));
            return Ok(ExitCode::from(exit::DATA));
        }
        Err(error) => return Err(error.into()),
    };
    let (stop_http, http_stopped) = oneshot::channel::<()>();
    let http = serve_http(config, service.health(), http_stopped).await?;

    let outcome = tokio::select! {
        ended = service.ended() => ended.context("the router stops"),
        () = signals.next() => {
            tracing::info!("told to stop: finishing what is in flight");
            Ok(())
        }
    };
    let health = service.health();
    let grace = config.shutdown.grace();
    let drained = tokio::select! {
        drained = tokio::task::spawn_blocking(move || service.drain(grace)) => drained.unwrap_or(false),
        () = signals.next() => {
            tracing::warn!("told to stop again: ending at once, the open transaction will be aborted");
            false
        }
    };
    drop(stop_http);
    if let Some(http) = http {
        drop(tokio::time::timeout(Duration::from_millis(200), http).await);
    }
    sum_up(&health.totals());
    outcome?;
    if drained { Ok(ExitCode::SUCCESS) } else { leave(exit::FAILED) }
}

/// Ends the process without waiting for threads that are stuck in a call.
fn leave(code: u8) -> ! {
    std::process::exit(code.into())
}

fn show(report: &Report) {
    for finding in &report.findings {
        match finding.severity {
            Severity::Error => tracing::error!("{finding}"),
            Severity::Warning => tracing::warn!("{finding}"),
            Severity::Info => tracing::debug!("{finding}"),
        }
    }
}

async fn serve_http(
    config: &Config,
    health: Arc<Health>,
    stopped: oneshot::Receiver<()>,
) -> anyhow::Result<Option<tokio::task::JoinHandle<std::io::Result<()>>>> {
    let Listen::At(address) = config.http.listen else { return Ok(None) };
    let listener = service::bind(address, config.http.next_ports)
        .await
        .with_context(|| format!("`http.listen` = `{address}` cannot be listened on"))?;
    tracing::info!(address = %listener.local_addr().unwrap_or(address), "answering GET /live and /ready");
    Ok(Some(tokio::spawn(service::serve(listener, health, async move { drop(stopped.await) }))))
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

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Sends the log to standard error, as text or JSON.
///
/// # Errors
///
/// `log.level` is no filter.
fn start_log(config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    use std::io::IsTerminal as _;
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log.level)
        .map_err(|error| format!("`log.level` = `{}` is no filter: {error}", config.log.level))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
    }
    Ok(())
}
