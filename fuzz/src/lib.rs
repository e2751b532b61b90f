//! What the fuzz targets share: the plain reading of a ticket, from the sources of the tests.

mod proto {
    pub use ticket_router::proto::*;
}

mod ticket {
    pub use ticket_router::ticket::*;
}

#[path = "../../src/ticket/plain.rs"]
pub mod plain;
