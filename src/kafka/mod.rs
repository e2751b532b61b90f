//! Everything that speaks to Kafka. No other folder knows librdkafka.

pub mod check;
pub mod clients;
pub mod context;
pub mod create;
pub mod identity;
pub mod offsets;
