//! What the programs that look at the router from outside share: genuine Kafka clusters, and child processes that never outlive them.

#[cfg(feature = "cluster")]
mod cluster;
mod jars;
mod ports;
mod process;
mod reaper;
mod usage;

#[cfg(feature = "cluster")]
pub use cluster::{Cluster, Layout, Listener, Node, wait_for_broker};
pub use jars::{Jars, VERSION, java};
pub use ports::free_ports;
pub use process::{Process, run};
pub use reaper::at_the_end;
pub use usage::cpu_of;
