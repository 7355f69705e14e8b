//! Why a credential cannot be used.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

/// A secret or a certificate cannot be used. Neither text nor `Debug` contains anything secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A file cannot be read, or is not UTF-8.
    #[error("the secret file {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// A file has no secret.
    #[error("the secret file {} is empty", .0.display())]
    EmptyFile(PathBuf),
    /// A [source](super::SecretSource::Call) has returned an empty secret.
    #[error("the secret is empty")]
    Empty,
    /// A [source](super::SecretSource::Call) has failed.
    #[error(transparent)]
    Source(Box<dyn StdError + Send + Sync>),
    /// The private key has a passphrase.
    #[error("the certificate's private key is encrypted; give it without a passphrase")]
    EncryptedKey,
    /// There is no private key, or it is not PEM.
    #[error("the certificate file's private key cannot be read: {0}")]
    MalformedKey(&'static str),
    /// The key is of another kind than RSA.
    #[error("the certificate's key is not RSA, and Entra accepts only RSA keys")]
    NotRsa,
    /// The parameters of the RSA key are not allowed.
    #[error("the certificate's private key is not a usable RSA key: {0}")]
    UnusableKey(String),
    /// A certificate is not PEM.
    #[error("the certificate file cannot be read: {0}")]
    MalformedCertificate(&'static str),
    /// There is no certificate of the private key.
    #[error("no certificate in the file belongs to the private key in it")]
    NoCertificate,
    /// The system has no random numbers, or the key is too small to sign with.
    #[error("signing with the certificate's key failed")]
    Signing,
    /// A certificate file cannot be used.
    #[error("{}: {error}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: Box<CredentialError>,
    },
}
