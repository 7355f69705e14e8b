//! `PackageInfo.xml`, the description of a kit package.
//!
//! Its schema is not public. The names here are those that public tools read.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use roxmltree::Node;

use super::xml;
use crate::checks::{Check, Report};
use crate::facts::{HlkxFacts, TestRollup};

/// Oldest package version that the dashboard is known to accept.
const VERSION: [u32; 4] = [3, 2, 0, 0];
/// Maximum number of codes, product types and operating systems together; a package of every client and server has some hundreds.
const VALUES: usize = 20_000;
/// Maximum length of a value in bytes.
const VALUE: usize = 1024;

/// The contents of the part.
pub(super) struct HlkxInfo {
    pub(super) facts: HlkxFacts,
    /// Architectures of the tested operating systems.
    pub(super) architectures: BTreeSet<String>,
    version: Option<String>,
}

impl HlkxInfo {
    /// Reads the part.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let document = xml::parse(text)?;
        let root = document.root_element();
        if root.tag_name().name() != "Package" {
            return Err("its root is not Package".into());
        }
        let mut facts = HlkxFacts {
            kit_version: short(root.attribute("KitVersion"))?,
            package_type: short(root.attribute("Type"))?,
            tests: rollup(root),
            ..HlkxFacts::default()
        };
        let TestedInstances { instances, architectures } = TestedInstances::read(root)?;
        let mut seen_codes = HashSet::new();
        for (codes, product) in instances.into_values() {
            for code in codes {
                if seen_codes.insert(code) {
                    facts.operating_systems.push(code.to_owned());
                }
                if let Some(product) = product {
                    facts.product_types.entry(family(code)).or_insert_with(|| product.to_owned());
                }
            }
        }
        Ok(Self { facts, architectures, version: short(root.attribute("PackageVersion"))? })
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

/// What was tested.
struct TestedInstances<'a> {
    /// For each `ProductInstance` by its id, in the order of the document: the codes of its operating systems, and its product type.
    instances: BTreeMap<usize, (Vec<&'a str>, Option<&'a str>)>,
    /// Architectures of the operating systems.
    architectures: BTreeSet<String>,
}

impl<'a> TestedInstances<'a> {
    /// Reads everything below the instances in one pass: an element belongs to the nearest instance around it, so nested
    /// elements do not multiply.
    fn read(root: Node<'a, '_>) -> Result<Self, String> {
        let mut found = Self { instances: BTreeMap::new(), architectures: BTreeSet::new() };
        let mut count = 0usize;
        for node in root.descendants() {
            let (kind, attribute) = match node.tag_name().name() {
                "Code" => (InstanceElement::Code, "Name"),
                "ProductType" => (InstanceElement::Product, "Name"),
                "OperatingSystem" => (InstanceElement::System, "Architecture"),
                _ => continue,
            };
            let Some(value) = short(node.attribute(attribute))? else { continue };
            let Some(instance) = instance_of(node, kind) else { continue };
            count = count.saturating_add(1);
            if count > VALUES {
                return Err(format!("it names more than {VALUES} operating systems and products"));
            }
            let (codes, product) = found.instances.entry(instance).or_default();
            match kind {
                InstanceElement::Code => codes.push(node.attribute(attribute).unwrap_or_default()),
                InstanceElement::Product => *product = product.or(node.attribute(attribute)),
                InstanceElement::System => drop(found.architectures.insert(architecture(&value))),
            }
        }
        Ok(found)
    }
}

/// An element of interest below an instance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InstanceElement {
    /// `Codes//Code`.
    Code,
    /// `ProductType`.
    Product,
    /// `OperatingSystem`.
    System,
}

/// The nearest `ProductInstance` around an element. Around a code there must be `Codes` inside of it.
fn instance_of(node: Node<'_, '_>, kind: InstanceElement) -> Option<usize> {
    let mut has_codes = kind != InstanceElement::Code;
    for ancestor in node.ancestors().skip(1) {
        match ancestor.tag_name().name() {
            "ProductInstance" => return has_codes.then(|| ancestor.id().get_usize()),
            "Codes" => has_codes = true,
            _ => {}
        }
    }
    None
}

/// A value of an attribute, limited in length: callers store and print it.
fn short(value: Option<&str>) -> Result<Option<String>, String> {
    match value {
        Some(value) if value.len() > VALUE => Err(format!("a value in it is longer than {VALUE} bytes")),
        value => Ok(value.map(str::to_owned)),
    }
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
    use super::*;

    #[test]
    fn codes_product_types_and_totals_are_read() {
        let text = r#"<Package Type="SubmissionPackage" KitVersion="10.1" PackageVersion="3.1.9.0"><Project><ProductInstances>
            <ProductInstance><OperatingSystem Architecture="X64"><Codes><Code Name="WINDOWS_v100_X64_GE_FULL"/></Codes></OperatingSystem>
            <ProductTypes><ProductType Name="Unclassified"/></ProductTypes></ProductInstance></ProductInstances>
            <TestRollup Passed="5" Failed="1" NotRun="0"/></Project></Package>"#;
        let info = HlkxInfo::read(text).unwrap();
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
    #[test]
    fn nested_and_repeated_elements_do_not_multiply() {
        // Within each other as deep as a document may be, and then very many.
        let (open, close) =
            ("<ProductInstance><Codes>".repeat(100), "</Codes></ProductInstance>".repeat(100));
        let codes = |count: usize| (0..count).map(|n| format!("<Code Name=\"W_{n}\"/>")).collect::<String>();
        let text = |count| format!("<Package>{open}{}{close}</Package>", codes(count));
        let info = HlkxInfo::read(&text(VALUES)).unwrap();
        assert_eq!(info.facts.operating_systems.len(), VALUES);
        assert!(HlkxInfo::read(&text(VALUES + 1)).err().unwrap().contains("more than 20000"));
        let long = format!("<Package KitVersion=\"{}\"/>", "1".repeat(VALUE + 1));
        assert!(HlkxInfo::read(&long).err().unwrap().contains("longer than 1024 bytes"));
    }
}
