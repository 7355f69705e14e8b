//! A small INF reader: the fields that the driver metadata contains.

use std::collections::HashMap;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The fields of an INF.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inf {
    pub(crate) class: String,
    pub(crate) class_guid: String,
    pub(crate) provider: String,
    /// Date in the form `MM/DD/YYYY`.
    pub(crate) date: String,
    pub(crate) version: String,
    pub(crate) extension_id: Option<String>,
    /// Computer hardware ids under `[TargetComputers]`.
    pub(crate) chids: Vec<String>,
    pub(crate) models: Vec<InfModel>,
}

/// A hardware id with its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InfModel {
    /// `amd64`, `arm64`, `x86` and so on; empty for all.
    pub(crate) arch: String,
    pub(crate) manufacturer: String,
    pub(crate) description: String,
    pub(crate) id: String,
}

impl Inf {
    /// Whether it extends another driver.
    pub(crate) fn is_extension(&self) -> bool {
        self.extension_id.is_some() || self.class.eq_ignore_ascii_case("extension")
    }
}

/// The lines of each section, split at the first `=`.
type Sections = HashMap<String, Vec<(String, String)>>;

/// Reads an INF in any encoding; missing fields stay empty.
pub(crate) fn read(bytes: &[u8]) -> Inf {
    let sections = sections(&decode(bytes));
    let strings: HashMap<String, String> = section(&sections, "strings")
        .iter()
        .map(|(key, value)| (key.to_ascii_lowercase(), unquote(value)))
        .collect();
    let version = |key: &str| {
        section(&sections, "version")
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| expand(value, &strings))
    };
    let driver_ver = version("DriverVer").unwrap_or_default();
    let (date, number) = driver_ver.split_once(',').unwrap_or((&driver_ver, ""));
    Inf {
        class: version("Class").unwrap_or_default(),
        class_guid: version("ClassGuid").unwrap_or_default(),
        provider: version("Provider").unwrap_or_default(),
        date: date.trim().to_owned(),
        version: number.trim().to_owned(),
        extension_id: version("ExtensionId"),
        chids: section(&sections, "targetcomputers")
            .iter()
            .map(|(key, _)| key.trim_matches(['{', '}']).to_ascii_lowercase())
            .collect(),
        models: models(&sections, &strings),
    }
}

fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, ..] => UTF_16LE.decode(bytes).0.into_owned(),
        [0xfe, 0xff, ..] => UTF_16BE.decode(bytes).0.into_owned(),
        [b, 0, ..] if b.is_ascii() => UTF_16LE.decode(bytes).0.into_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
            Err(_) => WINDOWS_1252.decode(bytes).0.into_owned(),
        },
    }
}

fn sections(text: &str) -> Sections {
    let mut sections = Sections::new();
    let mut current = String::new();
    let mut continued = String::new();
    for line in text.lines() {
        let line = format!("{continued}{}", without_comment(line).trim());
        continued.clear();
        if let Some(start) = line.strip_suffix('\\') {
            continued = start.to_owned();
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            current = name.trim().to_ascii_lowercase();
        } else if !line.is_empty() {
            let (key, value) = line.split_once('=').unwrap_or((&line, ""));
            sections
                .entry(current.clone())
                .or_default()
                .push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    sections
}

fn section<'a>(sections: &'a Sections, name: &str) -> &'a [(String, String)] {
    sections.get(name).map_or(&[], Vec::as_slice)
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let end = line.char_indices().find(|(_, letter)| {
        quoted ^= *letter == '"';
        *letter == ';' && !quoted
    });
    end.map_or(line, |(at, _)| line.get(..at).unwrap_or(line))
}

/// Splits a value at the commas outside of quotes.
fn fields(value: &str) -> Vec<String> {
    let mut quoted = false;
    let parts = value.split(|letter| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    });
    parts.map(|part| part.trim().to_owned()).collect()
}

fn unquote(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).replace("\"\"", "\"")
}

/// Replaces `%name%` by the string of that name; `%%` is a percent sign.
fn expand(text: &str, strings: &HashMap<String, String>) -> String {
    let text = unquote(text);
    let mut expanded = String::new();
    for (at, part) in text.split('%').enumerate() {
        if at % 2 == 0 {
            expanded.push_str(part);
        } else if part.is_empty() {
            expanded.push('%');
        } else {
            expanded.push_str(strings.get(&part.to_ascii_lowercase()).map_or(part, String::as_str));
        }
    }
    expanded
}

fn models(sections: &Sections, strings: &HashMap<String, String>) -> Vec<InfModel> {
    let mut models = Vec::new();
    for (maker, value) in section(sections, "manufacturer") {
        let manufacturer = expand(maker, strings);
        let mut parts = fields(value).into_iter();
        let base = parts.next().filter(|base| !base.is_empty()).unwrap_or_else(|| unquote(maker));
        let decorations: Vec<String> = std::iter::once(String::new()).chain(parts).collect();
        for decoration in decorations {
            let name = if decoration.is_empty() { base.clone() } else { format!("{base}.{decoration}") };
            for (description, install) in section(sections, &name.to_ascii_lowercase()) {
                for id in fields(install).iter().skip(1).filter(|id| !id.is_empty()) {
                    models.push(InfModel {
                        arch: arch(&decoration),
                        manufacturer: manufacturer.clone(),
                        description: expand(description, strings),
                        id: expand(id, strings).to_ascii_lowercase(),
                    });
                }
            }
        }
    }
    models
}

/// `NTamd64.10.0...16299` to `amd64`.
fn arch(decoration: &str) -> String {
    let lower = decoration.to_ascii_lowercase();
    let name = lower.strip_prefix("nt").unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[Version]
Class = MEDIA ; sound
ClassGuid={4d36e96c-e325-11ce-bfc1-08002be10318}
Provider=%Maker%
DriverVer = 06/15/2025, 1.2.3.4
[Manufacturer]
%Maker% = Models, NTamd64.10.0...16299, NTarm64
[Models.NTamd64.10.0...16299]
%Dev% = Install, PCI\VEN_8086&DEV_0001, "PCI\VEN_8086;x"
[Models.NTarm64]
"Arm ""thing""" = Install, PCI\VEN_8086&DEV_0002
[Strings]
Maker = "Contoso; Ltd"
Dev = "50%% sound"
"#;

    #[test]
    fn inf_yields_version_fields_and_models() {
        let inf = read(TEXT.as_bytes());
        assert_eq!((inf.class.as_str(), inf.provider.as_str()), ("MEDIA", "Contoso; Ltd"));
        assert_eq!((inf.date.as_str(), inf.version.as_str()), ("06/15/2025", "1.2.3.4"));
        let ids: Vec<_> = inf.models.iter().map(|model| (model.arch.as_str(), model.id.as_str())).collect();
        assert_eq!(
            ids,
            [
                ("amd64", "pci\\ven_8086&dev_0001"),
                ("amd64", "pci\\ven_8086;x"),
                ("arm64", "pci\\ven_8086&dev_0002"),
            ]
        );
        assert_eq!(inf.models[2].description, "Arm \"thing\"");
        assert!(!inf.is_extension());
    }

    #[test]
    fn utf16_inf_is_decoded() {
        let wide: Vec<u8> =
            "\u{feff}[Version]\r\nClass=Extension\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(read(&wide).is_extension());
    }
}
