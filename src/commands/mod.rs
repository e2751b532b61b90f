//! The commands, one file each, and what they share.

pub mod catalog;
pub mod folder;
pub mod route;
pub mod topics;
