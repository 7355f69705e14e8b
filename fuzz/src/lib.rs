//! The policies that the fuzz targets share, and the signer of generated packages.

use std::sync::LazyLock;

use dropship_package::{Level, PemFile, Policy, Trust, TrustSources};

use kits::signer::KitSigner;

#[path = "../../crates/dropship-package/src/tests/kits/mod.rs"]
pub mod kits;

/// Signs kit packages with a new key, and the policy that accepts it.
pub static SIGNER: LazyLock<(KitSigner, Policy)> = LazyLock::new(|| {
    let signer = KitSigner::new();
    let pem = signer.pem();
    let roots = vec![PemFile { name: "signer.pem", bytes: pem.as_bytes() }];
    let policy = Policy {
        signers: Trust::from_pem(&TrustSources { roots, ..TrustSources::default() }).expect("a certificate"),
        levels: [("hlkx-signer-not-rsa".to_owned(), Level::Off)].into(),
        now: "2026-06-01T12:00:00Z".parse().expect("a time"),
    };
    (signer, policy)
});

/// Accepts the signers of the fixtures, from which the corpus is made.
pub static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let fixture = |name, bytes| PemFile { name, bytes };
    let sources = TrustSources {
        roots: vec![
            fixture(
                "roots.pem",
                include_bytes!("../../crates/dropship-package/tests/fixtures/pki/roots.pem"),
            ),
            fixture("root.pem", include_bytes!("../../crates/dropship-package/tests/fixtures/link/root.pem")),
        ],
        intermediates: vec![
            fixture(
                "inter.pem",
                include_bytes!("../../crates/dropship-package/tests/fixtures/pki/inter.pem"),
            ),
            fixture("ca.pem", include_bytes!("../../crates/dropship-package/tests/fixtures/link/ca.pem")),
        ],
        timestamp_roots: vec![
            fixture(
                "tsaroots.pem",
                include_bytes!("../../crates/dropship-package/tests/fixtures/pki/tsaroots.pem"),
            ),
            fixture(
                "stamp-root.pem",
                include_bytes!("../../crates/dropship-package/tests/fixtures/link/stamp-root.pem"),
            ),
        ],
        ..TrustSources::default()
    };
    Policy {
        signers: Trust::from_pem(&sources).expect("valid fixtures"),
        levels: Default::default(),
        now: "2026-06-01T12:00:00Z".parse().expect("a time"),
    }
});
