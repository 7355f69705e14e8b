//! The description inside an HLKX: targets and operating system codes.

use std::io::{Read, Seek};

use zip::ZipArchive;

use crate::package::inf::{Inf, InfModel};
use crate::package::package_facts::PackageInf;

/// Path of the description.
const PACKAGE_INFO: &str = "hck/data/PackageInfo.xml";

/// Maximum size of the description in bytes.
const MAX_INFO: u64 = 16 << 20;

/// The parts of a description that the driver metadata needs.
#[derive(Debug, Default)]
pub(crate) struct HlkxDescription {
    /// An INF with the targets as models, if there are targets.
    pub(crate) inf: Option<PackageInf>,
    /// Operating system codes that the package was tested for.
    pub(crate) codes: Vec<String>,
}

/// Reads the description of an HLKX; empty if there is none.
pub(crate) fn read<R: Read + Seek>(archive: &mut ZipArchive<R>) -> HlkxDescription {
    let mut text = String::new();
    match archive.by_name(PACKAGE_INFO).map(|part| part.take(MAX_INFO).read_to_string(&mut text)) {
        Ok(Ok(_)) => describe(&text),
        _ => HlkxDescription::default(),
    }
}

fn describe(text: &str) -> HlkxDescription {
    let Ok(document) = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')) else {
        return HlkxDescription::default();
    };
    let named = |tag: &'static str| document.descendants().filter(move |node| node.has_tag_name(tag));
    let mut codes: Vec<String> =
        named("Code").filter_map(|node| node.attribute("Name")).map(str::to_owned).collect();
    codes.sort();
    codes.dedup();
    let models: Vec<InfModel> = named("Target")
        .filter_map(|target| {
            let key = target.attribute("Key")?;
            // `ROOT\ECHO\0000` is an instance of `ROOT\ECHO`.
            let id = key.rsplit_once('\\').filter(|(id, _)| id.contains('\\')).map_or(key, |(id, _)| id);
            Some(InfModel {
                arch: String::new(),
                manufacturer: "Sandbox".to_owned(),
                description: target.attribute("Name").unwrap_or(key).to_owned(),
                id: id.to_ascii_lowercase(),
            })
        })
        .collect();
    let inf = (!models.is_empty()).then(|| PackageInf {
        folder: "package".to_owned(),
        name: "package.inf".to_owned(),
        inf: Inf {
            class: "System".to_owned(),
            class_guid: "{4d36e97d-e325-11ce-bfc1-08002be10318}".to_owned(),
            provider: "Sandbox".to_owned(),
            date: "01/01/2025".to_owned(),
            version: "1.0.0.0".to_owned(),
            models,
            ..Inf::default()
        },
    });
    HlkxDescription { inf, codes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_yields_targets_and_codes() {
        let text = r#"<Package><Codes><Code Name="WINDOWS_v100_X64_GE_FULL" /></Codes>
            <Target Key="ROOT\ECHO\0000" Name="Echo &amp; friends" /></Package>"#;
        let described = describe(text);
        assert_eq!(described.codes, ["WINDOWS_v100_X64_GE_FULL"]);
        let model = described.inf.unwrap().inf.models.remove(0);
        assert_eq!((model.id.as_str(), model.description.as_str()), ("root\\echo", "Echo & friends"));
        assert!(describe("no XML").inf.is_none());
    }
}
