//! TLS to the database.

use dropship_redact::pem_problem;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Certificates of roots that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadRoots(String);

/// The roots that the certificate of the database has to lead to.
#[derive(Clone)]
pub struct Roots(ClientConfig);

impl Roots {
    /// The system's roots, and those of a PEM file.
    ///
    /// # Errors
    /// When the PEM file contains no certificates.
    pub fn of_system_and(pem: Option<&[u8]>) -> Result<Self, BadRoots> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(pem) = pem {
            let before = roots.len();
            for root in CertificateDer::pem_slice_iter(pem) {
                let root = root.map_err(|error| BadRoots(pem_problem(&error).to_owned()))?;
                roots.add(root).map_err(|error| BadRoots(error.to_string()))?;
            }
            if roots.len() == before {
                return Err(BadRoots("there is no certificate in it".to_owned()));
            }
        }
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| BadRoots(error.to_string()))?;
        Ok(Self(builder.with_root_certificates(roots).with_no_client_auth()))
    }

    pub(crate) fn connector(&self) -> MakeRustlsConnect {
        MakeRustlsConnect::new(self.0.clone())
    }
}
