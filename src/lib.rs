//! Decides who owns a marketplace support ticket, and hands it over exactly once.

pub mod commands;
pub mod config;
pub mod kafka;
pub mod proto;
