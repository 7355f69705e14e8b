//! Kit packages that are hostile behind a valid signature.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::kits::hostile::kits;
use super::kits::signer::{KitSigner, Parts};
use crate::inspect::inspect_counted;
use crate::{Kind, Level, PemFile, Policy, Trust, TrustSources, Verdict, Work};

fn archive(parts: &Parts) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Trusts the signer. What its packages contain is an error, unless it is sound.
fn trusting(signer: &KitSigner) -> Policy {
    let pem = signer.pem();
    let roots = vec![PemFile { name: "signer.pem", bytes: pem.as_bytes() }];
    let levels = [("hlkx-signer-not-rsa", Level::Off), ("hlkx-no-info", Level::Error)];
    Policy {
        signers: Trust::from_pem(&TrustSources { roots, ..TrustSources::default() }).unwrap(),
        levels: levels
            .map(|(check, level)| (check.to_owned(), level))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        now: "2026-06-01T12:00:00Z".parse().unwrap(),
    }
}

#[test]
fn work_on_signed_hostile_kits_is_bounded_by_their_length() {
    let signer = KitSigner::new();
    let policy = trusting(&signer);
    for (name, parts, reason) in kits(&signer, true) {
        let package = archive(&parts);
        let (inspection, work) = inspect_counted(&package, Kind::Hlkx, &policy);
        let limit = Work::limit(package.len() as u64);
        assert!(
            work.hashed <= limit.hashed && work.unpacked <= limit.unpacked,
            "{name}: {work:?} of {limit:?}"
        );
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

#[test]
fn signature_of_another_key_is_still_refused() {
    let (signer, other) = (KitSigner::new(), KitSigner::new());
    let package = archive(&kits(&signer, false).swap_remove(0).1);
    assert_eq!(inspect_counted(&package, Kind::Hlkx, &trusting(&signer)).0.verdict, Verdict::Accept);
    assert_eq!(inspect_counted(&package, Kind::Hlkx, &trusting(&other)).0.verdict, Verdict::Reject);
}
