//! `match` of a rule.

use std::ops::Range;

use dropship_rules::guid::without_braces;
use dropship_rules::matching::{Clause, Condition, Fact, Matching};
use dropship_rules::pattern::Pattern;
use dropship_rules::suggest;

use super::diagnostics::Diagnostics;
use crate::config::raw::Globs;
use crate::config::raw::rule as raw;

/// The conditions of `match`, or of a `not` table.
pub(super) fn matching(diagnostics: &mut Diagnostics<'_>, raw: &raw::Match, at: &Range<usize>) -> Matching {
    let mut clauses = glob_clauses(diagnostics, raw, at);
    if let Some(ranges) = &raw.version {
        let condition = Condition::Versions(ranges.0.iter().map(|range| range.value.0.clone()).collect());
        clauses.push(Clause { fact: Fact::Version, condition });
    }
    for (fact, flag) in [(Fact::Extension, &raw.extension), (Fact::Primitive, &raw.primitive)] {
        let condition = flag.as_ref().map(|flag| Condition::Flag(flag.value));
        clauses.extend(condition.map(|condition| Clause { fact, condition }));
    }
    let mut not = Vec::new();
    for table in raw.not.iter().flat_map(|tables| &tables.0) {
        let inner = matching(diagnostics, table, &table.span);
        match inner.clauses.is_empty() && inner.not.is_empty() {
            true => diagnostics.error(&table.span, "an empty `not` excludes every package"),
            false => not.push(inner),
        }
    }
    Matching { clauses, not }
}

fn glob_clauses(diagnostics: &mut Diagnostics<'_>, raw: &raw::Match, at: &Range<usize>) -> Vec<Clause> {
    let globs: [(Fact, &Option<Globs>); 19] = [
        (Fact::File, &raw.file),
        (Fact::Kind, &raw.kind),
        (Fact::Provider, &raw.provider),
        (Fact::Class, &raw.class),
        (Fact::ClassGuid, &raw.class_guid),
        (Fact::Date, &raw.date),
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
        let pattern = |glob: &Pattern| match fact.is_guid() {
            true => Pattern::new(without_braces(glob.as_str())).unwrap_or_else(|_| glob.clone()),
            false => glob.clone(),
        };
        let condition = Condition::Globs(globs.0.iter().map(|glob| pattern(&glob.value.0)).collect());
        clauses.push(Clause { fact, condition });
    }
    clauses
}

/// Reports globs that fit no possible value of a fact with few values.
fn check_words(diagnostics: &mut Diagnostics<'_>, fact: Fact, globs: &Globs) {
    let known: &[&str] = match fact {
        Fact::Kind => &["cab", "hlkx"],
        Fact::Architecture => &["x86", "amd64", "arm", "arm64", "ia64"],
        _ => return,
    };
    for glob in &globs.0 {
        let pattern = &glob.value.0;
        if !known.iter().any(|word| pattern.is_match(word)) {
            let meant = match pattern.as_str().to_ascii_lowercase().as_str() {
                "x64" | "x86_64" => Some("did you mean `amd64`?".to_owned()),
                word => suggest::help(word, known),
            };
            let message = format!("`{pattern}` fits no {fact}");
            match meant {
                Some(help) => diagnostics.error_with_help(&glob.span, message, help),
                None => diagnostics.error(&glob.span, message),
            }
        }
    }
}
