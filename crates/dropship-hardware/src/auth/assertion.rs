//! Client assertions: a short-lived token that the application signs with its certificate's key.
//!
//! Source: "Microsoft identity platform application authentication certificate credentials". The v2
//! endpoint gets PS256 and `x5t#S256`, the v1 endpoint RS256 and `x5t`: it is not documented to accept
//! anything else. With `x5c`, Entra accepts a renewed certificate of the same subject that is not registered.
//! ring, which TLS needs anyway, signs the assertion; a JWT crate would bring a second set of primitives.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{self, RsaEncoding, RsaKeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use url::Url;

use crate::request_id::random_uuid;
use crate::settings::{CredentialError, SecretSource, TokenVersion};
use dropship_redact::{ExposeSecret, SecretString, pem_problem};

/// Life of an assertion; the service takes no more than some minutes.
pub(super) const LIFETIME: Duration = Duration::from_secs(600);
/// Maximum number of seconds by which the local clock may be ahead of the service's.
const SKEW: i64 = 60;

/// Signs an assertion.
pub(super) fn sign(
    pem: &SecretString,
    client_id: &str,
    audience: &Url,
    version: TokenVersion,
) -> Result<SecretString, CredentialError> {
    let (key, chain) = read(pem)?;
    let leaf = chain.first().ok_or(CredentialError::NoCertificate)?;
    let thumbprint = |algorithm| URL_SAFE_NO_PAD.encode(ring::digest::digest(algorithm, leaf));
    let x5c: Vec<String> = chain.iter().map(|certificate| STANDARD.encode(certificate)).collect();
    let (header, padding): (_, &dyn RsaEncoding) = match version {
        TokenVersion::V1 => (
            json!({"alg": "RS256", "typ": "JWT", "x5t": thumbprint(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY), "x5c": x5c}),
            &signature::RSA_PKCS1_SHA256,
        ),
        TokenVersion::V2 => (
            json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(&ring::digest::SHA256), "x5c": x5c}),
            &signature::RSA_PSS_SHA256,
        ),
    };
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({
        "aud": audience.as_str(), "iss": client_id, "sub": client_id, "jti": random_uuid(),
        "nbf": now - SKEW, "iat": now - SKEW, "exp": now.saturating_add_unsigned(LIFETIME.as_secs()),
    });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mut bytes = vec![0; key.public().modulus_len()];
    key.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut bytes)
        .map_err(|_| CredentialError::Signing)?;
    Ok(SecretString::from(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))))
}

/// The certificate that belongs to the private key in a PEM file, as DER.
///
/// # Errors
/// When the file has no usable key, or no certificate of it.
pub fn certificate_of_key(pem: &SecretString) -> Result<CertificateDer<'static>, CredentialError> {
    let (_, chain) = read(pem)?;
    chain.into_iter().next().ok_or(CredentialError::NoCertificate)
}

/// Reads the certificate and the key in a file.
pub(super) fn check_certificate(path: &Path) -> Result<(), CredentialError> {
    let pem = SecretSource::File(path.to_owned()).read()?;
    let in_file = |error| CredentialError::InFile { path: path.to_owned(), error: Box::new(error) };
    read(&pem).map(drop).map_err(in_file)
}

/// The key, and the certificates, of which the first is that of the key.
fn read(pem: &SecretString) -> Result<(RsaKeyPair, Vec<CertificateDer<'static>>), CredentialError> {
    let text = pem.expose_secret().as_bytes();
    if pem.expose_secret().contains("ENCRYPTED") {
        return Err(CredentialError::EncryptedKey);
    }
    let key = PrivateKeyDer::from_pem_slice(text)
        .map_err(|error| CredentialError::MalformedKey(pem_problem(&error)))?;
    let key = match &key {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(CredentialError::NotRsa),
    }
    .map_err(|error| CredentialError::UnusableKey(error.to_string()))?;
    let mut chain = CertificateDer::pem_slice_iter(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| CredentialError::MalformedCertificate(pem_problem(&error)))?;
    let public_key = key.public().as_ref();
    let has_public_key = |certificate: &CertificateDer<'_>| {
        certificate.windows(public_key.len()).any(|part| part == public_key)
    };
    let at = chain.iter().position(has_public_key);
    let at = at.ok_or(CredentialError::NoCertificate)?;
    chain.swap(0, at);
    Ok((key, chain))
}
