//! The policy that the fuzz targets share.

use std::sync::LazyLock;

use dropship_package::{PemFile, Policy, Trust, TrustSources};

/// The policy that the corpus was made for.
pub static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let file = |name, bytes| vec![PemFile { name, bytes }];
    let sources = TrustSources {
        roots: file("roots.pem", include_bytes!("../../crates/dropship-package/tests/fixtures/pki/roots.pem")),
        intermediates: file("inter.pem", include_bytes!("../../crates/dropship-package/tests/fixtures/pki/inter.pem")),
        timestamp_roots: file("tsaroots.pem", include_bytes!("../../crates/dropship-package/tests/fixtures/pki/tsaroots.pem")),
        ..TrustSources::default()
    };
    Policy {
        signers: Trust::from_pem(&sources).expect("the fixtures are good"),
        levels: Default::default(),
        now: "2026-06-01T12:00:00Z".parse().expect("a time"),
    }
});
