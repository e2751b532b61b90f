//! `GET /live` and `GET /ready` for health checks, `GET /metrics` for Prometheus.

use std::{future::Future, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;

use super::health::Health;
use crate::telemetry;

/// Serves until `stop` is done.
///
/// # Errors
///
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    health: Arc<Health>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health);
    axum::serve(listener, routes).with_graceful_shutdown(stop).await
}

/// Binds the address, or, where it is taken, one of the next `more_ports`: two copies of one configuration share a host.
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

async fn metrics(State(health): State<Arc<Health>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, telemetry::MEDIA_TYPE)], telemetry::page(&telemetry::gather(&health)))
}
