//! `ticket-router health`: asks a running router with the same config whether it lives, or is ready.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use ureq::Agent;

use super::{
    config::ConfigArgs,
    exit::{Ended, Exit, Failure},
    findings::{CheckFormat, Finding, Severity, Verdict},
    io::Io,
};
use crate::config::Listen;

/// Shorter than a container's time limit, so that the reason is still printed.
const DEADLINE: Duration = Duration::from_secs(2);
/// A router's answer is one line.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// Ask a running router whether it lives, or is ready: exit 0 if so, 1 if not
#[derive(Args, Clone, Debug)]
pub struct HealthArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Ask whether the router is ready: its catalog is restored, and each worker has its partitions
    #[arg(long)]
    ready: bool,
    /// How the answer is shown
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

impl HealthArgs {
    /// Asks, and prints the answer.
    ///
    /// # Errors
    ///
    /// The config is refused, or the router cannot be asked.
    pub fn run(self, io: &mut Io<'_>) -> Ended {
        self.format.run(io, |io| self.check(io))
    }

    fn check(&self, io: &mut Io<'_>) -> Result<Verdict, Failure> {
        let config = self.config.load(io)?;
        let listen = match config.http.listen {
            Listen::At(address) if address.port() != 0 => address,
            // A process that can be asked nothing is not ended for it.
            Listen::Off if !self.ready => {
                let summary = "not asked: `http.listen` is `off`".to_owned();
                return Ok(Verdict { exit: Exit::Done, summary });
            }
            listen => {
                let text = "the router cannot be asked without a fixed port";
                return Err(anyhow!("`http.listen` is `{listen}`: {text}").into());
            }
        };
        let path = if self.ready { "ready" } else { "live" };
        let url = format!("http://{}/{path}", reachable(listen));
        let (is_yes, answer) = ask(&url).with_context(|| format!("no answer from {url}"))?;
        let answer = answer.trim_end();
        if is_yes {
            return Ok(Verdict { exit: Exit::Done, summary: answer.to_owned() });
        }
        let code = if self.ready { "not-ready" } else { "not-live" };
        io.print(Finding::new(Severity::Error, code, answer), &answer)?;
        Ok(Verdict { exit: Exit::Failed, summary: String::new() })
    }
}

/// Returns where a listener on this host is reached: one that listens on all addresses, through loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(address, listen.port())
}

/// Returns whether the answer is a yes, and its text.
fn ask(url: &str) -> Result<(bool, String), ureq::Error> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(DEADLINE))
        .max_redirects(0)
        .http_status_as_error(false)
        // A proxy for the way out has no business between two processes of one host.
        .proxy(None)
        .build()
        .into();
    let mut answer = agent.get(url).call()?;
    let text = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string()?;
    Ok((answer.status().is_success(), text))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use super::*;
    use crate::commands::io::tests::run;

    /// Runs `health` with these settings; gives the exit code, and what it printed on both ways.
    fn health(ready: bool, listen: &str) -> (u8, String) {
        let overrides = vec![format!("http.listen={listen}")];
        let args =
            HealthArgs { config: ConfigArgs { config: None, overrides }, ready, format: CheckFormat::Text };
        let (code, out, err) = run(|io| args.run(io));
        (code, out + &err)
    }

    /// Answers one request, and gives its first line.
    fn answering(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let len = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..len]).lines().next().unwrap_or_default().to_owned()
        });
        (address, asked)
    }

    const READY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nready\n";
    const NOT_READY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 23\r\nconnection: close\r\n\r\nnot ready: the catalog\n";

    #[test]
    fn a_yes_is_0_and_a_no_is_1_with_its_reason() {
        let (address, asked) = answering(READY);
        assert_eq!(health(true, &address.to_string()), (0, "ready\n".to_owned()));
        assert_eq!(asked.join().unwrap(), "GET /ready HTTP/1.1");

        let (address, asked) = answering(NOT_READY);
        assert_eq!(health(true, &address.to_string()), (1, "not ready: the catalog\n".to_owned()));
        asked.join().unwrap();
    }

    #[test]
    fn without_ready_it_asks_whether_the_router_lives_through_loopback_if_it_listens_everywhere() {
        let (address, asked) =
            answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlive\n");
        assert_eq!(health(false, &format!("0.0.0.0:{}", address.port())), (0, "live\n".to_owned()));
        assert_eq!(asked.join().unwrap(), "GET /live HTTP/1.1");
        assert_eq!(reachable("[::]:9464".parse().unwrap()), "[::1]:9464".parse().unwrap());
        assert_eq!(reachable("10.1.2.3:9464".parse().unwrap()), "10.1.2.3:9464".parse().unwrap());
    }

    #[test]
    fn no_answer_is_1_and_names_the_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let (code, said) = health(false, &address.to_string());
        assert_eq!(code, 1);
        assert!(
            said.starts_with(&format!("error: no answer from http://{address}/live\n  because: ")),
            "{said}"
        );
    }

    #[test]
    fn a_router_that_cannot_be_asked_lives_but_is_not_known_to_be_ready() {
        assert_eq!(health(false, "off"), (0, "not asked: `http.listen` is `off`\n".to_owned()));
        let (code, said) = health(true, "off");
        assert_eq!((code, said.contains("`http.listen` is `off`")), (1, true), "{said}");
        assert_eq!(health(false, "127.0.0.1:0").0, 1);
        let (code, said) = health(false, "here");
        assert_eq!((code, said.contains("http.listen")), (64, true), "{said}");
    }
}
