//! Cabinets that are hostile behind a valid signature.

use std::collections::BTreeMap;

use super::cabinets_signed::hostile::cabinets;
use super::kits::signer::KitSigner;
use crate::inspect::inspect_counted;
use crate::{Kind, Level, PemFile, Policy, Trust, TrustSources, Verdict, Work};

#[test]
fn work_on_signed_hostile_cabinets_is_bounded_by_their_length() {
    let signer = KitSigner::new();
    let pem = signer.pem();
    let roots = vec![PemFile { name: "signer.pem", bytes: pem.as_bytes() }];
    let policy = Policy {
        signers: Trust::from_pem(&TrustSources { roots, ..TrustSources::default() }).unwrap(),
        levels: BTreeMap::new(),
        now: "2026-06-01T12:00:00Z".parse().unwrap(),
    };
    for (name, package, reason) in cabinets(&signer, 1) {
        let (inspection, work) = inspect_counted(&package, Kind::Cab, &policy);
        let limit = Work::limit(package.len() as u64);
        let (read, unpacked) = (5 * package.len() as u64 + (1 << 20), 64 * package.len() as u64 + (64 << 20));
        assert!(work.read <= read && work.hashed <= 2 * package.len() as u64, "{name}: {work:?}");
        assert!(work.unpacked <= unpacked && work.verified <= limit.verified, "{name}: {work:?}");
        // What would be beyond the limit is counted for each of up to 17 searches, but not done.
        assert!(work.tried <= 17 * (limit.tried + 1), "{name}: {work:?}");
        let errors: Vec<_> =
            inspection.findings.iter().filter(|finding| finding.level == Level::Error).collect();
        match reason {
            None => assert_eq!(inspection.verdict, Verdict::Accept, "{name}: {errors:#?}"),
            Some(reason) => {
                assert!(errors.iter().any(|error| error.message.contains(reason)), "{name}: {errors:#?}");
            }
        }
    }
}
