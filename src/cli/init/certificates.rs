//! The certificates of a package, as the files that `[signers]` names.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::files::NewFile;
use dropship_engine::accounts::SIGNERS;
use dropship_package::facts::PackageCertificates;
use dropship_package::{PemFile, Trust, TrustError, TrustSources};

pub(super) const ROOT: &str = "signer-root.pem";
pub(super) const INTERMEDIATES: &str = "signer-intermediates.pem";
pub(super) const TIMESTAMP_ROOT: &str = "timestamp-root.pem";

/// Number of characters in a line of a PEM file.
const LINE: usize = 64;

/// PEM files by their key.
#[derive(Debug, Default)]
pub(super) struct ChainFiles {
    /// The topmost certificate of the signer's chain.
    pub(super) root: Option<String>,
    /// Certificates between the signer's and the topmost one.
    pub(super) intermediates: Option<String>,
    /// The topmost certificate of the timestamp's chain.
    pub(super) timestamp_root: Option<String>,
    /// Whether the package contains only the certificate of the signer.
    pub(super) is_leaf_only: bool,
}

impl ChainFiles {
    pub(super) fn new(certificates: &PackageCertificates) -> Self {
        let (signer, timestamp) = (&certificates.signer, &certificates.timestamp);
        let intermediates = signer.get(1..signer.len().saturating_sub(1)).unwrap_or_default();
        Self {
            root: signer.last().map(|der| pem(der)),
            intermediates: (!intermediates.is_empty())
                .then(|| intermediates.iter().map(|der| pem(der)).collect()),
            // The authority's own certificate is the root of no chain.
            timestamp_root: timestamp.get(1..).and_then(|issuers| issuers.last()).map(|der| pem(der)),
            is_leaf_only: signer.len() == 1,
        }
    }

    /// The files by name.
    fn files_by_name(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let files = [
            (ROOT, &self.root),
            (INTERMEDIATES, &self.intermediates),
            (TIMESTAMP_ROOT, &self.timestamp_root),
        ];
        files.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)))
    }

    /// The files to write into a folder.
    pub(super) fn files(&self, home: &Path) -> Vec<NewFile> {
        let file = |(name, text): (&str, &String)| NewFile {
            path: home.join(name),
            bytes: text.clone().into_bytes(),
            is_secret: false,
        };
        self.files_by_name().map(file).collect()
    }

    /// The trust that `[signers]` with these files yields.
    pub(super) fn trust(&self) -> Result<Trust, TrustError> {
        let list = |file_name: &str| {
            let files = self.files_by_name().filter(|(name, _)| *name == file_name);
            files.map(|(name, text)| PemFile { name, bytes: text.as_bytes() }).collect()
        };
        let trust = Trust::from_pem(&TrustSources {
            roots: list(ROOT),
            intermediates: list(INTERMEDIATES),
            timestamp_roots: list(TIMESTAMP_ROOT),
            ..TrustSources::default()
        });
        trust.map(|trust| trust.with_name(SIGNERS))
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = vec!["-----BEGIN CERTIFICATE-----"];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        lines.push(line);
        rest = more;
    }
    lines.push("-----END CERTIFICATE-----\n");
    lines.join("\n")
}
