//! Trusted signers, read from files of certificates and revocation lists.

use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor};
use webpki::{CertRevocationList, OwnedCertRevocationList};

/// A file of certificates or revocation lists: PEM with one or more entries, or DER with one.
#[derive(Debug, Clone, Copy)]
pub struct PemFile<'a> {
    /// The file's name, for messages.
    pub name: &'a str,
    /// The file's bytes.
    pub bytes: &'a [u8],
}

/// The files that make up a [`Trust`].
#[derive(Debug, Clone, Default)]
pub struct TrustSources<'a> {
    /// Certificates at which chains must end. One that signs packages itself is accepted as their signer.
    pub roots: Vec<PemFile<'a>>,
    /// Roots of the machine, at which chains may end too.
    pub system_roots: Vec<PemFile<'a>>,
    /// Certificates of issuing authorities, for packages that do not contain them.
    pub intermediates: Vec<PemFile<'a>>,
    /// Certificates at which chains of timestamp authorities may end, besides the roots.
    pub timestamp_roots: Vec<PemFile<'a>>,
    /// Revocation lists.
    pub crls: Vec<PemFile<'a>>,
    /// SHA-1 or SHA-256 digests of the only signing certificates to accept, in hexadecimal; colons and blanks are skipped.
    /// If empty, any certificate with a valid chain is accepted.
    pub thumbprints: Vec<String>,
    /// Accepts unsigned packages, with a warning.
    pub allow_unsigned: bool,
}

/// Why a [`Trust`] cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file has no entry of the expected kind.
    #[error("{file}: holds no {kind}; give a PEM file with at least one")]
    Empty {
        /// Name of the file.
        file: String,
        /// `certificate` or `revocation list`.
        kind: &'static str,
    },
    /// An entry of a file cannot be read.
    #[error("{file}: {kind} {entry} of the file cannot be read: {reason}")]
    Unreadable {
        /// Name of the file.
        file: String,
        /// `certificate` or `revocation list`.
        kind: &'static str,
        /// Position in the file, counted from 1.
        entry: usize,
        /// The parser's reason.
        reason: String,
    },
    /// A thumbprint is not a SHA-1 or SHA-256 digest.
    #[error("thumbprint `{0}`: a SHA-1 has 40 hexadecimal digits, a SHA-256 has 64")]
    Thumbprint(String),
}

/// What messages call a trust without another name.
const NAME: &str = "the trust store";

/// Roots, intermediates, revocation lists and thumbprints, ready for use. The default has none, so chains are not checked;
/// a finding (`chain-not-checked`) reports that.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    name: Option<Box<str>>,
    pub(crate) roots: TrustedRoots,
    pub(crate) intermediates: Vec<CertificateDer<'static>>,
    pub(crate) timestamp_roots: TrustedRoots,
    pub(crate) crls: Vec<Arc<CertRevocationList<'static>>>,
    pub(crate) thumbprints: Vec<String>,
    pub(crate) allow_unsigned: bool,
}

/// Certificates where chains may end.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedRoots {
    /// The certificates.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// The trust anchor of each certificate for webpki, in the same order.
    pub(crate) anchors: Vec<TrustAnchor<'static>>,
    /// Those of them that were listed by name, and that therefore need no issuer when they sign packages themselves.
    pub(crate) listed_signers: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Reads all files.
    ///
    /// # Errors
    /// The first file, entry or thumbprint that cannot be used.
    pub fn from_pem(sources: &TrustSources<'_>) -> Result<Self, TrustError> {
        let mut intermediates = Vec::new();
        for file in &sources.intermediates {
            for (entry, der) in certificates(*file)?.into_iter().enumerate() {
                // The parser of leaf certificates reads any certificate that a path may hold.
                if let Err(error) = webpki::EndEntityCert::try_from(&der) {
                    return Err(unreadable(file, CERTIFICATE, entry, &error));
                }
                intermediates.push(der);
            }
        }
        let mut roots_of_signers = roots(&sources.roots)?;
        roots_of_signers.listed_signers = roots_of_signers.certificates.clone();
        let of_system = roots(&sources.system_roots)?;
        roots_of_signers.certificates.extend(of_system.certificates);
        roots_of_signers.anchors.extend(of_system.anchors);
        Ok(Self {
            name: None,
            roots: roots_of_signers,
            intermediates,
            timestamp_roots: roots(&sources.timestamp_roots)?,
            crls: revocation_lists(&sources.crls)?,
            thumbprints: sources.thumbprints.iter().map(|text| thumbprint(text)).collect::<Result<_, _>>()?,
            allow_unsigned: sources.allow_unsigned,
        })
    }

    /// The same trust, which messages call by this name, such as that of the place where users configure it. The default is
    /// `the trust store`.
    #[must_use]
    pub fn with_name(self, name: impl Into<Box<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(NAME)
    }

    /// True if it limits which signers are accepted: it has roots or thumbprints.
    #[must_use]
    pub fn restricts_signers(&self) -> bool {
        !self.roots.anchors.is_empty() || !self.thumbprints.is_empty()
    }
}

