//! The commands, one file each, and what they share.

pub mod catalog;
mod catalog_remove;
pub mod catalog_topics;
pub mod demo;
pub mod exit;
pub mod explain;
pub mod health;
mod input;
pub mod policy;
pub mod route;
pub mod run;
pub mod topics;
