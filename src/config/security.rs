//! The table `kafka.security`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    {fs, io},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// How to log in to the brokers, and what to trust.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// The protocol of the brokers' listener. Sets `security.protocol`.
    ///
    /// A plain client on a TLS port, or the reverse, sees only closed connections.
    pub protocol: Protocol,

    /// PEM file with the certificate authorities to trust. Default: those of the system.
    ///
    /// Only with SSL or SASL_SSL. Sets `ssl.ca.location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,

    /// PEM file with the client's certificate, if the brokers ask for one (mTLS).
    ///
    /// Needs `kafka.security.key_file`. Sets `ssl.certificate.location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,

    /// PEM file with the private key of the client's certificate. Sets `ssl.key.location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,

    /// Password of the private key. Sets `ssl.key.password`.
    ///
    /// Secret: set it in the file or the environment, never on the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_password: Option<Secret>,

    /// File that holds the password of the private key. The router drops a line end after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_password_file: Option<PathBuf>,

    /// How to log in, with SASL_PLAINTEXT or SASL_SSL. Sets `sasl.mechanism`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<Mechanism>,

    /// User name for PLAIN and SCRAM. Sets `sasl.username`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,

    /// Password for PLAIN and SCRAM. Sets `sasl.password`.
    ///
    /// Secret: set it in the file or the environment, never on the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,

    /// File that holds the password. The router drops a line end after it, and reads the file when it makes a client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,

    /// File that holds the token for OAUTHBEARER.
    ///
    /// The router reads it again after four fifths of the token's life, so another program must keep the file fresh
    /// (a sidecar, or a projected service account token). A JWT says when it expires; any other token needs
    /// `kafka.security.token_lifetime_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,

    /// How long a token is valid after the router has read it, in milliseconds, if it is not a JWT with an `exp`.
    ///
    /// Too high: the brokers refuse an expired token until the router reads the file again. Too low: the router reads
    /// the file, and its clients log in, more often than needed.
    #[schemars(range(min = 1000, max = 86_400_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_lifetime_ms: Option<u64>,

    /// SASL extensions that the brokers want with the token: `logicalCluster = "lkc-…"` and
    /// `identityPoolId = "pool-…"` for Confluent Cloud.
    ///
    /// Names consist of letters and are case-sensitive. Set them in the file: the names of environment variables do not
    /// keep case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub token_extensions: BTreeMap<String, String>,
}

/// The protocol of a broker's listener.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub enum Protocol {
    /// No encryption and no log-in.
    #[default]
    #[serde(rename = "PLAINTEXT")]
    Plaintext,
    /// TLS, with a client certificate if the broker asks for one.
    #[serde(rename = "SSL")]
    Ssl,
    /// Log-in without encryption: PLAIN sends the password in clear text.
    #[serde(rename = "SASL_PLAINTEXT")]
    SaslPlaintext,
    /// Log-in over TLS.
    #[serde(rename = "SASL_SSL")]
    SaslSsl,
}

/// A way to log in (SASL mechanism).
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub enum Mechanism {
    /// User name and password in clear text.
    #[serde(rename = "PLAIN")]
    Plain,
    /// User name and a salted challenge with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// User name and a salted challenge with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// A token from `kafka.security.token_file`.
    #[serde(rename = "OAUTHBEARER")]
    OauthBearer,
}

/// A file that should hold a secret cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`{key}` names `{}`, which cannot be read", path.display())]
pub struct SecretUnreadable {
    /// The setting that names the file.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Protocol {
    /// Returns the name that Kafka and librdkafka use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Says whether the connection is encrypted.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Says whether the client logs in.
    pub fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl Mechanism {
    /// Returns the name that Kafka and librdkafka use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

impl Security {
    /// Returns the password to log in with, from the setting or its file.
    ///
    /// # Errors
    /// [`SecretUnreadable`] if the file cannot be read.
    pub fn read_password(&self) -> Result<Option<Secret>, SecretUnreadable> {
        read(self.password.as_ref(), self.password_file.as_deref(), "kafka.security.password_file")
    }

    /// Returns the password of the private key, from the setting or its file.
    ///
    /// # Errors
    /// [`SecretUnreadable`] if the file cannot be read.
    pub fn read_key_password(&self) -> Result<Option<Secret>, SecretUnreadable> {
        read(
            self.key_password.as_ref(),
            self.key_password_file.as_deref(),
            "kafka.security.key_password_file",
        )
    }

    /// Returns the token for OAUTHBEARER as its file has it now.
    ///
    /// # Errors
    /// [`SecretUnreadable`] if the file cannot be read.
    pub fn read_token(&self) -> Result<Option<Secret>, SecretUnreadable> {
        read(None, self.token_file.as_deref(), "kafka.security.token_file")
    }
}

fn read(
    value: Option<&Secret>,
    file: Option<&Path>,
    key: &'static str,
) -> Result<Option<Secret>, SecretUnreadable> {
    match (value, file) {
        (Some(secret), _) => Ok(Some(secret.clone())),
        (None, None) => Ok(None),
        (None, Some(path)) => match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n'])))),
            Err(source) => Err(SecretUnreadable { key, path: path.to_owned(), source }),
        },
    }
}