const CERTIFICATE: &str = "certificate";
const REVOCATION_LIST: &str = "revocation list";
/// First octet of any DER certificate or list.
const DER_SEQUENCE: u8 = 0x30;

/// Why an entry that is not PEM cannot be read.
const MALFORMED: &str = "it needs a line `-----BEGIN …-----`, lines of base64, and a line `-----END …-----`";

fn unreadable(file: &PemFile<'_>, kind: &'static str, index: usize, reason: &impl ToString) -> TrustError {
    TrustError::Unreadable {
        file: file.name.to_owned(),
        kind,
        entry: index.saturating_add(1),
        reason: reason.to_string(),
    }
}

/// The DER entries of one kind in a file.
fn entries<T>(file: PemFile<'_>, kind: &'static str) -> Result<Vec<T>, TrustError>
where
    T: PemObject + From<Vec<u8>>,
{
    if file.bytes.first() == Some(&DER_SEQUENCE) {
        return Ok(vec![T::from(file.bytes.to_vec())]);
    }
    let mut found = Vec::new();
    for (index, entry) in T::pem_slice_iter(file.bytes).enumerate() {
        // The error itself can contain a line of the file, which may be a private key.
        found.push(entry.map_err(|_| unreadable(&file, kind, index, &MALFORMED))?);
    }
    if found.is_empty() {
        return Err(TrustError::Empty { file: file.name.to_owned(), kind });
    }
    Ok(found)
}

fn certificates(file: PemFile<'_>) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    entries(file, CERTIFICATE)
}

fn roots(files: &[PemFile<'_>]) -> Result<TrustedRoots, TrustError> {
    let mut found = TrustedRoots::default();
    for file in files {
        for (index, der) in certificates(*file)?.into_iter().enumerate() {
            let anchor = webpki::anchor_from_trusted_cert(&der).map(|anchor| anchor.to_owned());
            found.anchors.push(anchor.map_err(|error| unreadable(file, CERTIFICATE, index, &error))?);
            found.certificates.push(der);
        }
    }
    Ok(found)
}

fn revocation_lists(files: &[PemFile<'_>]) -> Result<Vec<Arc<CertRevocationList<'static>>>, TrustError> {
    let mut found = Vec::new();
    for file in files {
        let lists: Vec<CertificateRevocationListDer<'static>> = entries(*file, REVOCATION_LIST)?;
        for (index, der) in lists.iter().enumerate() {
            let list = OwnedCertRevocationList::from_der(der);
            let list = list.map_err(|error| unreadable(file, REVOCATION_LIST, index, &error))?;
            found.push(Arc::new(CertRevocationList::Owned(list)));
        }
    }
    Ok(found)
}

/// Normalises a thumbprint to lower-case hexadecimal digits without separators.
fn thumbprint(text: &str) -> Result<String, TrustError> {
    let digits: String = text
        .chars()
        // The certificate dialog of Windows copies a left-to-right mark before the digits.
        .filter(|c| !c.is_whitespace() && *c != ':' && *c != '\u{200e}')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if matches!(digits.len(), 40 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(digits)
    } else {
        Err(TrustError::Thumbprint(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOTS: &[u8] = include_bytes!("../tests/fixtures/pki/roots.pem");

    fn with_root(bytes: &[u8]) -> Result<Trust, TrustError> {
        Trust::from_pem(&TrustSources {
            roots: vec![PemFile { name: "corp-root.pem", bytes }],
            ..TrustSources::default()
        })
    }

    #[test]
    fn roots_are_read() {
        let trust = with_root(ROOTS).unwrap();
        assert_eq!(trust.roots.anchors.len(), 1);
        assert!(trust.restricts_signers());
        assert!(!Trust::default().restricts_signers());
    }

    #[test]
    fn error_names_file_and_entry() {
        assert_eq!(
            with_root(b"nothing here").unwrap_err().to_string(),
            "corp-root.pem: holds no certificate; give a PEM file with at least one"
        );
        let mut two = ROOTS.to_vec();
        two.extend_from_slice(b"\n-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
        let message = with_root(&two).unwrap_err().to_string();
        assert!(message.starts_with("corp-root.pem: certificate 2 of the file cannot be read"), "{message}");
    }

    #[test]
    fn thumbprints_are_normalised() {
        let sha1 = "AA:bb".to_owned() + &"0".repeat(36);
        assert_eq!(thumbprint(&sha1).unwrap(), "aabb".to_owned() + &"0".repeat(36));
        assert!(thumbprint("1234").is_err());
        assert!(thumbprint(&"g".repeat(40)).is_err());
    }
}
