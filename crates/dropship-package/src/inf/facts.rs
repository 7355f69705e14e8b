//! What an INF says of its driver.

use std::collections::{BTreeSet, HashSet};

use super::super::facts::InfFacts;
use super::syntax::Document;
use super::text::{Encoding, decode};

/// Models, ids and names of one INF, at most.
const MOST: usize = 20_000;
/// Architectures as INFs decorate sections with them.
const ARCHITECTURES: [&str; 5] = ["x86", "ia64", "amd64", "arm64", "arm"];

/// What only the pre-flight checks want to know.
#[derive(Debug, Clone)]
pub(crate) struct InfNotes {
    /// How it is written.
    pub(crate) encoding: Encoding,
    /// `Signature` of its `[Version]` section.
    pub(crate) signature: Option<String>,
    /// `DriverVer` as written.
    pub(crate) driver_version: Option<String>,
    /// A `CatalogFile` directive for every decoration, by name.
    pub(crate) catalogs: Vec<String>,
    /// It has models without decoration.
    pub(crate) undecorated: bool,
    /// What it still holds of an `.inx` file, such as `$ARCH$`: it was never stamped.
    pub(crate) unstamped: Option<&'static str>,
    /// Tokens without a string.
    pub(crate) undefined: Vec<String>,
}

/// Reads an INF.
pub(crate) fn read(path: &str, bytes: &[u8]) -> (InfFacts, InfNotes) {
    let (text, encoding) = decode(bytes);
    let document = Document::read(&text);
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let version = |key: &str| document.value("version", key).map(str::to_owned);
    let driver_version = document
        .section("version")
        .iter()
        .find(|line| line.key.eq_ignore_ascii_case("driverver"))
        .map(|line| line.values.join(","));
    let (date, number) = driver_version.as_deref().map(driver_ver).unwrap_or_default();
    let catalogs: Vec<String> = document
        .section("version")
        .iter()
        .filter(|line| has_stem(&line.key, "catalogfile") && !line.value(0).is_empty())
        .map(|line| line.value(0).to_owned())
        .collect();
    let mut facts = InfFacts {
        path: path.to_owned(),
        name: name.to_owned(),
        stem: stem.to_owned(),
        provider: version("provider"),
        class: version("class"),
        class_guid: version("classguid"),
        version: number,
        date,
        catalog: catalogs.first().cloned(),
        extension_id: version("extensionid"),
        pnp_lockdown: document.value("version", "pnplockdown").is_some_and(is_one),
        ..InfFacts::default()
    };
    let undecorated = models(&document, &mut facts);
    let notes = InfNotes {
        encoding,
        signature: document.value("version", "signature").map(str::to_owned),
        driver_version,
        catalogs,
        undecorated,
        unstamped: document.placeholder(),
        undefined: document.undefined,
    };
    (facts, notes)
}

fn is_one(value: &str) -> bool {
    value.parse::<u32>() == Ok(1)
        || value.eq_ignore_ascii_case("0x1")
        || value.eq_ignore_ascii_case("0x00000001")
}

/// True for a name and for its decorated forms: `CatalogFile`, `CatalogFile.NTamd64`.
fn has_stem(name: &str, stem: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Date (`yyyy-mm-dd`) and version (four numbers) of a `DriverVer`, each if it is well formed.
fn driver_ver(text: &str) -> (Option<String>, Option<String>) {
    let (date, version) = text.split_once(',').unwrap_or((text, ""));
    let four = date.trim().rsplit(['/', '-']).next().is_some_and(|year| year.len() == 4);
    let mut parts = date.trim().split(['/', '-']).map(|part| part.parse::<i16>().ok().filter(|_| four));
    let date = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Some(month)), Some(Some(day)), Some(Some(year)), None) => {
            let small = |number: i16| i8::try_from(number).ok();
            small(month)
                .zip(small(day))
                .and_then(|(month, day)| jiff::civil::Date::new(year, month, day).ok())
        }
        _ => None,
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = version.trim().split('.').map(str::trim);
    let numbers: Vec<Option<u16>> = numbers.map(|part| part.parse().ok().filter(|_| digits(part))).collect();
    let well_formed = numbers.len() == 4 && numbers.iter().all(|number| number.is_some_and(|n| n < 65535));
    let numbers: Vec<String> = numbers.into_iter().flatten().map(|number| number.to_string()).collect();
    (date.map(|date| date.to_string()), well_formed.then(|| numbers.join(".")))
}

