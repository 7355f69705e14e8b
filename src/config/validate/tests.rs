//! `[[test]]`.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostics::{Diagnostics, Problems};
use super::folders::Located as LocatedFolder;
use super::rules::Located as LocatedRule;
use super::steps;
use super::test_values::{fields, globs, labels};
use crate::config::raw::Texts;
use crate::config::raw::test as raw;
use crate::config::raw::values::At;
use crate::config::sources::Unit;
use crate::metadata_file;
use dropship_hardware::DriverMetadata;
use dropship_package::Kind;
use dropship_package::facts::{Facts, FileFact, HlkxFacts, InfFacts, SignerFacts};
use dropship_rules::rule_tests::{Expect, Fields, RuleTest};

pub(super) fn cases(
    problems: &mut Problems,
    units: &[Unit],
    folders: &[LocatedFolder],
    rules: &[LocatedRule],
) -> Vec<RuleTest> {
    let folders: BTreeSet<_> = folders.iter().map(|located| located.folder.name.as_str()).collect();
    let rules: BTreeSet<_> = rules.iter().map(|located| located.name.as_str()).collect();
    let mut cases = Vec::new();
    for unit in units {
        let mut diagnostics = problems.diagnostics(unit);
        for raw in &unit.file.test {
            cases.extend(case(&mut diagnostics, raw, &folders, &rules));
        }
    }
    cases
}

fn case(
    diagnostics: &mut Diagnostics<'_>,
    raw: &At<raw::Case>,
    folders: &BTreeSet<&str>,
    rules: &BTreeSet<&str>,
) -> Option<RuleTest> {
    let name = diagnostics.need_text(&raw.name, &raw.span, "name");
    let package = diagnostics.need(raw.package.as_ref(), &raw.span, "package");
    let expect = diagnostics.need(raw.expect.as_ref(), &raw.span, "expect");
    if let Some(folder) = package.and_then(|package| package.folder.as_ref())
        && !folders.contains(folder.value.as_str())
    {
        let known: Vec<_> = folders.iter().copied().collect();
        diagnostics.unknown(&folder.span, "folder", folder, &known);
    }
    if let Some(rule) = expect.and_then(|expect| expect.rule.as_ref())
        && !rules.contains(rule.value.as_str())
    {
        let known: Vec<_> = rules.iter().copied().collect();
        diagnostics.unknown(&rule.span, "rule", rule, &known);
    }
    let (package, expect) = (package?, expect?);
    let file = diagnostics.need_text(&package.file, &package.span, "file");
    let facts = facts(diagnostics, package, file.as_deref().unwrap_or_default())?;
    let metadata = match raw.metadata.as_ref().or(package.metadata.as_ref()) {
        Some(path) => Some(read_metadata(diagnostics, path)?),
        None => None,
    };
    let steps = steps::steps(diagnostics, &raw.step, expect.rejected.as_ref().is_some_and(|flag| flag.value));
    let expect = self::expect(diagnostics, expect);
    Some(RuleTest {
        name: name?,
        place: diagnostics.place(&raw.span),
        folder: package.folder.as_ref().map(|folder| folder.value.clone()),
        file: file?,
        sha256: package.sha256.clone().unwrap_or_else(|| "0".repeat(64)),
        facts,
        vars: package.vars.clone().unwrap_or_default(),
        metadata,
        at: raw.at.as_ref().map(|at| at.value.0),
        expect,
        steps,
    })
}

