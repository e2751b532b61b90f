//! `GET /live` and `GET /ready` for health checks, `GET /metrics` for Prometheus.
//!
//! Anybody who reaches the port can connect, so a connection costs little: it has one request and a time
//! limit, and there are never more than a few. A connection that only waits cannot keep a health check out.

use std::{collections::VecDeque, convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
    serve::Listener,
};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use crate::{metrics, service::Health};

/// With more connections than this, the oldest one makes room: each answer takes milliseconds, so only one
/// that waits is old.
const MAX_CONNECTIONS: usize = 64;
/// The time that a connection has for its request and the answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves as long as the process lives.
pub async fn serve(mut listener: TcpListener, health: Arc<Health>) -> Infallible {
    let routes = Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/metrics", get(figures))
        .with_state(health);
    let mut open: VecDeque<JoinHandle<()>> = VecDeque::with_capacity(MAX_CONNECTIONS);
    loop {
        // It waits for a while by itself if there is no descriptor left.
        let (stream, _) = Listener::accept(&mut listener).await;
        open.retain(|connection| !connection.is_finished());
        if open.len() == MAX_CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tokio::spawn(answer(stream, routes.clone())));
    }
}

/// Answers one request. What goes wrong is for the caller to see: it has no answer.
async fn answer(stream: TcpStream, routes: Router) {
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    drop(timeout(CONNECTION_TIMEOUT, connection).await);
}

/// Binds the address, or, if it is taken, one of the next `more_ports`: two copies of one configuration share a host.
///
/// # Errors
///
/// All of the ports are taken, or the address cannot be bound.
pub async fn bind(address: SocketAddr, more_ports: u16) -> std::io::Result<TcpListener> {
    let mut last = address.port();
    loop {
        match TcpListener::bind(SocketAddr::new(address.ip(), last)).await {
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse
                    && address.port() != 0
                    && last < address.port().saturating_add(more_ports) =>
            {
                last += 1;
            }
            bound => return bound,
        }
    }
}

async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let missing = health.missing();
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join("; ")))
    }
}

async fn figures(State(health): State<Arc<Health>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], metrics::page(&metrics::gather(&health)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::{config::Config, policy::Policy, telemetry::Telemetry};

    /// Serves a router that starts; gives the address.
    async fn started() -> SocketAddr {
        let policy = Arc::new(Policy::builtin());
        let (health, _) = Health::new(&Config::default(), &policy, &Telemetry::default());
        health.awaits("no broker of `kafka:9092` answers".to_owned());
        let listener = bind("127.0.0.1:0".parse().unwrap(), 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, health));
        address
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: router\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_router_that_starts_lives_says_what_it_waits_for_and_has_figures() {
        let address = started().await;
        let live = ask(address, "/live").await;
        assert!(live.starts_with("HTTP/1.1 200 ") && live.ends_with("\r\n\r\nlive\n"), "{live}");
        let ready = ask(address, "/ready").await;
        assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
        assert!(ready.ends_with("\r\n\r\nnot ready: no broker of `kafka:9092` answers\n"), "{ready}");
        let page = ask(address, "/metrics").await;
        assert!(page.contains("\nticket_router_ready 0\n"), "{page}");
        assert!(page.contains("\nticket_router_build_info{"), "{page}");
        assert!(ask(address, "/other").await.starts_with("HTTP/1.1 404 "));
    }

    #[tokio::test]
    async fn more_silent_connections_than_there_may_be_keep_no_question_out() {
        let address = started().await;
        let mut silent = Vec::new();
        for _ in 0..2 * MAX_CONNECTIONS {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // A request that never ends, as a slow client sends it.
            stream.write_all(b"GET /live HTTP/1.1\r\nhost: ").await.unwrap();
            silent.push(stream);
        }
        let mut rest = Vec::new();
        // The first of them had to make room, long before its time was over.
        let read = timeout(CONNECTION_TIMEOUT / 2, silent[0].read_to_end(&mut rest)).await;
        assert!(read.is_ok(), "the oldest connection is still open");
        assert!(ask(address, "/live").await.starts_with("HTTP/1.1 200 "));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_asks_nothing_is_closed() {
        let address = started().await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut rest = Vec::new();
        let ended = timeout(CONNECTION_TIMEOUT * 2, silent.read_to_end(&mut rest)).await;
        assert!(ended.is_ok_and(|read| read.is_ok_and(|len| len == 0)), "the connection is still open");
    }

    #[tokio::test]
    async fn a_taken_port_is_passed_over_only_as_far_as_the_config_says() {
        let holder = bind("127.0.0.1:0".parse().unwrap(), 0).await.unwrap();
        let taken = holder.local_addr().unwrap();
        let refused = bind(taken, 0).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
        let next = bind(taken, 100).await.unwrap().local_addr().unwrap();
        assert!((1..=100).contains(&(next.port() - taken.port())), "{next} after {taken}");
    }
}
