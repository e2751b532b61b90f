//! The figures of the service at one moment: for the page of Prometheus, and for a collector.

mod export;
mod gather;
mod page;
mod process;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use export::export;
pub use gather::gather;
pub use page::{MEDIA_TYPE, page};
