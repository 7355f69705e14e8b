//! A package that states every fact: what templates are tried on before there is a real one.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::TemplateScope;
use crate::input::MatchInput;
use dropship_package::Kind;
use dropship_package::facts::{Facts, FileFact, HlkxFacts, InfFacts, SignerFacts, TestRollup};

/// The sample's facts.
fn facts() -> Facts {
    let text = |text: &str| Some(text.to_owned());
    let inf = InfFacts {
        path: "sample/sample.inf".to_owned(),
        name: "sample.inf".to_owned(),
        stem: "sample".to_owned(),
        provider: text("Sample Provider"),
        class: text("MEDIA"),
        class_guid: text("{4d36e96c-e325-11ce-bfc1-08002be10318}"),
        version: text("1.2.3.4"),
        date: text("2026-01-31"),
        catalog: text("sample.cat"),
        extension_id: text("{00000000-0000-0000-0000-000000000001}"),
        pnp_lockdown: true,
        hardware_ids: vec!["PCI\\VEN_1234&DEV_5678&SUBSYS_00011234".to_owned()],
        chids: vec!["00000000-0000-0000-0000-000000000002".to_owned()],
        manufacturers: vec!["Sample Manufacturer".to_owned()],
        descriptions: vec!["Sample Device".to_owned()],
        architectures: BTreeSet::from(["amd64".to_owned()]),
        primitive: false,
    };
    Facts {
        kind: Kind::Hlkx,
        size: 123_456,
        files: vec![FileFact { path: "sample/sample.inf".to_owned(), size: 1_234, machine: None }],
        infs: vec![inf],
        architectures: BTreeSet::from(["amd64".to_owned()]),
        signer: Some(SignerFacts {
            subject: "CN=Sample Signer".to_owned(),
            name: "Sample Signer".to_owned(),
            issuer: "CN=Sample Issuer".to_owned(),
            thumbprint_sha1: "0".repeat(40),
            thumbprint_sha256: "0".repeat(64),
            not_before: "2026-01-01T00:00:00Z".to_owned(),
            not_after: "2027-01-01T00:00:00Z".to_owned(),
            extended_validation: true,
            timestamp: text("2026-02-01T00:00:00Z"),
            timestamp_authority: text("Sample Time"),
            certificates: dropship_package::facts::PackageCertificates::default(),
        }),
        hlkx: Some(HlkxFacts {
            operating_systems: vec!["WINDOWS_v100_X64_CO_FULL".to_owned()],
            product_types: BTreeMap::from([("Windows_v100_CO".to_owned(), "Audio Device".to_owned())]),
            kit_version: text("10.1.26100.1"),
            package_type: text("SubmissionPackage"),
            tests: Some(TestRollup::default()),
        }),
        content_sha256: None,
    }
}

impl TemplateScope {
    /// The variables of the sample under a rule; each of `vars` is set.
    #[must_use]
    pub fn sample(rule: &str, vars: &BTreeMap<String, String>) -> Self {
        let facts = facts();
        let sha256 = "0123456789abcdef".repeat(4);
        let input = MatchInput {
            folder: Some("sample-folder"),
            file: "sample.hlkx",
            sha256: &sha256,
            facts: &facts,
            vars: None,
        };
        Self::new(rule, &input, vars).with_partner("27691110")
    }
}
