//! The identity of a decision.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128;

use crate::{decide::Records, policy::Policy};

/// Changes whenever this program would write another decision for the same ticket, records and policy.
const ENGINE_VERSION: u32 = 1;

/// A 128-bit digest (XXH3) as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hex([u8; 32]);

/// The digest that identifies a decision.
pub type DecisionId = Hex;

impl Hex {
    /// Writes a digest in hexadecimal, most significant digit first.
    #[must_use]
    pub fn new(digest: u128) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(digest.to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// The 32 digits.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 32 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Digests engine version, policy, ticket and the records used.
///
/// A record that is missing counts as zero; its place keeps, say, a partner from passing for a provider.
#[must_use]
pub fn decision_id(policy: &Policy, ticket: &[u8], records: &Records<'_>) -> DecisionId {
    let digests = [
        policy.version(),
        xxh3_128(ticket),
        records.offer.map_or(0, |it| it.digest()),
        records.publisher.map_or(0, |it| it.digest()),
        records.partner.map_or(0, |it| it.digest()),
        records.provider.map_or(0, |it| it.digest()),
    ];
    let mut bytes = [0; 4 + 6 * 16];
    bytes[..4].copy_from_slice(&ENGINE_VERSION.to_le_bytes());
    for (place, digest) in bytes[4..].chunks_exact_mut(16).zip(digests) {
        place.copy_from_slice(&digest.to_le_bytes());
    }
    Hex::new(xxh3_128(&bytes))
}
