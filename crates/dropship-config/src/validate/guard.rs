//! `[guard]`.

use super::diagnostics::{Diagnostics, Problems};
use super::rules::LocatedRule;
use crate::raw;
use crate::sources::SourceUnit;
use dropship_glob::Glob;
use dropship_rules::domains;
use dropship_rules::label::{Everybody, Guard, Unforeseen};
use dropship_rules::rule::{Destination, LabelRule};
use dropship_rules::suggest;

pub(super) fn guard(diagnostics: &mut Diagnostics<'_>, file: &raw::File) -> Guard {
    let Some(raw) = &file.guard else { return Guard::default() };
    if raw.hardware_ids.as_ref().is_some_and(|globs| globs.0.is_empty()) {
        let help = "leave the key out to allow all";
        diagnostics.error_with_help(
            &raw.span,
            "`hardware_ids` is empty: every target would be refused",
            help,
        );
    }
    for glob in raw.hardware_ids.iter().flat_map(|globs| &globs.0) {
        if let Some(advice) = domains::hardware_id(&glob.value.0) {
            let message = format!("`{}` never matches", glob.value.0);
            diagnostics.warn(&glob.span, message, Some(advice.to_owned()));
        }
    }
    if let Some(max) = raw.max_targets.as_ref().filter(|max| max.value == 0) {
        diagnostics.error(&max.span, "`max_targets` is 0: every label would be held");
    }
    Guard {
        everybody: match raw.everybody.as_ref().map(|everybody| everybody.value) {
            None | Some(raw::Everybody::Allow) => Everybody::Allow,
            Some(raw::Everybody::Hold) => Everybody::Hold,
            Some(raw::Everybody::Refuse) => Everybody::Refuse,
        },
        hardware_ids: raw
            .hardware_ids
            .iter()
            .flat_map(|globs| globs.0.iter().map(|glob| glob.value.0.clone()))
            .collect(),
        max_targets: raw.max_targets.as_ref().map(|max| usize::try_from(max.value).unwrap_or(usize::MAX)),
        unforeseen: match raw.unforeseen.as_ref().map(|unforeseen| unforeseen.value) {
            None | Some(raw::Unforeseen::Allow) => Unforeseen::Allow,
            Some(raw::Unforeseen::Hold) => Unforeseen::Hold,
        },
    }
}

/// Reports labels of rules that the guard would never let through.
pub(super) fn check_rules(
    problems: &mut Problems,
    units: &[SourceUnit],
    guard: &Guard,
    rules: &[LocatedRule],
) {
    for located in rules {
        let Some(rule) = &located.rule else { continue };
        let mut diagnostics = problems.diagnostics(&units[located.unit]);
        for (label, at) in rule.labels.iter().zip(&located.labels) {
            let is_for_everybody =
                label.destination == Destination::WindowsUpdate && label.audiences.is_empty();
            if is_for_everybody && guard.everybody == Everybody::Refuse {
                let help = "give it `audiences`, or change `[guard] everybody`";
                let message = "this label has no audiences, and `[guard]` refuses labels for everybody";
                diagnostics.error_with_help(at, message, help);
            }
            for glob in refused_globs(guard, label) {
                let globs = suggest::list(guard.hardware_ids.iter().map(Glob::as_str));
                let message = format!("`include` \"{glob}\" selects only targets that `[guard]` refuses");
                diagnostics.error_with_help(at, message, format!("`[guard] hardware_ids` is {globs}"));
            }
        }
    }
}

/// The globs of `include` that no allowed hardware id matches.
fn refused_globs<'a>(guard: &'a Guard, label: &'a LabelRule) -> impl Iterator<Item = Glob> + 'a {
    let globs = label.targets.include.iter().filter(|_| !guard.hardware_ids.is_empty());
    let globs = globs.filter_map(|template| Glob::new(template.literal()?).ok());
    globs.filter(|glob| !guard.hardware_ids.iter().any(|allowed| allowed.meets(glob)))
}
