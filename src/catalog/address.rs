//! Addresses in records. People click on them, and every writer of the catalog can choose them.

use std::fmt;

use super::{Quoted, Record};

/// The longest address, in bytes.
pub const MAX_ADDRESS_BYTES: usize = 2_048;

const SCHEMES: [&str; 3] = ["https", "mailto", "tel"];

/// An address that its record was taken without.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusedAddress {
    /// The path of the field.
    pub path: &'static str,
    /// What is wrong with it.
    pub fault: AddressFault,
}

/// Why an address is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AddressFault {
    /// It has this many bytes.
    TooLong(usize),
    /// It holds a control character, a line's end, or one that changes the direction of text.
    Character(char),
    /// It has this scheme, and a browser might run it.
    Scheme(String),
}

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.path)?;
        match &self.fault {
            AddressFault::TooLong(len) => write!(f, "has {len} bytes, limit is {MAX_ADDRESS_BYTES}"),
            AddressFault::Character(character) => write!(
                f,
                "holds U+{:04X}; control characters, and those that change the direction of text, are not allowed",
                u32::from(*character)
            ),
            AddressFault::Scheme(scheme) => {
                write!(f, "has the scheme {}, allowed: {}", Quoted(scheme), SCHEMES.join(", "))
            }
        }
    }
}

/// Empties the addresses of a message that nobody should be shown.
pub(super) fn clean<R: Record>(message: &mut R::Message) -> Vec<RefusedAddress> {
    let mut refused = Vec::new();
    R::visit_addresses(message, &mut |path, address| {
        if let Err(fault) = check(address) {
            address.clear();
            refused.push(RefusedAddress { path, fault });
        }
    });
    refused
}

fn check(address: &str) -> Result<(), AddressFault> {
    if address.len() > MAX_ADDRESS_BYTES {
        return Err(AddressFault::TooLong(address.len()));
    }
    if let Some(character) = address.chars().find(|it| it.is_control() || is_hidden(*it)) {
        return Err(AddressFault::Character(character));
    }
    match scheme(address) {
        Some(scheme) if !SCHEMES.iter().any(|it| it.eq_ignore_ascii_case(scheme)) => {
            Err(AddressFault::Scheme(scheme.chars().take(32).collect()))
        }
        _ => Ok(()),
    }
}

/// Line and paragraph separators, and Unicode's characters of the property `Bidi_Control`.
const fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns what a browser takes for the scheme; mail addresses and telephone numbers have none.
fn scheme(address: &str) -> Option<&str> {
    let (scheme, _) = address.trim_start().split_once(':')?;
    let mut letters = scheme.bytes();
    let is_scheme = letters.next()?.is_ascii_alphabetic()
        && letters.all(|it| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'-' | b'.'));
    is_scheme.then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_telephone_numbers_and_three_schemes_pass() {
        for address in [
            "",
            "support@contoso.example",
            "Contoso support: <support@contoso.example>",
            "+49 89 1234: extension 5",
            "www.contoso.example/support",
            "https://contoso.example:8443/a?b=c:d",
            "HTTPS://contoso.example",
            "mailto:support@contoso.example",
            "tel:+4989123456",
            "https://contoso.example/unterst\u{fc}tzung",
        ] {
            assert_eq!(check(address), Ok(()), "{address}");
        }
        assert_eq!(check(&"x".repeat(MAX_ADDRESS_BYTES)), Ok(()));
    }

    #[test]
    fn what_could_run_hide_or_fill_is_refused_with_the_limit() {
        let told = |address: &str| {
            let fault = check(address).expect_err(address);
            RefusedAddress { path: "supportUri", fault }.to_string()
        };
        assert_eq!(
            told(" JavaScript:alert(1)"),
            "`supportUri` has the scheme `JavaScript`, allowed: https, mailto, tel"
        );
        assert_eq!(
            told("http://contoso.example"),
            "`supportUri` has the scheme `http`, allowed: https, mailto, tel"
        );
        for (address, character) in
            [("java\nscript:x", "000A"), ("a\u{7f}b", "007F"), ("a\u{202e}b", "202E"), ("a\u{2066}", "2066")]
        {
            assert!(told(address).starts_with(&format!("`supportUri` holds U+{character}; ")), "{address:?}");
        }
        assert_eq!(told(&"x".repeat(2_049)), "`supportUri` has 2049 bytes, limit is 2048");
    }
}
