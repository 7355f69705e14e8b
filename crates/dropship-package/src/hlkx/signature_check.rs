//! Checks of one signature and its signer.

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
        report.say(Check::Sha1Digest, message);
    }
    if !signature.objects_hold {
        let message =
            format!("the list of parts in {name} was changed after signing; sign the package again");
        report.say(Check::SignatureInvalid, message);
    }
    let readable: Vec<Certificate<'_>> =
        certificates.iter().filter_map(|der| Certificate::read(der).ok()).collect();
    let Some(first) = readable.first() else {
        let (check, what) = if certificates.is_empty() {
            (Check::SignatureInvalid, "its certificate is not in the package")
        } else {
            (Check::CertMalformed, "its certificate is damaged and cannot be read")
        };
        report.say(check, format!("the signature {name} cannot be checked: {what}; sign the package again"));
        return None;
    };
    let mut fault = None;
    let fitting = readable.iter().find(|certificate| match signature.verify(certificate) {
        Ok(()) => true,
        Err(reason) => {
            fault = Some(reason);
            false
        }
    });
    if fitting.is_none() {
        match fault {
            Some(ValueFault::Unsupported(what)) => {
                report.say(
                    Check::SignatureUnsupported,
                    format!("the signature {name} was made with {what}, which is not supported; {SUPPORTED}"),
                );
            }
            _ => {
                let message = format!(
                    "the signature value of {name} does not fit the certificate; sign the package again"
                );
                report.say(Check::SignatureInvalid, message);
            }
        }
    }
    let leaf = fitting.unwrap_or(first);
    if !matches!(leaf.key, PublicKey::Rsa { .. }) {
        let message = format!(
            "the package is signed with {}; the dashboard fails to open such a package after the commit, and the submission \
             is stuck: sign it with an RSA key",
            leaf.key.describe()
        );
        report.say(Check::HlkxSignerNotRsa, message);
    }
    signer::check(report, leaf, &readable, policy);
    Some(leaf.facts())
}
