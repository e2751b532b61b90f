//! Certificates for one broker, made when it starts, so that none can be out of date or leak from the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::process::run;

/// The files of a small public key infrastructure: one authority, the broker, one client, and an authority that signed nothing.
pub struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Makes them in a folder with `openssl`.
    ///
    /// # Errors
    /// There is no `openssl`, or it fails.
    pub fn make(dir: &Path) -> Result<Self> {
        let made = Self { dir: dir.to_owned() };
        made.authority("ca")?;
        made.authority("stranger")?;
        made.signed("broker")?;
        made.signed("client")?;
        // Kafka wants the key and the chain of a PEM key store in one file.
        let store = [fs::read(made.file("broker.key"))?, fs::read(made.file("broker.crt"))?].concat();
        fs::write(made.file("broker.pem"), store)?;
        Ok(made)
    }

    /// The lines of `server.properties` that name the broker's own.
    #[must_use]
    pub fn settings(&self) -> String {
        let dir = self.dir.display();
        format!(
            "ssl.keystore.type=PEM\nssl.keystore.location={dir}/broker.pem\n\
             ssl.truststore.type=PEM\nssl.truststore.location={dir}/ca.crt\n"
        )
    }

    /// The authority that signed the broker's certificate.
    #[must_use]
    pub fn authority_file(&self) -> PathBuf {
        self.file("ca.crt")
    }

    /// An authority that did not sign the broker's certificate.
    #[must_use]
    pub fn stranger_file(&self) -> PathBuf {
        self.file("stranger.crt")
    }

    /// A client's certificate and key.
    #[must_use]
    pub fn client_files(&self) -> (PathBuf, PathBuf) {
        (self.file("client.crt"), self.file("client.key"))
    }

    fn authority(&self, name: &str) -> Result<()> {
        let (key, crt) = (format!("{name}.key"), format!("{name}.crt"));
        let subject = format!("/CN={name}");
        self.openssl(&["req", "-x509", "-days", "2", "-subj", &subject, "-keyout", &key, "-out", &crt], true)
    }

    fn signed(&self, name: &str) -> Result<()> {
        let (key, csr, crt) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.crt"));
        let subject = format!("/CN={name}");
        self.openssl(&["req", "-subj", &subject, "-keyout", &key, "-out", &csr], true)?;
        fs::write(self.file("names.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n")?;
        let sign = ["x509", "-req", "-in", &csr, "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
        let rest = ["-days", "2", "-extfile", "names.ext", "-out", &crt];
        self.openssl(&[&sign[..], &rest[..]].concat(), false)
    }

    fn openssl(&self, arguments: &[&str], new_key: bool) -> Result<()> {
        let key: &[&str] = if new_key {
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        } else {
            &[]
        };
        run(Command::new("openssl").args(arguments).args(key).current_dir(&self.dir))
            .context("a broker's certificates need the program `openssl`")?;
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}
