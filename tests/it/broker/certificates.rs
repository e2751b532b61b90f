//! Certificates for one broker, made when it starts, so that none can be out of date or leak from the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The files of a small public key infrastructure: one authority, the broker, one client, and an authority that signed nothing.
pub struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Makes them in a folder with `openssl`.
    pub fn make(dir: &Path) -> Result<Self, String> {
        let made = Self { dir: dir.to_owned() };
        made.authority("ca")?;
        made.authority("stranger")?;
        made.signed("broker")?;
        made.signed("client")?;
        // Kafka wants the key and the chain of a PEM key store in one file.
        let store = [fs::read(made.file("broker.key")), fs::read(made.file("broker.crt"))]
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?
            .concat();
        fs::write(made.file("broker.pem"), store).map_err(|error| error.to_string())?;
        Ok(made)
    }

    /// The authority that signed the broker's certificate.
    pub fn authority_file(&self) -> PathBuf {
        self.file("ca.crt")
    }

    /// An authority that did not sign the broker's certificate.
    pub fn stranger_file(&self) -> PathBuf {
        self.file("stranger.crt")
    }

    /// A client's certificate and key.
    pub fn client_files(&self) -> (PathBuf, PathBuf) {
        (self.file("client.crt"), self.file("client.key"))
    }

    fn authority(&self, name: &str) -> Result<(), String> {
        let (key, crt) = (format!("{name}.key"), format!("{name}.crt"));
        let subject = format!("/CN={name}");
        self.openssl(&["req", "-x509", "-days", "2", "-subj", &subject, "-keyout", &key, "-out", &crt], true)
    }

    fn signed(&self, name: &str) -> Result<(), String> {
        let (key, csr, crt) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.crt"));
        let subject = format!("/CN={name}");
        self.openssl(&["req", "-subj", &subject, "-keyout", &key, "-out", &csr], true)?;
        fs::write(self.file("names.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            .map_err(|error| error.to_string())?;
        let sign = ["x509", "-req", "-in", &csr, "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
        let rest = ["-days", "2", "-extfile", "names.ext", "-out", &crt];
        self.openssl(&[&sign[..], &rest[..]].concat(), false)
    }

    fn openssl(&self, arguments: &[&str], new_key: bool) -> Result<(), String> {
        let key: &[&str] = if new_key {
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        } else {
            &[]
        };
        let output = Command::new("openssl")
            .args(arguments)
            .args(key)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("the broker's certificates need the program `openssl`: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("openssl {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}
