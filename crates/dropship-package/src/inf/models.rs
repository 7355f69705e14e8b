//! The devices of an INF: from `[Manufacturer]` to the models sections (inf-manufacturer-section.md,
//! inf-models-section.md), or `[DefaultInstall]` of a primitive driver.

use std::collections::{BTreeSet, HashSet};

use super::distinct::DistinctValues;
use super::syntax::{InfDocument, InfLine};

/// Architectures as INFs decorate sections with them.
const ARCHITECTURES: [&str; 5] = ["x86", "ia64", "amd64", "arm64", "arm"];
/// Maximum number of sections that are followed.
const MAX_SECTIONS: usize = 4096;
/// Maximum number of sections of a kind that are reported, and maximum length of their names in characters.
const MAX_REPORTED: usize = 64;
const MAX_SHOWN: usize = 200;
/// Maximum length of the name of a section in bytes; Windows allows 255 characters.
const MAX_NAME: usize = 1024;

/// The devices that an INF installs on.
pub(super) struct Models {
    /// Hardware ids and compatible ids.
    pub(super) ids: DistinctValues,
    /// Device descriptions.
    pub(super) descriptions: DistinctValues,
    /// Manufacturer names.
    pub(super) manufacturers: DistinctValues,
    /// Architectures of the models sections.
    pub(super) architectures: BTreeSet<&'static str>,
    /// A primitive driver: `[DefaultInstall]` and no entry in `[Manufacturer]`.
    pub(super) is_primitive: bool,
    /// True if a models section without an architecture has models.
    pub(super) has_undecorated: bool,
    /// Models sections that `[Manufacturer]` lists, but that do not exist, such as `Std.NTamd64.10.0...16299`.
    pub(super) missing: Vec<String>,
    /// Models sections that exist but list no device: an INF excludes a version of Windows this way (inf-manufacturer-section.md).
    pub(super) empty: Vec<String>,
}

/// Reads `[Manufacturer]` and the models sections that it lists. Each list has at most `max` texts.
pub(super) fn read(document: &InfDocument, max: usize) -> Models {
    let mut models = Models {
        ids: DistinctValues::new(max),
        descriptions: DistinctValues::new(max),
        manufacturers: DistinctValues::new(max),
        architectures: BTreeSet::new(),
        is_primitive: false,
        has_undecorated: false,
        missing: Vec::new(),
        empty: Vec::new(),
    };
    let mut followed = HashSet::new();
    for line in document.section("manufacturer") {
        let entry = ManufacturerLine::read(line);
        models.manufacturers.push(entry.name);
        for text in entry.decorations.iter().take(MAX_SECTIONS.saturating_sub(followed.len())) {
            let (section, architecture) = (format!("{}.{text}", entry.section), architecture(text));
            if followed.insert(section.to_lowercase()) {
                models.section(document, &section, architecture);
            }
        }
        // Windows falls back to the undecorated section where no decoration applies. It need not exist if there are
        // decorations.
        let is_listed = entry.decorations.is_empty();
        let plain = entry.section.to_owned();
        if (is_listed || document.has(&plain))
            && followed.len() < MAX_SECTIONS
            && followed.insert(plain.to_lowercase())
        {
            models.section(document, &plain, None);
        }
    }
    if document.section("manufacturer").is_empty() {
        models.default_install(document);
    }
    models
}

/// One line of `[Manufacturer]`.
struct ManufacturerLine<'d> {
    name: &'d str,
    section: &'d str,
    decorations: Vec<&'d str>,
}

impl<'d> ManufacturerLine<'d> {
    /// `%name% = section, decoration…`, or a name alone, which is also the section's name.
    fn read(line: &'d InfLine) -> Self {
        let section = line.value(0);
        let name = if line.key.is_empty() { section } else { line.key.as_str() };
        let decorations = line.values.iter().skip(1).map(String::as_str).filter(|text| !text.is_empty());
        Self { name, section, decorations: decorations.collect() }
    }
}

impl Models {
    fn section(&mut self, document: &InfDocument, name: &str, architecture: Option<&'static str>) {
        if name.len() > MAX_NAME || !document.has(name) {
            return reported(&mut self.missing, name);
        }
        let mut has_devices = false;
        for line in document.section(name) {
            self.descriptions.push(&line.key);
            // `description = install section, hardware id, compatible id…`; the hardware id may be left out.
            for id in line.values.iter().skip(1).filter(|id| !id.is_empty()) {
                self.ids.push(id);
                has_devices = true;
            }
        }
        if !has_devices {
            return reported(&mut self.empty, name);
        }
        self.has_undecorated |= architecture.is_none();
        // Since Windows Server 2003 SP1, models without an architecture are for x86 only.
        self.architectures.insert(architecture.unwrap_or("x86"));
    }

    fn default_install(&mut self, document: &InfDocument) {
        for name in &document.names {
            let Some(decoration) = name.strip_prefix("defaultinstall") else { continue };
            let parts = || decoration.split('.').skip(1);
            let is_subsection = parts().any(|part| ["services", "wmi", "hw"].contains(&part));
            if !is_subsection && (decoration.is_empty() || decoration.starts_with('.')) {
                self.is_primitive = true;
                // A section without an architecture is for every architecture.
                self.architectures.extend(parts().next().and_then(architecture));
            }
        }
    }

