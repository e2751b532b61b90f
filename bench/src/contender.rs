//! Who is measured, and how each is started.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Result, bail};
use ticket_router_harness::{Process, java};

use crate::{
    Bench,
    data::Format,
    expected::{Expected, TOPICS},
    profiler::Profiler,
    sink,
    topics::CATALOG,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Limit,
    Router,
    Streams,
}

/// One of those that are measured.
#[derive(Debug)]
pub struct Contender {
    pub name: &'static str,
    pub about: &'static str,
    pub kind: Kind,
    pub format: Format,
    /// Whether it runs if nothing else is asked for.
    pub is_usual: bool,
    /// Whether its latency is measured, too.
    pub has_latency: bool,
    /// Whether the limit pads its records to the length of the router's.
    pub is_padded: bool,
    /// Further arguments of the limit.
    pub arguments: &'static [&'static str],
    /// Topics that the limit writes to.
    pub topics: usize,
    pub workers: usize,
    pub processes: usize,
    /// Whether traces of one ticket in a hundred, metrics and log lines are exported.
    pub is_traced: bool,
}

const LIMIT: Contender = Contender {
    name: "",
    about: "",
    kind: Kind::Limit,
    format: Format::Json,
    is_usual: false,
    has_latency: false,
    is_padded: true,
    arguments: &[],
    topics: 1,
    workers: 1,
    processes: 1,
    is_traced: false,
};
const ROUTER: Contender = Contender { kind: Kind::Router, ..LIMIT };

/// All contenders. Each limit comes right before what is compared with it.
pub static ALL: &[Contender] = &[
    Contender {
        name: "limit-plain",
        about: "librdkafka moves the bytes: JSON as it is, no headers, exactly once",
        is_padded: false,
        is_usual: true,
        ..LIMIT
    },
    Contender {
        name: "limit-plain-at-least-once",
        about: "the same, at least once",
        is_padded: false,
        arguments: &["--guarantee", "at-least-once"],
        ..LIMIT
    },
    Contender {
        name: "limit-json-at-least-once",
        about: "librdkafka moves the bytes: JSON, output as long as the router's, at least once",
        arguments: &["--guarantee", "at-least-once"],
        is_usual: true,
        ..LIMIT
    },
    Contender {
        name: "limit-json",
        about: "librdkafka moves the bytes: JSON, output as long as the router's, exactly once",
        is_usual: true,
        has_latency: true,
        ..LIMIT
    },
    Contender { name: "router-json", about: "JSON in and out", is_usual: true, has_latency: true, ..ROUTER },
    Contender {
        name: "limit-protobuf",
        about: "librdkafka moves the bytes: protobuf, output as long as the router's, exactly once",
        format: Format::Protobuf,
        is_usual: true,
        ..LIMIT
    },
    Contender {
        name: "router-protobuf",
        about: "protobuf in and out",
        format: Format::Protobuf,
        is_usual: true,
        has_latency: true,
        ..ROUTER
    },
    Contender {
        name: "streams",
        about: "Kafka Streams, JSON in and out, exactly once",
        kind: Kind::Streams,
        is_usual: true,
        has_latency: true,
        ..LIMIT
    },
    Contender {
        name: "limit-json-4-topics",
        about: "as limit-json, to four topics in turn, as the router's tickets go",
        topics: 4,
        is_usual: true,
        ..LIMIT
    },
    Contender {
        name: "limit-protobuf-4-topics",
        about: "as limit-protobuf, to four topics in turn",
        format: Format::Protobuf,
        topics: 4,
        is_usual: true,
        ..LIMIT
    },
    Contender {
        name: "limit-json-batch",
        about: "as limit-json, consuming many records a call",
        arguments: &["--consume", "batch", "--drain-wait-ms", "5"],
        ..LIMIT
    },
    Contender {
        name: "limit-json-20000",
        about: "as limit-json, 20,000 records a transaction",
        arguments: &["--batch-records", "20000"],
        ..LIMIT
    },
    Contender {
        name: "router-json-traced",
        about: "as router-json, with telemetry: traces of 1 %, metrics, logs",
        is_traced: true,
        ..ROUTER
    },
    Contender {
        name: "router-json-2-workers",
        about: "two workers in one process",
        workers: 2,
        has_latency: true,
        ..ROUTER
    },
    Contender { name: "router-json-2-processes", about: "two processes", processes: 2, ..ROUTER },
];

/// The contenders of these names, or the usual ones.
pub fn chosen(names: &[String]) -> Result<Vec<&'static Contender>> {
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|it| it.name == **name)) {
        bail!("there is no contender `{unknown}`; --list names them");
    }
    let is_chosen = |it: &Contender| {
        if names.is_empty() { it.is_usual } else { names.iter().any(|name| name == it.name) }
    };
    Ok(ALL.iter().filter(|it| is_chosen(it)).collect())
}

/// Those that warm the broker up: records to one topic, and to several.
pub fn warm_up() -> impl Iterator<Item = &'static Contender> {
    ALL.iter().filter(|it| it.name == "limit-json" || it.name == "limit-json-4-topics")
}

/// What was started for a run.
pub struct Processes {
    // Before the profilers, which end with them, since fields are dropped in order.
    pub running: Vec<Process>,
    profilers: Vec<Profiler>,
}

