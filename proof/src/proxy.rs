//! The network between one router and the brokers: a TCP proxy that can be slow, silent, or broken.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use anyhow::Result;
use rustix::net::sockopt::{set_socket_linger, socket_linger};

const BUFFER: usize = 1 << 18;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// Everything takes so much longer, each way.
    Slow(Duration),
    /// Nothing arrives, and nobody is told. What was sent arrives when the weather changes.
    Silent,
    /// Of what is sent next, half arrives; then the connection ends.
    Cutting,
}

/// One router's way to all nodes.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    weather: Mutex<Weather>,
    has_changed: Condvar,
    streams: Mutex<Vec<TcpStream>>,
}

impl Network {
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            weather: Mutex::new(Weather::Fair),
            has_changed: Condvar::new(),
            streams: Mutex::default(),
        }))
    }

    /// Forwards what comes in at a listener to a port of this machine, for as long as the process lives.
    pub fn forward(&self, listener: TcpListener, to: u16) {
        let network = self.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // While the broker is down, the client sees a connection that ends at once.
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                // A pair whose descriptors have run out is dropped: two ends that see a closed connection.
                let _ = network.join(client, server);
            }
        });
    }

    pub fn set(&self, weather: Weather) {
        *lock(&self.0.weather) = weather;
        self.0.has_changed.notify_all();
    }

    /// Ends all connections at once, with a reset on both sides.
    pub fn reset(&self) {
        for stream in lock(&self.0.streams).drain(..) {
            // One that is gone already is as it should be.
            let _ = set_socket_linger(&stream, Some(Duration::ZERO));
            // Wakes whoever reads; when all hands have let go, the socket is closed with a reset instead of a goodbye.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    fn join(&self, client: TcpStream, server: TcpStream) -> Result<()> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        {
            let mut streams = lock(&self.0.streams);
            streams.retain(|it| it.peer_addr().is_ok());
            streams.extend([client.try_clone()?, server.try_clone()?]);
        }
        let there = (client.try_clone()?, server.try_clone()?);
        let back = (server, client);
        for (from, to) in [there, back] {
            let network = self.clone();
            thread::spawn(move || network.pump(from, to));
        }
        Ok(())
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; BUFFER];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let weather = self.wait_while_silent();
            let arriving = if weather == Weather::Cutting { read / 2 } else { read };
            if let Weather::Slow(by) = weather {
                thread::sleep(by);
            }
            if to.write_all(&buffer[..arriving]).is_err() || weather == Weather::Cutting {
                break;
            }
        }
        if matches!(socket_linger(&from), Ok(Some(Duration::ZERO))) {
            return;
        }
        // The other direction ends with this one; it may have done so before.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn wait_while_silent(&self) -> Weather {
        let weather = lock(&self.0.weather);
        let woken = self.0.has_changed.wait_while(weather, |it| *it == Weather::Silent);
        *woken.unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says back what it hears, behind a network.
    fn echo() -> (Network, TcpStream) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in server.incoming().flatten() {
                thread::spawn(move || {
                    let mut copy = stream.try_clone().unwrap();
                    std::io::copy(&mut copy, &mut stream).ok();
                });
            }
        });
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = proxy.local_addr().unwrap();
        let network = Network::new();
        network.forward(proxy, port);
        let client = TcpStream::connect(address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        (network, client)
    }

    #[test]
    fn in_fair_weather_everything_arrives() {
        let (_network, mut client) = echo();
        client.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
    }

    #[test]
    fn what_was_sent_into_silence_arrives_afterwards() {
        let (network, mut client) = echo();
        network.set(Weather::Silent);
        client.write_all(b"hello").unwrap();
        client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut answer = [0; 5];
        assert!(client.read_exact(&mut answer).is_err(), "nothing arrives");
        network.set(Weather::Fair);
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
    }

    #[test]
    fn a_cut_lets_half_of_it_through_and_ends_the_connection() {
        let (network, mut client) = echo();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
        network.set(Weather::Cutting);
        client.write_all(b"hello!").unwrap();
        let mut answer = Vec::new();
        // Half of three may come back; a reset in between is an end, too.
        client.read_to_end(&mut answer).ok();
        assert!(answer.len() <= 3, "{answer:?}");
    }

    #[test]
    fn a_reset_ends_the_connection() {
        let (network, mut client) = echo();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
        network.reset();
        assert!(!matches!(client.read(&mut [0]), Ok(1..)), "the connection is gone");
    }
}
