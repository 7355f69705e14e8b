//! Client assertions: format, claims and, if the assertion contains its certificate, the signature.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use serde_json::Value;
use webpki::EndEntityCert;
use webpki::ring::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256_LEGACY_KEY};

/// Maximum clock difference to the client, in seconds.
const SKEW: i64 = 300;

/// Checks an assertion that a client sends instead of a secret.
///
/// # Errors
/// Why the assertion is invalid.
pub(crate) fn check(assertion: &str, client: &str, tenant: &str, now: Timestamp) -> Result<(), String> {
    let mut parts = assertion.split('.');
    let (Some(head), Some(body), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it is not made of three parts".to_owned());
    };
    let header = json_of(head)?;
    let claims = json_of(body)?;
    let exp = claims.get("exp").and_then(Value::as_i64).ok_or("it has no exp")?;
    if exp + SKEW < now.as_second() {
        return Err("it has expired".to_owned());
    }
    if claims.get("nbf").and_then(Value::as_i64).is_some_and(|nbf| nbf - SKEW > now.as_second()) {
        return Err("it is not valid yet".to_owned());
    }
    let Some(chain) = header.get("x5c") else {
        // A federated token is signed with the key of another authority, which the sandbox does not have.
        return Ok(());
    };
    for name in ["iss", "sub"] {
        if claims.get(name).and_then(Value::as_str) != Some(client) {
            return Err(format!("{name} is not the client's id"));
        }
    }
    let audience = claims.get("aud").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    if !audience.contains(&tenant.to_ascii_lowercase()) || !audience.contains("/oauth2/") {
        return Err("aud is not this token endpoint".to_owned());
    }
    let leaf = match chain {
        Value::Array(chain) => chain.first().and_then(Value::as_str),
        Value::String(leaf) => Some(leaf.as_str()),
        _ => None,
    };
    let leaf = STANDARD.decode(leaf.ok_or("x5c holds no certificate")?).map_err(|_| "x5c is not base64")?;
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let signed = assertion.rsplit_once('.').map_or("", |(signed, _)| signed);
    verify(&leaf, algorithm, signed, &decode(signature)?)
}

fn verify(leaf: &[u8], algorithm: &str, signed: &str, signature: &[u8]) -> Result<(), String> {
    let algorithm: &dyn SignatureVerificationAlgorithm = match algorithm {
        "RS256" => RSA_PKCS1_2048_8192_SHA256,
        "PS256" => RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        other => return Err(format!("alg {other} is not supported")),
    };
    let leaf = CertificateDer::from(leaf);
    let certificate = EndEntityCert::try_from(&leaf).map_err(|_| "x5c holds no certificate")?;
    certificate
        .verify_signature(algorithm, signed.as_bytes(), signature)
        .map_err(|_| "the signature is not that of the certificate in x5c".to_owned())
}

fn decode(part: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).map_err(|_| "it is not base64url".to_owned())
}

fn json_of(part: &str) -> Result<Value, String> {
    serde_json::from_slice(&decode(part)?).map_err(|_| "a part of it is not JSON".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn assertion_with_wrong_claims_is_rejected() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let federated = token(r#"{"alg":"RS256","kid":"k"}"#, r#"{"exp":1000600}"#);
        assert_eq!(check(&federated, "c", "t", now), Ok(()));
        let old = token(r#"{"alg":"RS256"}"#, r#"{"exp":1000}"#);
        assert_eq!(check(&old, "c", "t", now).unwrap_err(), "it has expired");
        assert!(check("a.b", "c", "t", now).is_err());
        let foreign = token(r#"{"alg":"RS256","x5c":["AA=="]}"#, r#"{"exp":1000600,"iss":"x","sub":"c"}"#);
        assert_eq!(check(&foreign, "c", "t", now).unwrap_err(), "iss is not the client's id");
    }

    #[test]
    fn assertion_signature_is_verified_with_its_certificate() {
        let now = Timestamp::from_second(1_700_000_100).unwrap();
        for text in
            [include_str!("../tests/assertion-rs256.jwt"), include_str!("../tests/assertion-ps256.jwt")]
        {
            let text = text.trim();
            assert_eq!(check(text, "app", "tenant", now), Ok(()));
            assert!(check(text, "app", "other", now).unwrap_err().contains("aud"));
            let (signed, signature) = text.rsplit_once('.').unwrap();
            let first = if signature.starts_with('A') { "B" } else { "A" };
            let forged = format!("{signed}.{first}{}", &signature[1..]);
            assert!(check(&forged, "app", "tenant", now).unwrap_err().contains("signature"));
        }
    }
}
