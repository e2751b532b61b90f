//! The decision against a reading of the ownership rules that shares no code with it.

mod agreement;
mod contacts;
mod oracle;
mod situations;
mod triage;
