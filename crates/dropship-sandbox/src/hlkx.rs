//! What an HLKX says of its drivers without opening them: its targets and operating system codes.

use std::io::{Read, Seek};

use zip::ZipArchive;

use super::analysis::PackageInf;
use super::inf::{Inf, Model};

/// Where an HLKX describes itself.
const PACKAGE_INFO: &str = "hck/data/PackageInfo.xml";

/// The largest description that is read.
const MAX_INFO: u64 = 16 << 20;

/// A description, as far as the driver metadata needs it.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// What stands for the driver's INF, if there is a target.
    pub(super) inf: Option<PackageInf>,
    /// The operating system codes that it was tested for.
    pub(super) codes: Vec<String>,
}

/// Reads the description of an HLKX; what has none says nothing.
pub(super) fn read<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Described {
    let mut text = String::new();
    match archive.by_name(PACKAGE_INFO).map(|part| part.take(MAX_INFO).read_to_string(&mut text)) {
        Ok(Ok(_)) => describe(&text),
        _ => Described::default(),
    }
}

fn describe(text: &str) -> Described {
    let Ok(document) = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')) else {
        return Described::default();
    };
    let named = |tag: &'static str| document.descendants().filter(move |node| node.has_tag_name(tag));
    let mut codes: Vec<String> =
        named("Code").filter_map(|node| node.attribute("Name")).map(str::to_owned).collect();
    codes.sort();
    codes.dedup();
    let models: Vec<Model> = named("Target")
        .filter_map(|target| {
            let key = target.attribute("Key")?;
            // `ROOT\ECHO\0000` is an instance of `ROOT\ECHO`.
            let id = key.rsplit_once('\\').filter(|(id, _)| id.contains('\\')).map_or(key, |(id, _)| id);
            Some(Model {
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
    Described { inf, codes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_codes_are_read() {
        let text = r#"<Package><Codes><Code Name="WINDOWS_v100_X64_GE_FULL" /></Codes>
            <Target Key="ROOT\ECHO\0000" Name="Echo &amp; friends" /></Package>"#;
        let described = describe(text);
        assert_eq!(described.codes, ["WINDOWS_v100_X64_GE_FULL"]);
        let model = described.inf.unwrap().inf.models.remove(0);
        assert_eq!((model.id.as_str(), model.description.as_str()), ("root\\echo", "Echo & friends"));
        assert!(describe("no XML").inf.is_none());
    }
}
