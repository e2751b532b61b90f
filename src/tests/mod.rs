//! Tests of the crate as a whole.

mod allocations;
mod purity;
pub(crate) mod samples;
mod tidy;
