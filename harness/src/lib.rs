//! What the programs that look at the router from outside share: genuine Kafka clusters, their topics, and child
//! processes that never outlive them.

mod certificates;
mod cluster;
mod jars;
mod layout;
mod ports;
mod process;
mod reaper;
mod record;
mod sender;
mod topics;
mod usage;
mod wait;

pub use certificates::Certificates;
pub use cluster::{Cluster, acls, console_consumer, external};
pub use jars::{java, kafka_version};
pub use layout::{Layout, Listener, RIGHTS, small_java};
pub use ports::free_ports;
pub use process::{Process, run};
pub use reaper::at_the_end;
pub use record::{Header, Record, headers_of};
pub use sender::Sender;
pub use topics::{
    Progress, add_partitions, admin, create_topics, delete_topics, from_beginning, open_transactions,
    options, partitions, read, reader,
};
pub use usage::cpu_of;
pub use wait::{try_wait, wait_for};
