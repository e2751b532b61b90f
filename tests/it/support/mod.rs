//! What the tests share: topics, tickets, router processes, and waiting.

pub mod acls;
pub mod collector;
pub mod load;
pub mod python;
pub mod router;
pub mod tickets;
pub mod topics;
pub mod wait;
