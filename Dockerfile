FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin ticket-router \
    && install -D target/release/ticket-router /out/ticket-router

FROM debian:bookworm-slim
# TLS without `kafka.security.ca_file` trusts the system's authorities.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ticket-router /usr/local/bin/ticket-router
COPY --chmod=755 docker/ready /usr/local/bin/ready
USER 10001:10001
# Ready, not only alive: the catalog is there, and every worker has its share of the partitions.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 CMD ["ready"]
ENTRYPOINT ["ticket-router"]
# Settings come from the environment (TICKET_ROUTER__KAFKA__BOOTSTRAP_SERVERS=...) or a mounted file: run --config /etc/ticket-router/config.toml
CMD ["run"]
