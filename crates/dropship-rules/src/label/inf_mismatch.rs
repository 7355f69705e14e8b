//! Driver metadata against the package that they describe.

use std::collections::BTreeSet;
use std::fmt;

use dropship_hardware::DriverMetadata;
use dropship_package::Facts;
use serde::Serialize;

use crate::suggest;

/// INFs in which package and driver metadata differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InfMismatch {
    /// INFs of the package with hardware ids that the metadata do not list.
    pub missing: BTreeSet<String>,
    /// INFs that the metadata list and the package does not contain.
    pub foreign: BTreeSet<String>,
}

impl InfMismatch {
    /// Compares the INFs; `None` if the metadata fit, and for an .hlkx, whose INFs are unknown.
    #[must_use]
    pub fn between(facts: &Facts, metadata: &DriverMetadata) -> Option<Self> {
        if facts.infs.is_empty() {
            return None;
        }
        let lower = |name: &str| name.to_lowercase();
        let of_package: BTreeSet<_> = facts.infs.iter().map(|inf| lower(&inf.name)).collect();
        let with_ids = facts.infs.iter().filter(|inf| !inf.hardware_ids.is_empty());
        let with_ids: BTreeSet<_> = with_ids.map(|inf| lower(&inf.name)).collect();
        let listed = metadata.bundles.values().flat_map(|bundle| bundle.infs.keys());
        let listed: BTreeSet<_> = listed.map(|name| lower(name)).collect();
        let found = Self {
            missing: with_ids.difference(&listed).cloned().collect(),
            foreign: listed.difference(&of_package).cloned().collect(),
        };
        (!found.missing.is_empty() || !found.foreign.is_empty()).then_some(found)
    }
}

impl fmt::Display for InfMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |infs: &BTreeSet<String>| suggest::list(infs.iter().map(String::as_str));
        write!(
            f,
            "INFs of the package that the driver metadata lack: {}; INFs of the metadata that the package lacks: {}",
            list(&self.missing),
            list(&self.foreign)
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use dropship_package::Kind;
    use dropship_package::facts::InfFacts;

    #[test]
    fn missing_and_foreign_infs_are_both_listed() {
        let inf = |name: &str, ids: &[&str]| InfFacts {
            name: name.to_owned(),
            hardware_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..InfFacts::default()
        };
        let mut facts = Facts {
            kind: Kind::Cab,
            size: 1,
            files: Vec::new(),
            infs: vec![inf("Echo.inf", &["PCI\\A"]), inf("other.inf", &["PCI\\B"]), inf("class.inf", &[])],
            architectures: BTreeSet::new(),
            signer: None,
            hlkx: None,
            content_sha256: None,
        };
        let metadata = |names: &[&str]| -> DriverMetadata {
            let infs: serde_json::Map<_, _> =
                names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
            serde_json::from_value(json!({"BundleInfoMap": {"b": {"InfInfoMap": infs}}})).expect("metadata")
        };
        assert_eq!(InfMismatch::between(&facts, &metadata(&["echo.INF", "other.inf"])), None);
        assert_eq!(InfMismatch::between(&facts, &metadata(&["echo.inf", "other.inf", "class.inf"])), None);
        let found =
            InfMismatch::between(&facts, &metadata(&["echo.inf", "strange.inf"])).expect("a mismatch");
        assert_eq!(
            found.to_string(),
            "INFs of the package that the driver metadata lack: `other.inf`; INFs of the metadata that the package lacks: \
             `strange.inf`"
        );
        facts.infs.clear();
        assert_eq!(InfMismatch::between(&facts, &metadata(&["strange.inf"])), None, "an .hlkx");
    }
}