fn facts(diagnostics: &mut Diagnostics<'_>, package: &At<raw::Package>, file: &str) -> Option<Facts> {
    let read = match &package.facts {
        Some(path) => Some(read_facts(diagnostics, path)?),
        None => None,
    };
    let kind = package
        .kind
        .as_ref()
        .map(|kind| match kind.value {
            raw::Kind::Cab => Kind::Cab,
            raw::Kind::Hlkx => Kind::Hlkx,
        })
        .or(read.as_ref().map(|facts| facts.kind));
    let kind = kind.or_else(|| Kind::of_name(file)).unwrap_or(Kind::Cab);
    let mut facts = read.unwrap_or(Facts {
        kind,
        size: 0,
        files: Vec::new(),
        infs: Vec::new(),
        architectures: BTreeSet::new(),
        signer: None,
        hlkx: None,
        content_sha256: None,
    });
    facts.kind = kind;
    facts.size = package.size.unwrap_or(facts.size);
    if let Some(files) = &package.files {
        let fact = |path| FileFact { path, size: 0, machine: None };
        facts.files = texts(files).into_iter().map(fact).collect();
    }
    if let Some(names) = &package.architecture {
        facts.architectures = texts(names).into_iter().collect();
    }
    if let Some(name) = &package.signer {
        facts.signer = Some(signer(name));
    }
    if let Some(issuer) = &package.issuer {
        facts.signer.get_or_insert_with(|| signer("")).issuer.clone_from(issuer);
    }
    if let Some(print) = &package.thumbprint {
        let signer = facts.signer.get_or_insert_with(|| signer(""));
        // A SHA-1 has 40 digits.
        let slot =
            if print.len() == 40 { &mut signer.thumbprint_sha1 } else { &mut signer.thumbprint_sha256 };
        *slot = print.to_lowercase();
    }
    let one = one_inf(package);
    match (&package.infs, one) {
        (Some(_), Some(_)) => {
            let help = "give `infs`, or the keys of the one INF";
            diagnostics.error_with_help(
                &package.span,
                "the package has `infs` and keys of an INF besides",
                help,
            );
        }
        (Some(infs), None) => facts.infs = infs.iter().map(inf).collect(),
        (None, Some(one)) => match facts.infs.as_mut_slice() {
            [] => facts.infs = vec![inf(&one)],
            known => known.iter_mut().for_each(|known| overlay(known, &one)),
        },
        (None, None) => {}
    }
    let is_of_kit = package.operating_systems.is_some()
        || package.product_types.is_some()
        || package.kit_version.is_some();
    if is_of_kit || kind == Kind::Hlkx {
        let hlkx = facts.hlkx.get_or_insert_with(HlkxFacts::default);
        if let Some(codes) = &package.operating_systems {
            hlkx.operating_systems = texts(codes);
        }
        if let Some(types) = &package.product_types {
            hlkx.product_types.clone_from(types);
        }
        if package.kit_version.is_some() {
            hlkx.kit_version.clone_from(&package.kit_version);
        }
    }
    Some(facts)
}

