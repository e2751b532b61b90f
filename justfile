# Daily work: `just --list`. `.ci/run` is what a change must pass.

# Format, lint, and run the quick tests.
default: fmt lint quick

# Format everything.
fmt:
    cargo fmt
    cargo fmt --manifest-path fuzz/Cargo.toml

# Lint all targets, as strictly as CI.
lint:
    cargo clippy --all-targets -- -D warnings

# Tests that need no broker.
quick:
    cargo test --lib

# All tests; they find or start a Kafka of their own.
test:
    cargo test --workspace

# Tests on Kafka whose path contains a text: `just it poison`. They start sooner with `just kafka` in another terminal.
it name='':
    cargo test --test it {{name}}

# One Kafka on a port of this machine until Ctrl-C, for `just it` and for trying things by hand.
kafka port='9092':
    cargo run --quiet -p ticket-router-harness --bin kafka -- {{port}}

# Kills, stops and broker restarts around running routers, and a checker: `just proof --full`.
proof *arguments='--smoke':
    cargo run --release -p ticket-router-proof -- {{arguments}}

# The same on the oldest Kafka that is supported, on that of every other test, and on the newest.
kafka-versions:
    .ci/kafka-versions

# The router on an embedded broker, with samples.
demo:
    cargo run --release -- demo

# Prove the built-in policy and run its cases.
policy:
    cargo run --quiet -- policy check
    cargo run --quiet -- policy test

# Renew the reference pages that are made from doc comments.
docs:
    UPDATE_DOCS=1 cargo test --lib config::
    UPDATE_DOCS=1 cargo test --lib metrics::
    RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --lib --open

# Lint the contracts, and check that no reader or writer breaks.
contracts:
    npx --yes @bufbuild/buf@1.75.0 lint
    npx --yes @bufbuild/buf@1.75.0 breaking --against proto/image.binpb

# Generate the contracts in Go, Java, Python and C#, and read the samples' routed tickets with them.
languages:
    cargo build --bin ticket-router
    .ci/contracts

# Renew the image that `contracts` compares with: after a release, when the contract has grown.
image:
    npx --yes @bufbuild/buf@1.75.0 build --output proto/image.binpb

# Check alert rules, their tests, and every query of the dashboard; needs Debian's package prometheus.
alerts:
    observability/check

# Costs of the core, next to one scan of the same ticket.
bench:
    cargo bench --bench core

# The same in instructions, which do not depend on the machine's load, against the commit before.
instructions:
    .ci/instructions

# Fuzz one target: `just fuzz ticket_json 600`.
fuzz target seconds='60':
    cargo fuzz run --sanitizer none {{target}} -- -max_total_time={{seconds}}

# What takes too long for each change, or changes without one: run it each night. It needs the network, and fails without.
nightly fuzz_seconds='900':
    .ci/nightly {{fuzz_seconds}}

# Everything that is published of a release, in a folder: `just release /tmp/out`, or with `--draft` before the folder to try it.
release *arguments:
    tools/release {{arguments}}

# What the image is built from, and the manifests and the unit of deploy/.
deploy:
    .ci/image
    .ci/deploy

# What CI runs.
ci:
    .ci/run
