//! Ports to listen on.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Result, ensure};

/// Below the ephemeral ports, where a client that probes a closed port can be connected to itself.
const PORTS: std::ops::Range<u16> = 20_100..24_900;

/// Finds so many ports that nobody listens on and that this process was not given yet.
///
/// # Errors
/// Too few are free.
pub fn free_ports(count: usize) -> Result<Vec<u16>> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = PORTS.end - PORTS.start;
    // Several processes start at different places.
    let first = (std::process::id() * 37 % u32::from(span)) as u16;
    let found: Vec<_> = (0..span)
        .map(|_| PORTS.start + (first + NEXT.fetch_add(1, Ordering::Relaxed) % span) % span)
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .take(count)
        .collect();
    ensure!(
        found.len() == count,
        "{count} ports between {} and {} are wanted, {} are free",
        PORTS.start,
        PORTS.end,
        found.len()
    );
    Ok(found)
}
