# docker build --build-arg REVISION=$(git rev-parse HEAD) --tag ticket-router .
# .ci/image checks without Docker that what .dockerignore lets in suffices for the build.
FROM rust:1.95-trixie AS build
WORKDIR /src
COPY . .
# For `ticket-router --version`; there is no repository here to ask.
ARG REVISION=unknown
ENV TICKET_ROUTER_REVISION=${REVISION}
# Without the feature vendored-openssl: the program links Debian's OpenSSL and follows its security fixes.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --no-default-features --features kafka --bin ticket-router \
    && install -D target/release/ticket-router /out/ticket-router

FROM debian:trixie-slim
# Debian 13 has OpenSSL 3.5 LTS. TLS without `kafka.security.ca_file` trusts the system's authorities.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3t64 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ticket-router /usr/local/bin/ticket-router
USER 10001:10001
# Alive, and not ready: without brokers no copy is ready, and an orchestrator that ends what is unhealthy would end them all.
# It finds the file that TICKET_ROUTER_CONFIG names, as `run` does, and not the one of `run --config FILE`.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["ticket-router", "health"]
ENTRYPOINT ["ticket-router"]
# Settings come from the environment (TICKET_ROUTER__KAFKA__BOOTSTRAP_SERVERS=...) or a mounted file (TICKET_ROUTER_CONFIG=/etc/ticket-router/config.toml).
CMD ["run"]
# Last, since they differ from build to build.
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="ticket-router" \
      org.opencontainers.image.description="Routes marketplace support tickets to the party that owns them, exactly once, with a reason" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/debian:trixie-slim"
