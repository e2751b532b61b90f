//! What this program was built from, and the libraries that it runs with.

use std::{fmt, sync::LazyLock};

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit, as `build.rs` has found it: a build for tests has none.
pub const REVISION: &str = env!("TICKET_ROUTER_REVISION");

/// What `--version` prints behind the name.
pub static LONG: LazyLock<String> = LazyLock::new(|| Build::of_process().to_string());

/// The parts of the running program, libraries as they say themselves.
pub struct Build {
    /// The version of librdkafka.
    pub librdkafka: String,
    /// The version of OpenSSL: that of the system if the program is linked to it.
    pub openssl: String,
}

impl Build {
    /// Asks the libraries.
    pub fn of_process() -> Self {
        // "OpenSSL 3.5.4 30 Sep 2025"
        let openssl = openssl::version::version().split(' ').nth(1).unwrap_or("unknown");
        Self { librdkafka: rdkafka::util::get_rdkafka_version().1, openssl: openssl.to_owned() }
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { librdkafka, openssl } = self;
        write!(f, "{VERSION} ({REVISION}, librdkafka {librdkafka}, OpenSSL {openssl})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_the_libraries_that_are_linked() {
        let parts: Vec<_> = LONG.split([' ', ',', '(', ')']).filter(|part| !part.is_empty()).collect();
        let [version, _revision, "librdkafka", librdkafka, "OpenSSL", openssl] = parts.as_slice() else {
            panic!("{}", *LONG)
        };
        assert_eq!(*version, VERSION);
        let has_three_numbers =
            |text: &str| text.split('.').filter(|it| it.parse::<u32>().is_ok()).count() == 3;
        assert!(has_three_numbers(librdkafka) && has_three_numbers(openssl), "{}", *LONG);
    }
}
