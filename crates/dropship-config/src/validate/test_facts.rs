//! The facts of the package that a `[[test]]` describes.

use std::collections::BTreeSet;

use super::diagnostics::Diagnostics;
use crate::raw::Texts;
use crate::raw::test as raw;
use crate::raw::values::At;
use dropship_package::Kind;
use dropship_package::facts::{Facts, FileFact, HlkxFacts, InfFacts, SignerFacts};

/// The facts of a file with `facts`, overlaid by those that the keys of the package give.
pub(super) fn facts(
    diagnostics: &mut Diagnostics<'_>,
    package: &At<raw::Package>,
    file: &str,
) -> Option<Facts> {
    let file_facts = match &package.facts {
        Some(path) => Some(read_facts(diagnostics, path)?),
        None => None,
    };
    let kind = package.kind.as_ref().map(|kind| match kind.value {
        raw::Kind::Cab => Kind::Cab,
        raw::Kind::Hlkx => Kind::Hlkx,
    });
    let kind = kind.or(file_facts.as_ref().map(|facts| facts.kind)).or_else(|| Kind::of_name(file));
    let kind = kind.unwrap_or(Kind::Cab);
    let mut facts = file_facts.unwrap_or(Facts {
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
    overlay_signer(&mut facts, package);
    overlay_infs(diagnostics, &mut facts, package);
    overlay_kit(&mut facts, package);
    Some(facts)
}

fn overlay_signer(facts: &mut Facts, package: &raw::Package) {
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
}

fn overlay_infs(diagnostics: &mut Diagnostics<'_>, facts: &mut Facts, package: &At<raw::Package>) {
    match (&package.infs, inf_of_keys(package)) {
        (Some(_), Some(_)) => {
            let help = "give `infs`, or the keys of the one INF";
            let message = "the package has both `infs` and keys of one INF";
            diagnostics.error_with_help(&package.span, message, help);
        }
        (Some(infs), None) => facts.infs = infs.iter().map(inf).collect(),
        (None, Some(one)) => match facts.infs.as_mut_slice() {
            [] => facts.infs = vec![inf(&one)],
            known => known.iter_mut().for_each(|known| overlay(known, &one)),
        },
        (None, None) => {}
    }
}

fn overlay_kit(facts: &mut Facts, package: &raw::Package) {
    let has_keys = package.operating_systems.is_some()
        || package.product_types.is_some()
        || package.kit_version.is_some();
    if !has_keys && facts.kind != Kind::Hlkx {
        return;
    }
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
fn inf_of_keys(package: &raw::Package) -> Option<raw::Inf> {
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
    let has_keys = inf.name.is_some()
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
    has_keys.then_some(inf)
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
    let set = |slot: &mut Option<String>, value: &Option<String>| {
        if value.is_some() {
            slot.clone_from(value);
        }
    };
    set(&mut inf.provider, &raw.provider);
    set(&mut inf.class, &raw.class);
    set(&mut inf.class_guid, &raw.class_guid);
    set(&mut inf.version, &raw.version);
    set(&mut inf.date, &raw.date);
    set(&mut inf.extension_id, &raw.extension_id);
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
