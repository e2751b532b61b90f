//! The addresses that the brokers name for themselves: a client uses those, and the bootstrap address only to
//! ask for them.

use std::{
    fmt, io,
    net::{TcpStream, ToSocketAddrs},
    thread,
    time::Duration,
};

use rdkafka::metadata::{Metadata, MetadataBroker};

use super::Deadline;

/// Enough for a packet that was lost once.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// A broker that cannot be reached at the address that it names.
#[derive(Debug)]
pub(super) struct Unreachable {
    address: String,
    why: io::Error,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.address, self.why)
    }
}

/// Tries to connect to each broker at its own address, to all at once. One that is also a bootstrap server
/// was just talked to.
pub(super) fn unreachable(bootstrap: &str, metadata: &Metadata, deadline: Deadline) -> Vec<Unreachable> {
    let addresses = metadata.brokers().iter().map(address);
    let unknown = addresses.filter(|address| bootstrap.split(',').all(|known| known.trim() != address));
    try_all(unknown.collect(), CONNECT_WITHIN.min(deadline.step()))
}

fn address(broker: &MetadataBroker) -> String {
    match broker.host() {
        numbers if numbers.contains(':') => format!("[{numbers}]:{}", broker.port()),
        host => format!("{host}:{}", broker.port()),
    }
}

fn try_all(addresses: Vec<String>, within: Duration) -> Vec<Unreachable> {
    thread::scope(|scope| {
        let tries: Vec<_> = addresses
            .into_iter()
            .map(|address| {
                scope.spawn(move || connect(&address, within).err().map(|why| Unreachable { address, why }))
            })
            .collect();
        tries.into_iter().filter_map(|it| it.join().expect("connecting does not panic")).collect()
    })
}

fn connect(address: &str, within: Duration) -> io::Result<()> {
    let mut last = io::Error::other("the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, within) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn addresses_that_nobody_listens_on_or_that_have_no_name_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap().to_string();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let nowhere = "nowhere.invalid:9092".to_owned();
        let found = try_all(vec![open, closed.clone(), nowhere.clone()], CONNECT_WITHIN);
        let addresses: Vec<_> = found.iter().map(|it| it.address.as_str()).collect();
        assert_eq!(addresses, [closed, nowhere]);
        assert!(found[0].to_string().contains("refused"), "{}", found[0]);
    }
}
