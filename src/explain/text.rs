//! An explanation for a terminal.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::{
    Explanation, Fact, Named, Origin, Unread,
    words::{shown, ticked, value_name},
};

/// Where the text of a line begins.
const INDENT: usize = 11;

/// Writes an explanation in lines of at most `width` columns, as far as ids and addresses allow it.
///
/// # Errors
///
/// Only those of writing.
pub fn write_text(explanation: &Explanation, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { out, width: width.clamp(60, 100) };
    let from = match explanation.source.as_str() {
        "" => String::new(),
        source => format!(" from {}", ticked(source)),
    };
    page.line("Ticket", &format!("{}{from}", ticked(&explanation.ticket_id)))?;
    match (&explanation.owner, &explanation.triage) {
        (Some(owner), _) => page.line("Owner", &party(owner))?,
        (None, Some(triage)) => page.line("Owner", &format!("nobody yet: triage, {}", triage.reason))?,
        (None, None) => {}
    }
    page.line("Topic", explanation.topic)?;
    page.line("Why", &explanation.reason)?;
    rule(explanation, &mut page)?;
    if let Some(triage) = &explanation.triage {
        page.heading("What would put it right")?;
        for fix in &triage.fixes {
            page.item(&format!("{}: {}", fix.place, fix.what))?;
        }
    }
    if !explanation.unread.is_empty() {
        page.heading("Fields of the ticket that are not read")?;
        for Unread { field, meant } in &explanation.unread {
            let meant = meant.as_ref().map_or_else(
                || "a ticket has no such field; attributes go into `attributes`".to_owned(),
                |meant| format!("did you mean {}?", ticked(meant)),
            );
            page.item(&format!("{}: {meant}", ticked(field)))?;
        }
    }
    facts(explanation, &mut page)?;
    others(explanation, &mut page)
}

fn rule(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    if let Some(rule) = &explanation.rule {
        let kind = if rule.overridden.is_some() { "exception " } else { "" };
        let reading = if rule.is_reading { "; our reading, where the source leaves room" } else { "" };
        page.line("Rule", &format!("{kind}{} (line {} of the policy{reading})", rule.id, rule.line))?;
        if let Some(overridden) = &rule.overridden {
            let owner = overridden.owner.as_ref().map_or_else(|| "triage".to_owned(), party);
            page.line("", &format!("without it: {}, {owner}", overridden.rule))?;
        }
        for clause in &rule.clauses {
            page.line(&format!("  {}", clause.id), clause.text)?;
        }
    }
    let Some(owner) = &explanation.owner else { return Ok(()) };
    for (index, it) in explanation.contacts.iter().enumerate() {
        let contact = format!("{}: {}", value_name(it.kind, "CONTACT_KIND_"), shown(&it.address));
        page.line(if index == 0 { "Contacts" } else { "" }, &contact)?;
    }
    if explanation.contacts.is_empty() && explanation.contacts_are_wanted {
        page.line("Contacts", "none: the catalog has no address of the publisher")?;
    }
    let next = match &explanation.next {
        Some(next) => format!("{}, if {} cannot solve it", party(next), short(owner)),
        None if explanation.next_is_wanted => "nobody that the ticket or the catalog names".to_owned(),
        None => "nobody".to_owned(),
    };
    page.line("Next", &next)
}

fn facts(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    let (wanted, other): (Vec<&Fact>, Vec<&Fact>) =
        explanation.facts.iter().partition(|fact| fact.wanted.is_some());
    if !wanted.is_empty() {
        page.heading("What the rule asks for")?;
        page.facts(&wanted)?;
    }
    page.heading(if wanted.is_empty() { "What is known" } else { "What else is known" })?;
    page.facts(&other)
}

fn others(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    let another = if explanation.owner.is_some() { "Another owner" } else { "An owner" };
    if explanation.other_owners.is_empty() {
        page.heading(another)?;
        return page.item("no change of one or two facts gives it one");
    }
    page.heading(&format!("{another}: the least that would have to differ"))?;
    for other in &explanation.other_owners {
        page.item(&format!("{}, if", party(&other.owner)))?;
        for (index, way) in other.ways.iter().enumerate() {
            let or = if index == 0 { "" } else { "or " };
            page.wrapped("      ", "        ", &format!("{or}{}", way.join(", and ")))?;
        }
    }
    Ok(())
}

/// ``Alder Cloud Services (partner `alder-cloud`)``
fn party(party: &Named) -> String {
    let kind = if party.owner == "OWNER_PARTNER" { "partner" } else { "publisher" };
    match (shown(&party.name), party.id.as_str()) {
        (name, "") => name,
        (name, id) if name.is_empty() => format!("{kind} {}", ticked(id)),
        (name, id) => format!("{name} ({kind} {})", ticked(id)),
    }
}

fn short(party: &Named) -> String {
    if party.name.is_empty() { ticked(&party.id) } else { shown(&party.name) }
}

struct Page<'o> {
    out: &'o mut dyn Write,
    width: usize,
}

impl Page<'_> {
    fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{text}")
    }

    fn line(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.wrapped(&format!("{label:<INDENT$}"), &" ".repeat(INDENT), text)
    }

    fn item(&mut self, text: &str) -> io::Result<()> {
        self.wrapped("  - ", "    ", text)
    }

    /// Three columns: name, value, origin.
    fn facts(&mut self, facts: &[&Fact]) -> io::Result<()> {
        let values: Vec<String> =
            facts.iter().map(|fact| fact.value.as_deref().map_or_else(|| "-".to_owned(), shown)).collect();
        let names = facts.iter().map(|fact| fact.column.width()).max().unwrap_or(0);
        // A value that is longer than others can be is not worth moving all origins to the right.
        let widest = values.iter().map(|value| value.width()).filter(|&it| it <= 32).max().unwrap_or(0);
        for (fact, value) in facts.iter().zip(&values) {
            let pad =
                |text: &str, to: usize| format!("{text}{}", " ".repeat(to.saturating_sub(text.width())));
            let first = format!("  {}  {}  ", pad(&fact.column, names), pad(value, widest));
            let next = " ".repeat(names + widest + 6);
            let origin = match fact.origin {
                Origin::Ticket => "ticket: ",
                Origin::Catalog => "",
                Origin::Default => "default: ",
                Origin::Absent => "absent: ",
            };
            // Only what the value does not say already.
            let wanted = fact.wanted.as_deref().filter(|&wanted| Some(wanted) != fact.value.as_deref());
            let wanted =
                wanted.map_or_else(String::new, |wanted| format!("; the rule takes {}", shown(wanted)));
            self.wrapped(&first, &next, &format!("{origin}{}{wanted}", shown(&fact.place)))?;
        }
        Ok(())
    }

    /// Breaks text at its spaces; `first` stands before the first line, `next` before the others.
    fn wrapped(&mut self, first: &str, next: &str, text: &str) -> io::Result<()> {
        let mut line = first.to_owned();
        let mut is_fresh = true;
        for word in text.split(' ') {
            if !is_fresh && line.width() + 1 + word.width() > self.width {
                writeln!(self.out, "{}", line.trim_end())?;
                next.clone_into(&mut line);
                is_fresh = true;
            }
            if !is_fresh {
                line.push(' ');
            }
            line.push_str(word);
            is_fresh = false;
        }
        writeln!(self.out, "{}", line.trim_end())
    }
}
