//! The commands, one file each, and what they share.

pub mod policy;
