//! The catalog.

/// A contact that an offer names (S9).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OfferContact {
    /// The publisher's engineers.
    Engineering,
    /// The publisher's customer support.
    CustomerSupport,
    /// The publisher's contact for partners of the CSP program.
    CspProgram,
}
