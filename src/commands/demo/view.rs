//! What a person sees of the demo.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use crate::{
    commands::routed::{error_header, routed, shown, word},
    config::Config,
    console::is_coloured,
    kafka::{tail::Seen, worker::Totals},
    proto::v1::{RoutedTicket, decision::TriageReason, ticket},
    route::Destination,
};

/// Colours of the owners, by [`Destination`]: SGR codes.
const COLOURS: [&str; Destination::ALL.len()] = ["32", "36", "34", "33", "31"];
const LABELS: [&str; Destination::ALL.len()] = ["partner", "publisher", "microsoft", "triage", "dead letter"];
const DEFAULT_WIDTH: usize = 160;

/// What came of the tickets.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Tickets sent.
    pub sent: u64,
    /// Records seen in the outgoing topics, by [`Destination`].
    pub seen: [u64; Destination::ALL.len()],
}

impl Summary {
    /// Tickets sent and not seen again.
    pub fn waiting(&self) -> u64 {
        self.sent.saturating_sub(self.seen.iter().sum())
    }
}

/// Shows routed tickets, one line each.
pub struct View {
    pub summary: Summary,
    topics: [String; Destination::ALL.len()],
    is_coloured: bool,
    width: usize,
}

impl View {
    pub fn new(config: &Config) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let terminal = comfy_table::Table::new().width().map(usize::from).filter(|_| is_terminal);
        Self {
            summary: Summary::default(),
            topics: config.topics.outputs().map(|(_, name)| name.to_owned()),
            is_coloured: is_coloured(&io::stdout()),
            width: terminal.unwrap_or(DEFAULT_WIDTH),
        }
    }

    pub fn show(&mut self, seen: &Seen, out: &mut dyn Write) -> io::Result<()> {
        let Some(index) = self.topics.iter().position(|topic| *topic == seen.topic) else { return Ok(()) };
        self.summary.seen[index] += 1;
        let (id, what, owner, why) = if index == Destination::DeadLetter as usize {
            dead_letter(seen)
        } else {
            match routed(&seen.value) {
                Ok(routed) => ticket(&routed),
                Err(error) => ("?".to_owned(), String::new(), String::new(), error),
            }
        };
        let head = format!("{id:<11} {what:<33} → ");
        let owner = format!("{:<11} {owner:<22}", LABELS[index]);
        let room = self.width.saturating_sub(head.chars().count() + owner.chars().count() + 1);
        let why: String = if why.chars().count() <= room {
            why
        } else {
            why.chars().take(room.saturating_sub(1)).chain(['…']).collect()
        };
        if self.is_coloured {
            writeln!(out, "{head}\x1b[{}m{owner}\x1b[0m {why}", COLOURS[index])
        } else {
            writeln!(out, "{head}{owner} {why}")
        }
    }
}

/// Id, what is asked, owner, reason.
fn ticket(routed: &RoutedTicket) -> (String, String, String, String) {
    let ticket = routed.ticket.clone().unwrap_or_default();
    let decision = routed.decision.clone().unwrap_or_default();
    let role = ticket.requester.clone().unwrap_or_default().role();
    let role = word(role.as_str_name(), "ROLE_");
    let category = ticket::Category::try_from(ticket.category)
        .map_or_else(|_| ticket.category.to_string(), |it| word(it.as_str_name(), "CATEGORY_"));
    let reason = decision.triage_reason();
    let owner = if reason == TriageReason::Unspecified {
        decision.assignee_id.clone()
    } else {
        word(reason.as_str_name(), "TRIAGE_REASON_")
    };
    let clauses =
        if decision.clauses.is_empty() { String::new() } else { format!("{}: ", decision.clauses.join(" ")) };
    (shown(&ticket.id), format!("{role}: {category}"), shown(&owner), format!("{clauses}{}", decision.reason))
}

fn dead_letter(seen: &Seen) -> (String, String, String, String) {
    let header = |name| shown(&error_header(seen, name));
    let place = format!("partition {} offset {}", header("partition"), header("offset"));
    ("-".to_owned(), place, header("reason").to_lowercase().replace('_', " "), header("detail"))
}

pub fn welcome(config: &Config, is_embedded: bool, out: &mut dyn Write) -> io::Result<()> {
    if is_embedded {
        writeln!(
            out,
            "ticket-router demo: the service of `ticket-router run` on a broker inside this process."
        )?;
    } else {
        writeln!(
            out,
            "ticket-router demo: the service of `ticket-router run` on {}.",
            config.kafka.bootstrap_servers
        )?;
    }
    writeln!(
        out,
        "Sample tickets go to `{}`; below is what comes out, a line a ticket:",
        config.topics.incoming
    )?;
    writeln!(out, "who asks for what → who owns it, and why (with the clauses of the source document).")?;
    writeln!(out, "Waiting for the catalog and the consumer group. Ctrl-C ends the demo.\n")
}

pub fn ready(after: Duration, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Ready after {:.1} s.\n", after.as_secs_f64())
}

pub fn farewell(
    summary: &Summary,
    totals: &Totals,
    is_embedded: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let seen: u64 = summary.seen.iter().sum();
    writeln!(out, "\n{} tickets sent, {seen} routed in {} transactions:", summary.sent, totals.commits)?;
    for (label, count) in LABELS.iter().zip(summary.seen) {
        writeln!(out, "  {label:<12} {count:>6}")?;
    }
    if summary.waiting() > 0 {
        writeln!(out, "  {} were still on their way.", summary.waiting())?;
    }
    if is_embedded {
        writeln!(
            out,
            "\nThe embedded broker shows the routing; exactly-once needs a real one: `ticket-router demo --bootstrap HOST:PORT`."
        )?;
    }
    writeln!(
        out,
        "Next: `ticket-router route --catalog samples/catalog < samples/tickets.jsonl` routes files without Kafka,\n\
         `ticket-router explain --catalog samples/catalog < ticket.json` says why a ticket goes where it goes,\n\
         `ticket-router policy table` shows all rules."
    )
}
