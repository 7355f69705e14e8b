//! The certificates that a search for a path can use, and what the search costs.
//!
//! Everybody can make up certificates of authorities with one name. A search tries each at each place of a path, in all orders: with
//! sixty of them, millions of times.

use std::collections::BTreeSet;

use rustls_pki_types::CertificateDer;

use super::certificate::Certificate;
use crate::budget::TRIED;

/// Maximum number of intermediates in a path of webpki.
const DEPTH: usize = 6;

/// A certificate that may be an intermediate of a path.
pub(super) struct Issuer<'c> {
    pub(super) der: CertificateDer<'c>,
    /// Names without their headers; none if only webpki can parse the certificate, which then is one of the policy.
    names: Option<(&'c [u8], &'c [u8])>,
}

/// Those of the certificates whose names can be in a path of the leaf, each once.
pub(super) fn of<'c>(leaf: &Certificate<'c>, through: &'c [CertificateDer<'c>]) -> Vec<Issuer<'c>> {
    let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
    for der in through {
        if seen.insert(der.as_ref()) {
            let names = Certificate::read(der)
                .ok()
                .map(|certificate| (certificate.subject_content(), certificate.issuer_content()));
            all.push(Issuer { der: CertificateDer::from(der.as_ref()), names });
        }
    }
    let mut names_in_path = BTreeSet::from([leaf.issuer_content()]);
    for _ in 0..DEPTH {
        let found = all.iter().filter_map(|issuer: &Issuer<'c>| issuer.names);
        let found = found.filter(|(subject, _)| names_in_path.contains(subject)).map(|(_, issuer)| issuer);
        names_in_path = found.chain(names_in_path.iter().copied()).collect();
    }
    let may_be_in_path =
        |issuer: &Issuer<'_>| issuer.names.is_none_or(|(subject, _)| names_in_path.contains(subject));
    all.into_iter().filter(may_be_in_path).collect()
}

/// How often a search parses one of the issuers, at most; more than [`TRIED`] are not counted.
pub(super) fn tries(leaf: &Certificate<'_>, issuers: &[Issuer<'_>]) -> u64 {
    let mut count = 0;
    add_tries(leaf.issuer_content(), issuers, &mut Vec::new(), &mut count);
    count
}

/// Follows all paths from a certificate with this issuer, as webpki does, by the names alone.
fn add_tries(name: &[u8], issuers: &[Issuer<'_>], path: &mut Vec<usize>, count: &mut u64) {
    for (index, issuer) in issuers.iter().enumerate() {
        *count = count.saturating_add(1);
        if *count > TRIED {
            return;
        }
        let Some((_, next)) = issuer.names.filter(|(subject, _)| *subject == name) else { continue };
        if path.len() < DEPTH && !path.contains(&index) {
            path.push(index);
            add_tries(next, issuers, path, count);
            path.pop();
        }
    }
}
