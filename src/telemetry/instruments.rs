//! The table of all metrics. The reference page, the page for Prometheus and the export are made from it.

use crate::route::Destination;

/// A metric.
#[derive(Debug, PartialEq)]
pub struct Metric {
    /// The name at OpenTelemetry.
    pub name: &'static str,
    /// What kind of figure it is.
    pub kind: Kind,
    /// The unit, in UCUM: `s`, `By`, or a word in braces.
    pub unit: &'static str,
    /// The labels, in order.
    pub labels: &'static [Label],
    /// What it means.
    pub description: &'static str,
}

/// A kind of metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// A figure of the moment.
    Gauge,
    /// Always 1: the information is in its labels.
    Info,
    /// Counts in buckets with these bounds.
    Histogram(&'static [f64]),
}

/// A label.
#[derive(Debug, PartialEq)]
pub struct Label {
    /// The name at OpenTelemetry.
    pub name: &'static str,
    /// The values that it can have.
    pub values: Values,
}

/// The values of a label. All are closed sets: none comes from a ticket, except names of fields, which are
/// bounded.
#[derive(Debug, PartialEq)]
pub enum Values {
    /// These words.
    Words(&'static [&'static str]),
    /// The codes of a list elsewhere in the manual.
    Codes(&'static str),
    /// Set by the config or the policy in use.
    Set(&'static str),
}

const OWNER: Label =
    Label { name: "owner", values: Values::Words(&["partner", "publisher", "microsoft-commerce"]) };
const RULE: Label = Label {
    name: "rule",
    values: Values::Set("the ids of the policy's rules; `none` if no rule was applied"),
};
const DEAD_LETTER: Label =
    Label { name: "reason", values: Values::Codes("the dead-letter reasons of [reasons.md](reasons.md)") };
const TRIAGE: Label =
    Label { name: "reason", values: Values::Codes("the triage reasons of [reasons.md](reasons.md)") };
const FIELD: Label = Label {
    name: "field",
    values: Values::Set(
        "the names of fields: those of the contract, and plain ones that tickets have (at most 64 letters, digits, `_`, `-` \
         and `.`, not a digit first); `other` for the rest, and after the first 49 names of a process",
    ),
};
const DESTINATION: Label = Label { name: "destination", values: Values::Words(&Destination::LABELS) };
const TOPIC: Label =
    Label { name: "messaging.destination.name", values: Values::Set("the names in `[topics]`") };
const CATALOG: Label = Label { name: "kind", values: Values::Words(&["offer", "publisher", "partner"]) };
const SYSTEM: Label = Label { name: "messaging.system.name", values: Values::Words(&["kafka"]) };
const OPERATION: Label =
    Label { name: "messaging.operation.name", values: Values::Words(&["commit", "poll", "process", "send"]) };
const OPERATION_TYPE: Label = Label { name: "messaging.operation.type", values: Values::Words(&["settle"]) };
const GROUP: Label = Label { name: "messaging.consumer.group.name", values: Values::Set("`kafka.group_id`") };
const ABORTED_BY: Label = Label {
    name: "error.type",
    values: Values::Set(
        "the cause if the transaction was aborted, as in `ticket_router_transaction_aborts_total`; else left out",
    ),
};

const DEAD_LETTERED_BY: Label = Label {
    name: "error.type",
    values: Values::Codes(
        "the reason of [reasons.md](reasons.md) if the record became a dead letter; else left out",
    ),
};

/// The version of OpenTelemetry's conventions that names and attributes follow.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.45.0";

/// In seconds: from a decision in microseconds to one that waits for a full queue.
pub const PROCESS_BOUNDS: &[f64] = &[
    0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 1.0,
];
/// In seconds: from a ticket that is routed at once to one that waited for a day.
pub const DELAY_BOUNDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0,
    21_600.0, 86_400.0,
];
/// In seconds, as OpenTelemetry's conventions have them.
pub const OPERATION_BOUNDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// In seconds: from one record to a broker in trouble.
pub const TRANSACTION_BOUNDS: &[f64] =
    &[0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Records of a transaction, up to the largest that can be configured.
pub const RECORDS_BOUNDS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0,
    50_000.0, 100_000.0,
];

