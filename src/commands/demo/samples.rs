//! The sample catalog and tickets, inside the program: a demo needs no files.

pub const OFFERS: &str = include_str!("../../../samples/catalog/offers.jsonl");
pub const PUBLISHERS: &str = include_str!("../../../samples/catalog/publishers.jsonl");
pub const PARTNERS: &str = include_str!("../../../samples/catalog/partners.jsonl");
const TICKETS: &[u8] = include_bytes!("../../../samples/tickets.jsonl");
/// Not all of them are UTF-8, or tickets.
const BAD_TICKETS: &[u8] = include_bytes!("../../../samples/bad-tickets.jsonl");

/// How many sample tickets there are, bad ones included.
pub fn count() -> u64 {
    (lines(TICKETS).count() + lines(BAD_TICKETS).count()) as u64
}

/// The sample tickets for ever, a bad one among every few good ones.
pub fn tickets() -> impl Iterator<Item = &'static [u8]> {
    let good: Vec<_> = lines(TICKETS).collect();
    let bad: Vec<_> = lines(BAD_TICKETS).collect();
    let every = good.len() / bad.len() + 1;
    let mut round = Vec::with_capacity(good.len() + bad.len());
    let mut bad = bad.into_iter();
    for (index, ticket) in good.into_iter().enumerate() {
        round.push(ticket);
        if index % every == every - 1 {
            round.extend(bad.next());
        }
    }
    round.extend(bad);
    round.into_iter().cycle()
}

/// The id in a line, for the record's key; empty if the line is not one of ours.
pub fn id(line: &[u8]) -> &str {
    let id = || {
        let start = line.windows(6).position(|it| it == b"\"id\":\"")? + 6;
        let len = line[start..].iter().position(|&byte| byte == b'"')?;
        std::str::from_utf8(&line[start..start + len]).ok()
    };
    id().unwrap_or_default()
}

fn lines(text: &'static [u8]) -> impl Iterator<Item = &'static [u8]> {
    text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}