/// Facts as JSON: alone, within an inspection, or within what `dropship --json inspect` or `plan` prints of one file.
fn read_facts(diagnostics: &mut Diagnostics<'_>, path: &At<String>) -> Option<Facts> {
    let whole = diagnostics.path(path);
    let failed = |reason: String| format!("facts in `{}` cannot be read: {reason}", whole.display());
    let read = || -> Result<Facts, String> {
        let text = std::fs::read_to_string(&whole).map_err(|error| error.to_string())?;
        let mut json: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if let Some(items) = json.as_array_mut() {
            match items.len() {
                1 => json = items.remove(0),
                count => return Err(format!("it is a list of {count} packages; keep one")),
            }
        }
        if let Some(inspection) = json.get_mut("inspection") {
            json = inspection.take();
        }
        if json.get("infs").is_some() {
            return serde_json::from_value(json).map_err(|error| error.to_string());
        }
        let facts = json.get_mut("facts").map(serde_json::Value::take).unwrap_or(json);
        match serde_json::from_value::<Option<Facts>>(facts) {
            Ok(Some(facts)) => Ok(facts),
            Ok(None) => Err("it holds no facts; the package was not whole".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    match read() {
        Ok(facts) => Some(facts),
        Err(reason) => {
            diagnostics.error(&path.span, failed(reason));
            None
        }
    }
}

/// Driver metadata as Microsoft sends them, or those of a package in an outbox.
fn read_metadata(diagnostics: &mut Diagnostics<'_>, path: &At<String>) -> Option<DriverMetadata> {
    let whole = diagnostics.path(path);
    match metadata_file::read(&whole) {
        Ok(metadata) => Some(metadata),
        Err(reason) => {
            let message = format!("the driver metadata `{}` cannot be used: {reason}", path.value);
            diagnostics.error(&path.span, message);
            None
        }
    }
}

fn texts(texts: &Texts) -> Vec<String> {
    texts.0.iter().map(|text| text.value.clone()).collect()
}

fn signer(name: &str) -> SignerFacts {
    SignerFacts {
        subject: format!("CN={name}"),
        name: name.to_owned(),
        issuer: String::new(),
        thumbprint_sha1: String::new(),
        thumbprint_sha256: String::new(),
        not_before: String::new(),
        not_after: String::new(),
        extended_validation: false,
        timestamp: None,
        timestamp_authority: None,
        certificates: dropship_package::facts::PackageCertificates::default(),
    }
}

/// The keys of the one INF, if there are any.
fn one_inf(package: &raw::Package) -> Option<raw::Inf> {
    let inf = raw::Inf {
        name: package.inf.clone(),
        provider: package.provider.clone(),
        class: package.class.clone(),
        class_guid: package.class_guid.clone(),
        version: package.version.clone(),
        date: package.date.clone(),
        extension_id: package.extension_id.clone(),
        primitive: package.primitive,
        hardware_ids: package.hardware_ids.clone(),
        chids: package.chids.clone(),
        manufacturers: package.manufacturers.clone(),
        descriptions: package.descriptions.clone(),
    };
    let given = inf.name.is_some()
        || inf.provider.is_some()
        || inf.class.is_some()
        || inf.class_guid.is_some()
        || inf.version.is_some()
        || inf.date.is_some()
        || inf.extension_id.is_some()
        || inf.primitive.is_some()
        || inf.hardware_ids.is_some()
        || inf.chids.is_some()
        || inf.manufacturers.is_some()
        || inf.descriptions.is_some();
    given.then_some(inf)
}

fn inf(raw: &raw::Inf) -> InfFacts {
    let mut inf = InfFacts { name: "package.inf".to_owned(), ..InfFacts::default() };
    overlay(&mut inf, raw);
    inf
}

fn overlay(inf: &mut InfFacts, raw: &raw::Inf) {
    if let Some(name) = &raw.name {
        inf.name.clone_from(name);
    }
    inf.path = match inf.path.is_empty() {
        true => inf.name.clone(),
        false => std::mem::take(&mut inf.path),
    };
    inf.stem = inf.name.rsplit_once('.').map_or(inf.name.as_str(), |(stem, _)| stem).to_owned();
    let take = |slot: &mut Option<String>, value: &Option<String>| {
        if value.is_some() {
            slot.clone_from(value);
        }
    };
    take(&mut inf.provider, &raw.provider);
    take(&mut inf.class, &raw.class);
    take(&mut inf.class_guid, &raw.class_guid);
    take(&mut inf.version, &raw.version);
    take(&mut inf.date, &raw.date);
    take(&mut inf.extension_id, &raw.extension_id);
    inf.primitive = raw.primitive.unwrap_or(inf.primitive);
    let list = |slot: &mut Vec<String>, values: &Option<Texts>| {
        if let Some(values) = values {
            *slot = texts(values);
        }
    };
    list(&mut inf.hardware_ids, &raw.hardware_ids);
    list(&mut inf.chids, &raw.chids);
    list(&mut inf.manufacturers, &raw.manufacturers);
    list(&mut inf.descriptions, &raw.descriptions);
}

fn expect(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Expect>) -> Expect {
    let rejected = raw.rejected.as_ref().map(|flag| flag.value);
    let error = raw.error.as_ref().map(globs).unwrap_or_default();
    let wants_requests =
        raw.product.is_some() || raw.submission.is_some() || raw.label.is_some() || raw.labels.is_some();
    if rejected == Some(true) && wants_requests {
        diagnostics.error(&raw.span, "a rejected package has no requests to expect anything of");
    }
    let labels = labels(diagnostics, raw.label.as_ref());
    let mut table = |table: &Option<At<BTreeMap<String, At<raw::Any>>>>| match table {
        Some(table) => fields(diagnostics, &table.value),
        None => Fields::new(),
    };
    Expect {
        rule: raw.rule.as_ref().map(|rule| rule.value.clone()),
        rejected,
        error,
        account: raw.account.as_ref().map(|account| account.value.clone()),
        labels: raw.labels.as_ref().map(globs),
        product: table(&raw.product),
        submission: table(&raw.submission),
        label: labels,
    }
}