/// Architecture of a decoration such as `NTamd64.10.0...19041`; `None` for plain `NT`.
fn architecture(decoration: &str) -> Option<&'static str> {
    let lower = decoration.trim().to_ascii_lowercase();
    let rest = lower.strip_prefix("nt")?;
    let name = rest.split('.').next().unwrap_or(rest);
    ARCHITECTURES.into_iter().find(|architecture| *architecture == name)
}

/// A list without repeats that does not grow without bound.
#[derive(Default)]
struct Distinct {
    seen: HashSet<String>,
    list: Vec<String>,
}

impl Distinct {
    fn push(&mut self, text: &str) {
        if !text.is_empty() && self.list.len() < MOST && self.seen.insert(text.to_lowercase()) {
            self.list.push(text.to_owned());
        }
    }
}

/// Follows `[Manufacturer]` to the models, or `[DefaultInstall]`. True if models without
/// decoration are used.
fn models(document: &Document, facts: &mut InfFacts) -> bool {
    let (mut ids, mut descriptions, mut manufacturers) =
        (Distinct::default(), Distinct::default(), Distinct::default());
    let mut architectures = BTreeSet::new();
    let mut undecorated = false;
    let mut done = HashSet::new();
    for line in document.section("manufacturer") {
        // A line may be a name alone: then it is the section's name as well.
        let (name, section, decorations) = if line.key.is_empty() {
            (line.value(0), line.value(0), line.values.get(1..))
        } else {
            (line.key.as_str(), line.value(0), line.values.get(1..))
        };
        manufacturers.push(name);
        let decorations = decorations.unwrap_or_default().iter().filter(|text| !text.is_empty());
        let decorated = decorations.map(|text| (format!("{section}.{text}"), architecture(text)));
        let plain = std::iter::once((section.to_owned(), None));
        for (section, architecture) in decorated.chain(plain) {
            let lines = document.section(&section);
            if lines.is_empty() || !done.insert(section.to_lowercase()) {
                continue;
            }
            undecorated |= architecture.is_none();
            // Since Windows Server 2003 SP1, models without an architecture are for x86 alone.
            architectures.insert(architecture.unwrap_or("x86").to_owned());
            for model in lines {
                descriptions.push(&model.key);
                model.values.iter().skip(1).for_each(|id| ids.push(id));
            }
        }
    }
    if !document.has("manufacturer") {
        for name in document.names.iter().filter(|name| has_stem(name, "defaultinstall")) {
            let decoration = name.strip_prefix("defaultinstall.").unwrap_or_default();
            let root = ["services", "wmi", "hw"].iter().any(|part| decoration.split('.').any(|p| p == *part));
            if !root {
                facts.primitive = true;
                // Without an architecture the section is for any.
                architectures.extend(architecture(decoration).map(str::to_owned));
            }
        }
    }
    facts.chids = chids(&ids.list);
    facts.hardware_ids = ids.list;
    facts.descriptions = descriptions.list;
    facts.manufacturers = manufacturers.list;
    facts.architectures = architectures;
    undecorated
}

/// Computer hardware ids among the ids: `COMPUTER\{guid}`.
fn chids(ids: &[String]) -> Vec<String> {
    let mut found = Distinct::default();
    for id in ids {
        let lower = id.to_ascii_lowercase();
        let guid = lower.strip_prefix("computer\\{").and_then(|rest| rest.strip_suffix('}'));
        found.push(guid.unwrap_or_default());
    }
    found.list
}
