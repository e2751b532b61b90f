//! How much memory this process may use, and how many bytes of a log it asks a broker for at once.

use std::fs;

use rustix::process::{Resource, getrlimit};

/// The smallest request, in bytes: below this, answers cost more than their tickets.
const MIN_FETCH_BYTES: u64 = 64 << 10;
/// The largest request, in bytes: librdkafka's default. More than 4 MiB is no faster.
const MAX_FETCH_BYTES: u64 = 50 << 20;
/// An answer may take a quarter of the memory if its tickets pack to a 1,000th of their size.
const MEMORY_PER_FETCHED_BYTE: u64 = 4096;

/// The bytes of tickets, as packed, that a broker may send in one answer; a larger batch comes alone.
///
/// librdkafka unpacks a whole answer at once, so an answer costs what its tickets unpack to. If the system reports no
/// limit, the answer is small.
pub fn fetch_bytes() -> u64 {
    fetch_bytes_for(memory_limit().unwrap_or_default())
}

fn fetch_bytes_for(memory: u64) -> u64 {
    (memory / MEMORY_PER_FETCHED_BYTE).clamp(MIN_FETCH_BYTES, MAX_FETCH_BYTES)
}

/// The lowest limit for this process, in bytes: of its control groups, of the process, and of the machine.
fn memory_limit() -> Option<u64> {
    let group = fs::read_to_string("/proc/self/cgroup").ok();
    let path = group.iter().flat_map(|it| it.lines()).find_map(|it| it.strip_prefix("0::"));
    let folder = format!("/sys/fs/cgroup{}", path.unwrap_or_default());
    let files = [
        format!("{folder}/memory.max"),
        "/sys/fs/cgroup/memory.max".to_owned(),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".to_owned(),
    ];
    let groups = files.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|it| total(&it));
    let process = [Resource::As, Resource::Data].into_iter().filter_map(|it| getrlimit(it).current);
    groups.chain(process).chain(machine).min()
}

/// The `MemTotal:       24689764 kB` of `/proc/meminfo`.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|it| it.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_unpacks_to_a_quarter_of_the_memory_even_if_tickets_pack_to_a_1000th() {
        let megabytes = |it: u64| it << 20;
        assert_eq!(fetch_bytes_for(0), 64 << 10);
        assert_eq!(fetch_bytes_for(megabytes(512)), 128 << 10);
        assert_eq!(fetch_bytes_for(megabytes(4096)), 1 << 20);
        assert_eq!(fetch_bytes_for(megabytes(1_000_000)), 50 << 20);
    }

    #[test]
    fn the_memory_of_the_machine_is_read() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       24689764 kB\n"), Some(24_689_764 * 1024));
        assert_eq!(total("MemTotal: much\n"), None);
    }
}