impl Processes {
    /// An error with the end of a log, if a process has ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        self.running.iter_mut().try_for_each(Process::check_alive)
    }

    /// CPU time of all processes.
    pub fn cpu(&self) -> Result<Duration> {
        self.running.iter().map(Process::cpu).sum()
    }

    pub fn peak_mb(&self) -> Result<f64> {
        self.running.iter().map(Process::peak_mb).sum()
    }

    pub fn resident_mb(&self) -> Result<f64> {
        self.running.iter().map(Process::resident_mb).sum()
    }

    /// The ends of their logs.
    pub fn log_tails(&self) -> String {
        self.running.iter().map(Process::log_tail).collect::<Vec<_>>().join("\n")
    }

    /// Ends them.
    pub fn stop(mut self) {
        for process in &mut self.running {
            if process.stop().is_none() {
                eprintln!("process {} did not end on SIGTERM", process.id());
            }
        }
    }
}

/// One run of a contender: names that no other run has.
pub struct Run<'b> {
    bench: &'b Bench,
    contender: &'static Contender,
    folder: PathBuf,
    pub input: String,
    /// In the order of [`TOPICS`].
    pub outputs: [String; 5],
    pub group: String,
    padding: usize,
}

impl<'b> Run<'b> {
    pub fn new(
        bench: &'b Bench,
        expected: Option<&Expected>,
        contender: &'static Contender,
        input: &str,
        name: &str,
    ) -> Result<Self> {
        let tickets = bench.data.tickets(contender.format);
        let added = expected.map_or(0.0, |it| it.mean_len(contender.format) - tickets.mean_len());
        Ok(Self {
            bench,
            contender,
            folder: bench.run_folder(name)?,
            input: input.to_owned(),
            outputs: TOPICS.map(|topic| format!("{name}.{}", topic.trim_start_matches("tickets."))),
            group: name.to_owned(),
            padding: if contender.is_padded { added.round().max(0.0) as usize } else { 0 },
        })
    }

    /// The topics that it writes to.
    pub fn written(&self) -> Vec<&str> {
        let count =
            if self.contender.kind == Kind::Limit { self.contender.topics } else { self.outputs.len() };
        self.outputs[..count].iter().map(String::as_str).collect()
    }

    /// Starts its processes.
    pub fn start(&self) -> Result<Processes> {
        let mut processes = Processes { running: Vec::new(), profilers: Vec::new() };
        for index in 0..self.contender.processes {
            let mut command = match self.contender.kind {
                Kind::Limit => self.limit(),
                Kind::Router => self.router(index)?,
                Kind::Streams => self.streams(),
            };
            let process = Process::start(&mut command, &self.folder.join(format!("{index}.log")))?;
            if let Some(folder) = &self.bench.profiles {
                let into = folder.join(format!("{}.{index}.perf", self.group));
                processes.profilers.push(Profiler::start(&process, &into)?);
            }
            processes.running.push(process);
        }
        Ok(processes)
    }

    fn limit(&self) -> Command {
        let mut command = Command::new(&self.bench.programs.bench);
        command
            .args(["limit", "--bootstrap", &self.bench.broker.bootstrap])
            .args(["--input", &self.input])
            .args(["--output", &self.written().join(",")])
            .args(["--group", &self.group])
            .args(["--padding", &self.padding.to_string()])
            .args(self.contender.arguments);
        if self.contender.is_padded {
            command.args(["--content-type", self.contender.format.media_type()]);
        }
        command
    }

    fn router(&self, index: usize) -> Result<Command> {
        let config = self.folder.join(format!("{index}.toml"));
        let [partner, publisher, commerce, triage, dead_letter] = &self.outputs;
        let [offers, publishers, partners] = CATALOG.map(|(topic, _)| topic);
        let text = format!(
            r#"[kafka]
bootstrap_servers = "{}"
group_id = "{}"
instance = "bench-{index}"
state_dir = {:?}

[kafka.producer]
"compression.type" = "none"

[topics]
incoming = "{}"
partner = "{partner}"
publisher = "{publisher}"
microsoft_commerce = "{commerce}"
triage = "{triage}"
dead_letter = "{dead_letter}"

[catalog.topics]
offers = "{offers}"
publishers = "{publishers}"
partners = "{partners}"

[output]
format = "{}"

[worker]
count = {}

[http]
listen = "off"

[log]
format = "json"
level = "info"
"#,
            self.bench.broker.bootstrap,
            self.group,
            self.folder,
            self.input,
            match self.contender.format {
                Format::Json => "json",
                Format::Protobuf => "protobuf",
            },
            self.contender.workers,
        );
        fs::write(&config, text)?;
        let mut command = Command::new(&self.bench.programs.router);
        command.args(["run", "--config"]).arg(config);
        if self.contender.is_traced {
            command
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", sink::endpoint()?)
                .env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
                .env("OTEL_TRACES_SAMPLER_ARG", "0.01")
                .env("OTEL_METRIC_EXPORT_INTERVAL", "1000");
        }
        Ok(command)
    }

    fn streams(&self) -> Command {
        let [offers, publishers, partners] = CATALOG.map(|(topic, _)| topic);
        let mut command = Command::new(java());
        command
            .args([
                "-Xms512m",
                "-Xmx512m",
                "-XX:+UseParallelGC",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
            ])
            .arg(self.bench.programs.streams.join("jars/*"))
            .arg("ticketrouter.bench.StreamsRouter")
            .args([&self.bench.broker.bootstrap, &self.group])
            .arg(self.folder.join("state"))
            .arg(&self.input)
            .args([offers, publishers, partners])
            .args(&self.outputs);
        command
    }
}
