//! Tests on a genuine Kafka: `ticket-router run` as its users start it, as processes that are killed, stopped and joined by others.
//!
//! `broker` finds or starts the one broker, `support` holds what the tests share, `checker` is the judge, which shares no code with the
//! router.

mod broker;
mod checker;
mod support;

mod advertised;
mod catalog_follow;
mod catalog_topics;
mod closed_pipes;
mod consumers;
mod dead_letters;
mod exactly_once;
mod examples;
mod forgotten;
mod front_door;
mod late_brokers;
mod outputs;
mod poison;
mod refusals;
mod resend;
mod rights;
mod routing;
mod secure;
mod slots;
mod sources;
mod takeover;
mod telemetry;
mod upstream;
