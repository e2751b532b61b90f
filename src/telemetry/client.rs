//! Sends a request to the collector and waits for the answer, on the thread of the exporter.

use std::{fs, future::Future, io, pin::Pin, sync::Arc};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};

use super::settings::Target;
use crate::repeats::Repeats;

/// No collector answers with more than this; a longer body comes from something else.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// A client for one signal: its time limit, and whom it trusts.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    repeats: Repeats,
}

/// The file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificates in `{file}` cannot be used")]
pub struct CertificateUnusable {
    file: String,
    #[source]
    source: io::Error,
}

impl Client {
    /// Makes the client of one signal.
    ///
    /// # Errors
    ///
    /// The file of certificates cannot be read, or holds none.
    pub fn new(target: &Target) -> Result<Self, CertificateUnusable> {
        let roots = match &target.certificate {
            None => RootCerts::PlatformVerifier,
            Some(file) => {
                let unusable = |source| CertificateUnusable { file: file.display().to_string(), source };
                RootCerts::Specific(Arc::new(
                    certificates(&fs::read(file).map_err(unusable)?).map_err(unusable)?,
                ))
            }
        };
        let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(roots).build();
        let config = Agent::config_builder()
            .timeout_global(Some(target.timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("ticket-router/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Ok(Self { agent: config.new_agent(), repeats: Repeats::new() })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, mut body) = self.agent.run(request.map(|body| body.to_vec()))?.into_parts();
        let body = body.with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }
}

impl HttpClient for Client {
    fn send_bytes<'client, 'future>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'future>>
    where
        'client: 'future,
        Self: 'future,
    {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            // The exporter reports only that there was an error.
            self.send(request).inspect_err(|error| {
                if let Some(left_out) = self.repeats.admit() {
                    tracing::warn!(code = "TELEMETRY_EXPORT", path, %error, left_out, "the collector cannot be reached");
                }
            })
        })
    }
}

fn certificates(pem: &[u8]) -> io::Result<Vec<Certificate<'static>>> {
    let found: Vec<_> = ureq::tls::parse_pem(pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(io::Error::other(error))),
        })
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(io::Error::other("there is no certificate in it"));
    }
    Ok(found)
}
