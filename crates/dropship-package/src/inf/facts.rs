//! Reads the facts of an INF.

use super::super::facts::InfFacts;
use super::budget::InfBudget;
use super::distinct::DistinctValues;
use super::driver_version::DriverVersion;
use super::models;
use super::syntax::InfDocument;
use super::text::{Encoding, decode};

/// Details of an INF that only the preflight checks need.
#[derive(Debug, Clone)]
pub(crate) struct InfNotes {
    /// Its encoding.
    pub(crate) encoding: Encoding,
    /// `Signature` of its `[Version]` section.
    pub(crate) signature: Option<String>,
    /// `DriverVer` as written.
    pub(crate) driver_version_text: Option<String>,
    /// `DriverVer` as parsed.
    pub(crate) driver_version: DriverVersion,
    /// The names in all `CatalogFile` directives, decorated or not, each once.
    pub(crate) catalogs: Vec<String>,
    /// True if a models section without an architecture has models.
    pub(crate) has_undecorated_models: bool,
    /// Models sections that `[Manufacturer]` lists, but that do not exist.
    pub(crate) missing_models: Vec<String>,
    /// Models sections that exist but list no device.
    pub(crate) empty_models: Vec<String>,
    /// A placeholder of an `.inx` file, such as `$ARCH$`: stampinf was not run.
    pub(crate) placeholder: Option<&'static str>,
    /// String tokens without a definition.
    pub(crate) undefined_strings: Vec<String>,
}

/// Reads an INF. Never fails: a fact that cannot be read is absent, and lists end when the budget of the package is spent.
pub(crate) fn read(path: &str, bytes: &[u8], budget: &mut InfBudget) -> (InfFacts, InfNotes) {
    let (text, encoding) = decode(bytes);
    let document = InfDocument::read(&text, budget.added);
    budget.added = document.added;
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let version = |key: &str| document.value("version", key).map(str::to_owned);
    let directives = document.section("version").iter();
    let driver_version_text = directives
        .clone()
        .find(|line| line.key.eq_ignore_ascii_case("driverver"))
        .map(|line| line.values.join(","));
    let driver_version = driver_version_text.as_deref().map(DriverVersion::read).unwrap_or_default();
    let mut catalogs = DistinctValues::new(budget.list());
    directives.filter(|line| is_catalog_file(&line.key)).for_each(|line| catalogs.push(line.value(0)));
    let catalogs = catalogs.into_list();
    let models = models::read(&document, budget.list());
    let kept = [&models.ids, &models.descriptions, &models.manufacturers].map(|list| list.as_slice().len());
    budget.listed = budget.listed.saturating_add(kept.iter().sum::<usize>()).saturating_add(catalogs.len());
    let facts = InfFacts {
        path: path.to_owned(),
        name: name.to_owned(),
        stem: stem.to_owned(),
        provider: version("provider"),
        class: version("class"),
        class_guid: version("classguid"),
        version: driver_version.padded(),
        date: driver_version.date.map(|date| date.to_string()),
        catalog: catalogs.first().cloned(),
        extension_id: version("extensionid"),
        pnp_lockdown: document.value("version", "pnplockdown").is_some_and(is_one),
        chids: models.chids(),
        hardware_ids: models.ids.into_list(),
        descriptions: models.descriptions.into_list(),
        manufacturers: models.manufacturers.into_list(),
        architectures: models.architectures.into_iter().map(str::to_owned).collect(),
        primitive: models.is_primitive,
    };
    let notes = InfNotes {
        encoding,
        signature: version("signature"),
        driver_version_text,
        driver_version,
        catalogs,
        has_undecorated_models: models.has_undecorated,
        missing_models: models.missing,
        empty_models: models.empty,
        placeholder: document.placeholder(),
        undefined_strings: document.undefined,
    };
    (facts, notes)
}

fn is_one(value: &str) -> bool {
    value.parse::<u32>() == Ok(1)
        || value.eq_ignore_ascii_case("0x1")
        || value.eq_ignore_ascii_case("0x00000001")
}

/// `CatalogFile` and its decorated forms, such as `CatalogFile.NTamd64`.
fn is_catalog_file(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.strip_prefix("catalogfile").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
