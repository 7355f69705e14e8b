//! Tests with whole packages, and the helpers that they share.

mod cabinets;
#[expect(unreachable_pub, reason = "the tests of the binary are another crate, and include it")]
mod cabinets_signed;
mod content;
mod corners;
mod corpus;
mod flips;
mod hostile_archives;
mod infs;
#[expect(unreachable_pub, reason = "the fuzz targets are other crates, and include it")]
mod kits;
mod layout;
mod link;
mod previews;
mod rules;
mod signed_archives;
mod signed_cabinets;
mod signed_kits;
mod signers;
mod stamps;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use super::{Inspection, Kind, Level, PemFile, Policy, Trust, TrustSources, inspect};

const ROOTS: &[u8] = include_bytes!("../../tests/fixtures/pki/roots.pem");
const INTERMEDIATES: &[u8] = include_bytes!("../../tests/fixtures/pki/inter.pem");
const TIMESTAMP_ROOTS: &[u8] = include_bytes!("../../tests/fixtures/pki/tsaroots.pem");

/// The trust sources that the packages of the corpus are signed for.
fn sources() -> TrustSources<'static> {
    TrustSources {
        roots: vec![PemFile { name: "roots.pem", bytes: ROOTS }],
        intermediates: vec![PemFile { name: "inter.pem", bytes: INTERMEDIATES }],
        timestamp_roots: vec![PemFile { name: "tsaroots.pem", bytes: TIMESTAMP_ROOTS }],
        ..TrustSources::default()
    }
}

/// A policy that trusts the corpus, at a time at which its certificates are valid.
fn policy() -> Policy {
    Policy {
        signers: Trust::from_pem(&sources()).unwrap(),
        levels: BTreeMap::new(),
        now: "2026-06-01T12:00:00Z".parse().unwrap(),
    }
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// Pseudo-random numbers, the same in every run.
struct Random(u64);

impl Random {
    /// The next number below a limit (xorshift64*).
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

fn inspect_cab(name: &str, policy: &Policy) -> Inspection {
    let file = File::open(fixture(&format!("cab/{name}.cab"))).unwrap();
    inspect(&file, Kind::Cab, policy).unwrap()
}

fn inspect_hlkx(name: &str, policy: &Policy) -> Inspection {
    let file = File::open(fixture(&format!("hlkx/{name}.hlkx"))).unwrap();
    inspect(&file, Kind::Hlkx, policy).unwrap()
}

/// Names of the checks with findings of at least this level.
fn checks(inspection: &Inspection, least: Level) -> Vec<&str> {
    let found = inspection.findings.iter().filter(|finding| finding.level >= least);
    found.map(|finding| finding.check.as_str()).collect()
}
