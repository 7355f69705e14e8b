//! Checks one signature of a kit package and its signer.

use crate::checks::{Check, Report};
use crate::facts::SignerFacts;
use crate::policy::Policy;
use crate::signature::certificate::Certificate;
use crate::signature::public_key::PublicKey;
use crate::signature::signer;
use crate::signature::value::SUPPORTED;
use crate::signature::value_fault::ValueFault;

use super::signature::XmlSignature;

/// Checks one signature and its signer.
pub(super) fn check(
    name: &str,
    signature: &XmlSignature,
    certificates: &[Vec<u8>],
    policy: &Policy,
    report: &mut Report<'_>,
) -> Option<SignerFacts> {
    if signature.sha1 {
        let message = "the package is signed with SHA-1, as older kits do; sign it again with SHA-256";
        report.add(Check::Sha1Digest, message);
    }
    if !signature.objects_hold {
        let message =
            format!("the list of parts in {name} was changed after signing; sign the package again");
        report.add(Check::SignatureInvalid, message);
    }
    let readable: Vec<Certificate<'_>> =
        certificates.iter().filter_map(|der| Certificate::read(der).ok()).collect();
    let Some(first) = readable.first() else {
        let (check, reason) = if certificates.is_empty() {
            (Check::SignatureInvalid, "its certificate is not in the package")
        } else {
            (Check::CertMalformed, "its certificate is damaged and cannot be read")
        };
        report
            .add(check, format!("the signature {name} cannot be checked: {reason}; sign the package again"));
        return None;
    };
    let matching = matching_certificate(name, signature, &readable, report);
    let leaf = matching.unwrap_or(first);
    if matching.is_some() {
        if certificates.iter().any(|der| der != leaf.der || !Certificate::is_exact(der)) {
            let message = format!(
                "the certificates of {name} are not exactly the one that signed, and no signature covers others; sign the package again"
            );
            report.add(Check::Malformed, message);
        }
        if let Err(reason) = signature.verify_token(report.meter()) {
            let message = format!(
                "the signature {name} has an object that its value does not cover: {reason}; sign the package again"
            );
            report.add(Check::SignatureMalformed, message);
        }
    }
    if !matches!(leaf.key, PublicKey::Rsa { .. }) {
        let message = format!(
            "the package is signed with {}; the dashboard fails to open such a package after the commit, and the submission \
             is stuck: sign it with an RSA key",
            leaf.key.describe()
        );
        report.add(Check::HlkxSignerNotRsa, message);
    }
    signer::check(report, leaf, &readable, policy);
    let mut facts = leaf.facts();
    facts.certificates.signer = leaf.chain(&readable);
    Some(facts)
}

/// The certificate whose key made the signature value; `None`, with a finding, if there is none.
fn matching_certificate<'c, 'a>(
    name: &str,
    signature: &XmlSignature,
    certificates: &'c [Certificate<'a>],
    report: &mut Report<'_>,
) -> Option<&'c Certificate<'a>> {
    let mut fault = None;
    for certificate in certificates {
        match signature.verify(certificate, report.meter()) {
            Ok(()) => return Some(certificate),
            Err(reason) => fault = Some(reason),
        }
    }
    match fault {
        Some(ValueFault::Unsupported(method)) => {
            let message =
                format!("the signature {name} was made with {method}, which is not supported; {SUPPORTED}");
            report.add(Check::SignatureUnsupported, message);
        }
        _ => {
            let message =
                format!("the signature value of {name} does not fit the certificate; sign the package again");
            report.add(Check::SignatureInvalid, message);
        }
    }
    None
}
