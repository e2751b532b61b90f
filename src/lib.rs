//! Decides who owns a marketplace support ticket, and hands it over exactly once.

pub mod proto;

pub mod catalog;

pub mod policy;

pub mod commands;
