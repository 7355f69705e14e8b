//! `match` of a rule.

use std::ops::Range;

use dropship_glob::Glob;
use dropship_rules::guid::without_braces;
use dropship_rules::matching::{Clause, Condition, Fact, Matching};
use dropship_rules::vocabulary::OS_CODES;
use dropship_rules::{domains, suggest};

use super::diagnostics::Diagnostics;
use crate::raw::Globs;
use crate::raw::rule as raw;

/// The conditions of `match`.
pub(super) fn matching(diagnostics: &mut Diagnostics<'_>, raw: &raw::Match, at: &Range<usize>) -> Matching {
    conditions(diagnostics, raw, at, false)
}

/// The conditions of `match`, or of a `not` table, which `excludes` packages.
fn conditions(
    diagnostics: &mut Diagnostics<'_>,
    raw: &raw::Match,
    at: &Range<usize>,
    excludes: bool,
) -> Matching {
    let mut clauses = glob_clauses(diagnostics, raw, at, excludes);
    let lists = [
        (Fact::Version, raw.version.as_ref().map(|list| list.0.len())),
        (Fact::Date, raw.date.as_ref().map(|list| list.0.len())),
    ];
    for (fact, _) in lists.into_iter().filter(|(_, length)| *length == Some(0)) {
        diagnostics.error(at, format!("`{fact}` is an empty list: nothing fits it"));
    }
    if let Some(ranges) = &raw.version {
        let condition = Condition::Versions(ranges.0.iter().map(|range| range.value.0.clone()).collect());
        clauses.push(Clause { fact: Fact::Version, condition });
    }
    if let Some(ranges) = &raw.date {
        let condition = Condition::Dates(ranges.0.iter().map(|range| range.value.0.clone()).collect());
        clauses.push(Clause { fact: Fact::Date, condition });
    }
    for (fact, flag) in [(Fact::Extension, &raw.extension), (Fact::Primitive, &raw.primitive)] {
        let condition = flag.as_ref().map(|flag| Condition::Flag(flag.value));
        clauses.extend(condition.map(|condition| Clause { fact, condition }));
    }
    let mut not = Vec::new();
    for table in raw.not.iter().flat_map(|tables| &tables.0) {
        let inner = conditions(diagnostics, table, &table.span, true);
        match inner.clauses.is_empty() && inner.not.is_empty() {
            true => diagnostics.error(&table.span, "an empty `not` excludes every package"),
            false => not.push(inner),
        }
    }
    Matching { clauses, not }
}

fn glob_clauses(
    diagnostics: &mut Diagnostics<'_>,
    raw: &raw::Match,
    at: &Range<usize>,
    excludes: bool,
) -> Vec<Clause> {
    let globs: [(Fact, &Option<Globs>); 18] = [
        (Fact::File, &raw.file),
        (Fact::Kind, &raw.kind),
        (Fact::Provider, &raw.provider),
        (Fact::Class, &raw.class),
        (Fact::ClassGuid, &raw.class_guid),
        (Fact::Inf, &raw.inf),
        (Fact::HardwareId, &raw.hardware_id),
        (Fact::Chid, &raw.chid),
        (Fact::Manufacturer, &raw.manufacturer),
        (Fact::Description, &raw.description),
        (Fact::Signer, &raw.signer),
        (Fact::Issuer, &raw.issuer),
        (Fact::Thumbprint, &raw.thumbprint),
        (Fact::Architecture, &raw.architecture),
        (Fact::Contains, &raw.contains),
        (Fact::OperatingSystem, &raw.operating_system),
        (Fact::ProductType, &raw.product_type),
        (Fact::KitVersion, &raw.kit_version),
    ];
    let mut clauses = Vec::new();
    for (fact, globs) in globs {
        let Some(globs) = globs else { continue };
        check_words(diagnostics, fact, globs);
        if globs.0.is_empty() {
            diagnostics.error(at, format!("`{fact}` is an empty list: nothing fits it"));
        }
        let plain: Vec<_> = globs.0.iter().map(|glob| without_guid_braces(fact, &glob.value.0)).collect();
        for (written, glob) in globs.0.iter().zip(&plain) {
            let Some(advice) = domains::never_matches(fact, glob) else { continue };
            let message = format!("`{}` never matches a {fact}", written.value.0);
            match excludes {
                true => diagnostics.error_with_help(&written.span, message, advice),
                false => diagnostics.warn(&written.span, message, Some(advice.to_owned())),
            }
        }
        let condition = Condition::Globs(plain);
        clauses.push(Clause { fact, condition });
    }
    clauses
}

/// A glob on GUIDs without its braces, as facts are; braces around alternatives stay.
fn without_guid_braces(fact: Fact, glob: &Glob) -> Glob {
    let inner = Some(without_braces(glob.as_str())).filter(|_| fact.is_guid());
    let inner = inner.filter(|inner| !inner.contains(['{', '}', ',']));
    inner.and_then(|inner| Glob::new(inner).ok()).unwrap_or_else(|| glob.clone())
}

/// Reports globs that fit no possible value of a fact with few values.
fn check_words(diagnostics: &mut Diagnostics<'_>, fact: Fact, globs: &Globs) {
    let known: &[&str] = match fact {
        Fact::Kind => &["cab", "hlkx"],
        Fact::Architecture => &["x86", "amd64", "arm", "arm64", "ia64"],
        Fact::OperatingSystem => {
            for glob in globs.0.iter().filter(|glob| !domains::is_known_os(&glob.value.0)) {
                let help = suggest::nearest(glob.value.0.as_str(), OS_CODES.iter().copied());
                let message =
                    format!("`{}` matches no OS code that Microsoft's documentation lists", glob.value.0);
                diagnostics.warn(&glob.span, message, help.map(|best| format!("did you mean `{best}`?")));
            }
            return;
        }
        _ => return,
    };
    for glob in &globs.0 {
        let pattern = &glob.value.0;
        if !known.iter().any(|word| pattern.is_match(word)) {
            let help = match pattern.as_str().to_ascii_lowercase().as_str() {
                "x64" | "x86_64" => Some("did you mean `amd64`?".to_owned()),
                word => suggest::help(word, known),
            };
            let message = format!("`{pattern}` fits no {fact}");
            match help {
                Some(help) => diagnostics.error_with_help(&glob.span, message, help),
                None => diagnostics.error(&glob.span, message),
            }
        }
    }
}
