//! Joins problems that differ only in names and numbers, so that a generated configuration does not print tens of thousands.

use std::collections::HashMap;

use super::report::{Problem, Severity};

/// Maximum number of warnings of one kind that are shown one by one.
const MAX_WARNINGS: usize = 10;
/// The same for errors.
const MAX_ERRORS: usize = 200;

/// Replaces warnings of one kind, if they are many, by the first of them with their number. Of errors the first ones are kept.
pub(super) fn join(problems: &mut Vec<Problem>) {
    let mut counts: HashMap<(Severity, String), usize> = HashMap::new();
    let key = |problem: &Problem| (problem.severity, message_kind(&problem.message));
    for problem in problems.iter() {
        *counts.entry(key(problem)).or_default() += 1;
    }
    let limits = |severity| match severity {
        Severity::Warning => (MAX_WARNINGS, 1),
        Severity::Error => (MAX_ERRORS, MAX_ERRORS),
    };
    if counts.iter().all(|((severity, _), count)| *count <= limits(*severity).0) {
        return;
    }
    let mut seen: HashMap<(Severity, String), usize> = HashMap::new();
    problems.retain_mut(|problem| {
        let key = key(problem);
        let (max, kept) = limits(problem.severity);
        let count = counts.get(&key).copied().unwrap_or_default();
        if count <= max {
            return true;
        }
        let seen_count = seen.entry(key).or_default();
        *seen_count += 1;
        if *seen_count == kept {
            problem.message.push_str(&format!(" (and {} more like this)", count - kept));
        }
        *seen_count <= kept
    });
}

/// A message without what is quoted in it, and without numbers.
fn message_kind(message: &str) -> String {
    let outside: String = message.split('`').step_by(2).collect();
    outside.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_warnings_of_a_kind_are_one_with_their_number() {
        let warning =
            |n: usize| Problem::of_file("a.toml", format!("rule `r{n}` is shadowed by {n}")).into_warning();
        let mut problems: Vec<_> = (0..60_000).map(warning).collect();
        problems.push(Problem::of_file("a.toml", "another").into_warning());
        problems.extend((0..300).map(|n| Problem::of_file("a.toml", format!("no `{n}`"))));
        join(&mut problems);
        assert_eq!(problems.len(), 2 + 200);
        assert_eq!(problems[0].message, "rule `r0` is shadowed by 0 (and 59999 more like this)");
        assert!(problems[201].message.ends_with(" (and 100 more like this)"));
        let mut few: Vec<_> = (0..10).map(warning).collect();
        join(&mut few);
        assert_eq!(few.len(), 10);
    }
}
