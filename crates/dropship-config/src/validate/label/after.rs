//! `after`: which label of the rule must be published first.

use crate::raw::rule as raw;
use crate::validate::rule_diagnostics::RuleDiagnostics;
use dropship_glob::Glob;
use dropship_rules::rule::LabelRule;
use dropship_rules::suggest;

/// Resolves the names of preceding labels. Reports names that match no label, several labels, or form a cycle.
pub(super) fn resolve(
    ctx: &mut RuleDiagnostics<'_, '_>,
    raw: &[raw::Label],
    labels: &mut [Option<LabelRule>],
) {
    let names: Vec<&str> = raw.iter().map(name).collect();
    let mut targets = vec![None; raw.len()];
    for (index, label) in raw.iter().enumerate() {
        let Some(after) = &label.after else {
            if let Some(soak) = &label.soak {
                ctx.diagnostics
                    .error(&soak.span, "`soak` counts from the label that `after` names, and there is none");
            }
            continue;
        };
        match find_predecessor(after, &names, index) {
            Ok(target) => targets[index] = Some(target),
            Err((message, help)) => ctx.diagnostics.error_with_help(&after.span, message, help),
        }
    }
    for (index, label) in raw.iter().enumerate() {
        let Some(after) = label.after.as_ref().filter(|_| is_in_circle(&targets, index)) else {
            continue;
        };
        ctx.diagnostics.error(&after.span, "these labels wait for each other in a circle");
    }
    for (label, target) in labels.iter_mut().zip(targets) {
        if let Some(label) = label {
            label.after = target;
        }
    }
}

fn name(label: &raw::Label) -> &str {
    label.name.as_ref().map_or("", |name| name.value.0.source())
}

fn find_predecessor(after: &str, names: &[&str], own_index: usize) -> Result<usize, (String, String)> {
    let exact = names.iter().position(|name| *name == after);
    let matching: Vec<usize> = match exact {
        Some(index) => vec![index],
        None => match Glob::new(after) {
            Ok(glob) => {
                (0..names.len()).filter(|index| *index != own_index && glob.is_match(names[*index])).collect()
            }
            Err(error) => {
                let help = "name a label of this rule as it is written, or with a glob".to_owned();
                return Err((error.to_string(), help));
            }
        },
    };
    match matching.as_slice() {
        [index] if *index == own_index => {
            Err(("a label cannot wait for itself".to_owned(), "name another label of this rule".to_owned()))
        }
        [index] => Ok(*index),
        [] => {
            let others = (0..names.len()).filter(|index| *index != own_index).map(|index| names[index]);
            let others: Vec<_> = others.collect();
            let help = match others.is_empty() {
                true => "this rule has no other label".to_owned(),
                false => format!("its labels are {}", suggest::list(others)),
            };
            Err((format!("this rule has no label `{after}`"), help))
        }
        several => {
            let names = suggest::list(several.iter().map(|index| names[*index]));
            Err((format!("`{after}` fits several labels"), format!("they are {names}")))
        }
    }
}

fn is_in_circle(targets: &[Option<usize>], start: usize) -> bool {
    let mut at = targets[start];
    for _ in 0..targets.len() {
        match at {
            Some(next) if next == start => return true,
            Some(next) => at = targets[next],
            None => return false,
        }
    }
    false
}