    /// Computer hardware ids among the ids, `COMPUTER\{guid}`: lower case, without braces.
    pub(super) fn chids(&self) -> Vec<String> {
        let mut found = DistinctValues::new(self.ids.as_slice().len());
        for id in self.ids.as_slice() {
            let lower = id.to_ascii_lowercase();
            let guid = lower.strip_prefix("computer\\{").and_then(|rest| rest.strip_suffix('}'));
            found.push(guid.unwrap_or_default());
        }
        found.into_list()
    }
}

/// Adds the name of a section to those that are reported.
fn reported(list: &mut Vec<String>, name: &str) {
    if list.len() < MAX_REPORTED {
        list.push(name.chars().take(MAX_SHOWN).collect());
    }
}

/// Architecture of a decoration such as `NTamd64.10.0...19041`; `None` for plain `NT`.
fn architecture(decoration: &str) -> Option<&'static str> {
    let lower = decoration.trim().to_ascii_lowercase();
    let rest = lower.strip_prefix("nt")?;
    let name = rest.split('.').next().unwrap_or(rest);
    ARCHITECTURES.into_iter().find(|architecture| *architecture == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(text: &str) -> Models {
        read(&InfDocument::read(text, 0), 100)
    }

    #[test]
    fn decoration_without_its_section_is_missing() {
        let found = models(
            "[Manufacturer]\n%M%=Std,NTamd64.10.0...16299\n[Std.NTamd64]\n%D%=I,ROOT\\T\n[Strings]\nM=m\nD=d\n",
        );
        assert_eq!(found.missing, ["Std.NTamd64.10.0...16299"]);
        assert!(found.ids.as_slice().is_empty() && found.architectures.is_empty());
    }

    #[test]
    fn section_without_ids_is_empty() {
        let found =
            models("[Manufacturer]\nM=Std,NTamd64,NTarm64\n[Std.NTamd64]\n[Std.NTarm64]\nD=I\nE=I,\n");
        assert_eq!(found.empty, ["Std.NTamd64", "Std.NTarm64"]);
        assert!(found.missing.is_empty() && found.architectures.is_empty());
    }

    #[test]
    fn undecorated_section_is_missing_only_if_it_is_listed() {
        let decorated = models("[Manufacturer]\nM=Std,NTamd64\n[Std.NTamd64]\nD=I,ROOT\\T\n");
        assert!(decorated.missing.is_empty() && !decorated.has_undecorated);
        assert_eq!(models("[Manufacturer]\nM=Std\n").missing, ["Std"]);
        assert_eq!(models("[Manufacturer]\nStd\n").missing, ["Std"]);
    }

    #[test]
    fn undecorated_section_beside_a_decorated_one_is_for_x86() {
        let found = models("[Manufacturer]\nM=Std,NTamd64\n[Std]\nD=I,ROOT\\T\n");
        assert_eq!(found.missing, ["Std.NTamd64"]);
        assert!(found.has_undecorated);
        assert_eq!(found.architectures, BTreeSet::from(["x86"]));
    }

    #[test]
    fn sections_of_one_name_are_merged_and_names_ignore_case() {
        let found = models("[Manufacturer]\nM=Std,ntAMD64\n[std.NTamd64]\n[STD.NTAMD64]\nD=I,ROOT\\T\n");
        assert!(found.missing.is_empty() && found.empty.is_empty());
        assert_eq!(found.ids.as_slice(), ["ROOT\\T"]);
    }

    #[test]
    fn section_name_may_come_from_strings() {
        let found = models(
            "[Manufacturer]\n%M%=%S%,%A%\n[Std.NTamd64]\nD=I,ROOT\\T\n[Strings]\nM=m\nS=Std\nA=NTamd64\n",
        );
        assert!(found.missing.is_empty());
        assert_eq!(found.architectures, BTreeSet::from(["amd64"]));
    }

    #[test]
    fn model_with_compatible_ids_only_is_a_device() {
        let found = models("[Manufacturer]\nM=Std,NTamd64\n[Std.NTamd64]\nD=I,,PCI\\CC_0C03\n");
        assert!(found.empty.is_empty());
        assert_eq!(found.ids.as_slice(), ["PCI\\CC_0C03"]);
    }

    #[test]
    fn default_install_is_primitive_unless_manufacturers_are_listed() {
        for text in
            ["[DefaultInstall]\nCopyFiles=x\n", "[Manufacturer]\n[DefaultInstall.NTamd64]\nCopyFiles=x\n"]
        {
            assert!(models(text).is_primitive, "{text}");
        }
        for text in [
            "[Manufacturer]\nM=Std\n[DefaultInstall]\n",
            "[DefaultInstall.NTamd64.Services]\n",
            "[DefaultInstallX]\n",
        ] {
            assert!(!models(text).is_primitive, "{text}");
        }
    }
}