/// All metrics, in the order of the pages.
pub static METRICS: &[Metric] = &[
    Metric {
        name: "ticket_router.tickets",
        kind: Kind::Counter,
        unit: "{ticket}",
        labels: &[OWNER, RULE],
        description: "Tickets handed to an owner, by the rule that decided.",
    },
    Metric {
        name: "ticket_router.triage",
        kind: Kind::Counter,
        unit: "{ticket}",
        labels: &[TRIAGE, RULE],
        description: "Tickets handed to a person, by the reason.",
    },
    Metric {
        name: "ticket_router.dead_letters",
        kind: Kind::Counter,
        unit: "{record}",
        labels: &[DEAD_LETTER],
        description: "Records that are not tickets or could not be written, by the reason.",
    },
    Metric {
        name: "ticket_router.fields.odd",
        kind: Kind::Counter,
        unit: "{ticket}",
        labels: &[FIELD, Label { name: "what", values: Values::Words(&["value", "name"]) }],
        description: "Tickets with a field that does not follow the contract, by the intended field. They travel on as they came. `value`: the value has another type or form, and decides nothing. `name`: the name is misspelt, so nobody reads the field.",
    },
    Metric {
        name: "ticket_router.fields.dropped",
        kind: Kind::Counter,
        unit: "{ticket}",
        labels: &[FIELD],
        description: "Tickets that lost a field because the output's format has no place for it, by the field. `output.format = \"same\"` loses none.",
    },
    Metric {
        name: "ticket_router.ticket.delay",
        kind: Kind::Histogram(DELAY_BOUNDS),
        unit: "s",
        labels: &[],
        description: "Time from the timestamp of a ticket's record to the commit of its transaction, for every committed record that has a \
                      timestamp; 0 if the timestamp is later than the router's clock.",
    },
    Metric {
        name: "ticket_router.records.read",
        kind: Kind::Counter,
        unit: "{record}",
        labels: &[],
        description: "Records read in committed transactions.",
    },
    Metric {
        name: "ticket_router.records.written",
        kind: Kind::Counter,
        unit: "{record}",
        labels: &[DESTINATION],
        description: "Records written in committed transactions, by destination.",
    },
    Metric {
        name: "ticket_router.records.unaccounted",
        kind: Kind::Gauge,
        unit: "{record}",
        labels: &[],
        description: "Records read minus records written, in committed transactions. Any figure except 0 is a bug in ticket-router.",
    },
    Metric {
        name: "ticket_router.consumer.lag",
        kind: Kind::Gauge,
        unit: "{record}",
        labels: &[Label {
            name: "partition",
            values: Values::Set("the partitions of the incoming topic that this copy reads"),
        }],
        description: "Offsets from the last commit to the end of the partition, as the consumer last saw it. Measured once a second.",
    },
    Metric {
        name: "ticket_router.transaction.duration",
        kind: Kind::Histogram(TRANSACTION_BOUNDS),
        unit: "s",
        labels: &[Label { name: "outcome", values: Values::Words(&["committed", "aborted"]) }],
        description: "Time from the beginning of a transaction to its end.",
    },
    Metric {
        name: "ticket_router.transaction.records",
        kind: Kind::Histogram(RECORDS_BOUNDS),
        unit: "{record}",
        labels: &[],
        description: "Records of a committed transaction.",
    },
    Metric {
        name: "ticket_router.transaction.aborts",
        kind: Kind::Counter,
        unit: "{transaction}",
        labels: &[Label {
            name: "cause",
            values: Values::Words(&["refused", "undelivered", "lost", "broker", "injected"]),
        }],
        description: "Aborted transactions, by the cause. The router reads their records again.",
    },
    Metric {
        name: "ticket_router.rebalances",
        kind: Kind::Counter,
        unit: "{rebalance}",
        labels: &[],
        description: "Assignments received from the consumer group.",
    },
    Metric {
        name: "ticket_router.catalog.records",
        kind: Kind::Gauge,
        unit: "{record}",
        labels: &[CATALOG],
        description: "Records in the catalog.",
    },
    Metric {
        name: "ticket_router.catalog.size",
        kind: Kind::Gauge,
        unit: "By",
        labels: &[],
        description: "Memory that the records of the catalog take, about.",
    },
    Metric {
        name: "ticket_router.catalog.limit",
        kind: Kind::Gauge,
        unit: "By",
        labels: &[],
        description: "The most memory that the records of the catalog may take: `limits.max_catalog_bytes`. A folder has no limit.",
    },
    Metric {
        name: "ticket_router.catalog.skipped",
        kind: Kind::Counter,
        unit: "{record}",
        labels: &[CATALOG],
        description: "Records of the catalog's topics that could not be read. The last good record of the key stays.",
    },
    Metric {
        name: "ticket_router.catalog.bad",
        kind: Kind::Gauge,
        unit: "{key}",
        labels: &[CATALOG],
        description: "Keys of the catalog's topics whose newest record cannot be read.",
    },
    Metric {
        name: "ticket_router.catalog.age",
        kind: Kind::Gauge,
        unit: "s",
        labels: &[],
        description: "Time since the catalog was last known to hold everything in its topics. The router asks the brokers every five seconds.",
    },
    Metric {
        name: "ticket_router.catalog.restore.duration",
        kind: Kind::Gauge,
        unit: "s",
        labels: &[],
        description: "Time that the router took at its start to restore the catalog.",
    },
    Metric {
        name: "ticket_router.policy.info",
        kind: Kind::Info,
        unit: "",
        labels: &[Label { name: "version", values: Values::Set("the digest of the policy in use") }],
        description: "The policy in use.",
    },
    Metric {
        name: "ticket_router.build.info",
        kind: Kind::Info,
        unit: "",
        labels: &[
            Label { name: "version", values: Values::Set("the program's version") },
            Label {
                name: "revision",
                values: Values::Set("the commit that it was built from, or `unknown`"),
            },
            Label { name: "librdkafka", values: Values::Set("the version of librdkafka") },
            Label { name: "openssl", values: Values::Set("the version of OpenSSL") },
        ],
        description: "The program, and the libraries that it runs with.",
    },
    Metric {
        name: "ticket_router.ready",
        kind: Kind::Gauge,
        unit: "",
        labels: &[],
        description: "Whether the router is ready, as GET /ready says: 0 or 1.",
    },
    Metric {
        name: "ticket_router.kafka.errors",
        kind: Kind::Counter,
        unit: "{error}",
        labels: &[Label {
            name: "kind",
            values: Values::Words(&[
                "transport",
                "all_brokers_down",
                "authentication",
                "authorization",
                "other",
            ]),
        }],
        description: "Errors that the Kafka clients reported. The clients retry by themselves.",
    },
    Metric {
        name: "ticket_router.telemetry.dropped",
        kind: Kind::Counter,
        unit: "{item}",
        labels: &[Label { name: "signal", values: Values::Words(&["spans", "logs", "metrics"]) }],
        description: "Spans, log lines and exports of metrics that did not reach the collector.",
    },
    Metric {
        name: "messaging.client.consumed.messages",
        kind: Kind::Counter,
        unit: "{message}",
        labels: &[SYSTEM, OPERATION, TOPIC, GROUP],
        description: "Records read, including those of aborted transactions.",
    },
    Metric {
        name: "messaging.client.sent.messages",
        kind: Kind::Counter,
        unit: "{message}",
        labels: &[SYSTEM, OPERATION, TOPIC],
        description: "Records handed to the producer, including those of aborted transactions.",
    },
    Metric {
        name: "messaging.client.operation.duration",
        kind: Kind::Histogram(OPERATION_BOUNDS),
        unit: "s",
        labels: &[SYSTEM, OPERATION, OPERATION_TYPE, TOPIC, GROUP, ABORTED_BY],
        description: "Time that ending a transaction takes, from the last record to the answer of the brokers. Polling and sending only hand over \
                      records in memory, so they have no durations.",
    },
    Metric {
        name: "messaging.process.duration",
        kind: Kind::Histogram(PROCESS_BOUNDS),
        unit: "s",
        labels: &[SYSTEM, OPERATION, TOPIC, GROUP, DEAD_LETTERED_BY],
        description: "Time from taking up a record to handing its result to the producer. The router measures one record in 64.",
    },
    Metric {
        name: "process.start_time",
        kind: Kind::Gauge,
        unit: "s",
        labels: &[],
        description: "When the process started, in seconds since 1970. On Linux only, like all figures of the process.",
    },
    Metric {
        name: "process.cpu",
        kind: Kind::Counter,
        unit: "s",
        labels: &[],
        description: "Processor time of all threads, in user and kernel mode, in whole seconds.",
    },
    Metric {
        name: "process.resident_memory",
        kind: Kind::Gauge,
        unit: "By",
        labels: &[],
        description: "Memory that the process occupies: the catalog, the clients' queues, and the program.",
    },
    Metric {
        name: "process.virtual_memory",
        kind: Kind::Gauge,
        unit: "By",
        labels: &[],
        description: "Memory that the process has reserved.",
    },
    Metric {
        name: "process.open_fds",
        kind: Kind::Gauge,
        unit: "{descriptor}",
        labels: &[],
        description: "Open file descriptors, connections included.",
    },
    Metric {
        name: "process.max_fds",
        kind: Kind::Gauge,
        unit: "{descriptor}",
        labels: &[],
        description: "File descriptors that the process may open. Left out if there is no limit.",
    },
    Metric {
        name: "process.threads",
        kind: Kind::Gauge,
        unit: "{thread}",
        labels: &[],
        description: "Threads of the process.",
    },
];

impl Metric {
    /// The name on the page for Prometheus, as its conventions ask for it.
    #[must_use]
    pub fn prometheus_name(&self) -> String {
        let unit = match self.unit {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info | Kind::Gauge | Kind::Histogram(_) => "",
        };
        format!("{}{unit}{suffix}", self.name.replace('.', "_"))
    }
}

impl Label {
    /// The name on the page for Prometheus.
    #[must_use]
    pub fn prometheus_name(&self) -> String {
        // The page keeps the name that the conventions had before 1.45.
        if self.name == SYSTEM.name { "messaging_system".to_owned() } else { self.name.replace('.', "_") }
    }
}
