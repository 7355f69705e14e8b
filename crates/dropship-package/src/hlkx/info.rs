//! `PackageInfo.xml`, the description of a kit package.
//!
//! Its schema is not public. The names here are those that public tools read.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::xml;
use crate::checks::{Check, Report};
use crate::facts::{HlkxFacts, TestRollup};

/// Oldest package version that the dashboard is known to accept.
const VERSION: [u32; 4] = [3, 2, 0, 0];

/// The contents of the part.
pub(super) struct Info {
    pub(super) facts: HlkxFacts,
    /// Architectures of the tested operating systems.
    pub(super) architectures: BTreeSet<String>,
    version: Option<String>,
}

impl Info {
    /// Reads the part.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let document = xml::parse(text)?;
        let root = document.root_element();
        if root.tag_name().name() != "Package" {
            return Err("its root is not Package".into());
        }
        let mut facts = HlkxFacts {
            kit_version: root.attribute("KitVersion").map(str::to_owned),
            package_type: root.attribute("Type").map(str::to_owned),
            tests: rollup(root),
            ..HlkxFacts::default()
        };
        let mut architectures = BTreeSet::new();
        for instance in root.descendants().filter(|node| node.tag_name().name() == "ProductInstance") {
            let codes = below(instance, "Codes").into_iter().flat_map(|codes| below(codes, "Code"));
            let codes: Vec<&str> = codes.filter_map(|code| code.attribute("Name")).collect();
            let product = below(instance, "ProductType").into_iter().find_map(|node| node.attribute("Name"));
            for code in codes {
                if !facts.operating_systems.iter().any(|known| known == code) {
                    facts.operating_systems.push(code.to_owned());
                }
                if let Some(product) = product {
                    facts.product_types.entry(family(code)).or_insert_with(|| product.to_owned());
                }
            }
            let systems = below(instance, "OperatingSystem");
            architectures
                .extend(systems.iter().filter_map(|node| node.attribute("Architecture")).map(architecture));
        }
        Ok(Self { facts, architectures, version: root.attribute("PackageVersion").map(str::to_owned) })
    }

    /// Reports faults that the dashboard is known to reject, and tests that did not pass.
    pub(super) fn check(&self, report: &mut Report<'_>) {
        if let Some(kind) =
            self.facts.package_type.as_deref().filter(|kind| kind.to_ascii_lowercase().contains("partial"))
        {
            let message = format!(
                "the package is a partial one ({kind}); merge it in HLK Studio and create a whole package"
            );
            report.add(Check::HlkxPartial, message);
        }
        if let Some(version) = self.version.as_deref().filter(|version| is_old(version)) {
            let message = format!(
                "the package has version {version}; the dashboard accepts 3.2.0.0 or later: create it with a newer kit"
            );
            report.add(Check::HlkxVersionOld, message);
        }
        if let Some(tests) = self.facts.tests.filter(|tests| tests.failed > 0 || tests.not_run > 0) {
            let message = format!(
                "tests that failed: {}, tests that were not run: {}; without filters or errata for them the submission fails",
                tests.failed, tests.not_run
            );
            report.add(Check::HlkxTestsFailed, message);
        }
    }
}

fn below<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Vec<Node<'a, 'i>> {
    node.descendants().filter(|child| child.tag_name().name() == name).collect()
}

fn rollup(root: Node<'_, '_>) -> Option<TestRollup> {
    let node = root.descendants().find(|node| node.tag_name().name() == "TestRollup")?;
    let number = |name: &str| node.attribute(name).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    Some(TestRollup { passed: number("Passed"), failed: number("Failed"), not_run: number("NotRun") })
}

/// The family of an operating system code, by which the API lists product types: `windows_v100_GE` for
/// `WINDOWS_v100_X64_GE_FULL`.
fn family(code: &str) -> String {
    let parts =
        code.split('_').filter(|part| !matches!(*part, "X64" | "X86" | "ARM64" | "ARM" | "IA64" | "FULL"));
    let parts: Vec<String> =
        parts.enumerate().map(|(at, part)| if at == 0 { part.to_lowercase() } else { part.into() }).collect();
    parts.join("_")
}

fn architecture(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "x64" | "amd64" => "amd64".into(),
        other => other.to_owned(),
    }
}

fn is_old(version: &str) -> bool {
    let numbers: Option<Vec<u32>> = version.split('.').map(|part| part.trim().parse().ok()).collect();
    numbers.is_some_and(|numbers| numbers.as_slice() < VERSION.as_slice())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn codes_product_types_and_totals_are_read() {
        let text = r#"<Package Type="SubmissionPackage" KitVersion="10.1" PackageVersion="3.1.9.0"><Project><ProductInstances>
            <ProductInstance><OperatingSystem Architecture="X64"><Codes><Code Name="WINDOWS_v100_X64_GE_FULL"/></Codes></OperatingSystem>
            <ProductTypes><ProductType Name="Unclassified"/></ProductTypes></ProductInstance></ProductInstances>
            <TestRollup Passed="5" Failed="1" NotRun="0"/></Project></Package>"#;
        let info = Info::read(text).unwrap();
        assert_eq!(info.facts.operating_systems, ["WINDOWS_v100_X64_GE_FULL"]);
        assert_eq!(
            info.facts.product_types,
            BTreeMap::from([("windows_v100_GE".into(), "Unclassified".into())])
        );
        assert_eq!(info.architectures, BTreeSet::from(["amd64".to_owned()]));
        let levels = BTreeMap::new();
        let mut report = Report::new(&levels, &crate::budget::UNMETERED);
        info.check(&mut report);
        let found: Vec<String> = report.into_findings().into_iter().map(|finding| finding.check).collect();
        assert_eq!(found, ["hlkx-version-old", "hlkx-tests-failed"]);
    }
}
