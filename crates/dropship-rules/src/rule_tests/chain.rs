//! The steps of a `[[test]]` that walks its labels through time.

use std::collections::BTreeSet;

use dropship_glob::Glob;
use jiff::Timestamp;

use super::fields::ExpectedFields;
use crate::schedule::Moment;

/// One `[[test.step]]`: what happens at a time, and what is expected after it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainStep {
    /// `file:line`.
    pub place: String,
    /// When: a time, or counted from the time at which the package is signed.
    pub at: Moment,
    /// Microsoft publishes the labels whose names match.
    pub published: Vec<Glob>,
    /// Microsoft gives up the labels whose names match.
    pub failed: Vec<Glob>,
    /// An operator approves the labels whose names match.
    pub approved: Vec<Glob>,
    /// The expected result.
    pub expect: Option<ChainExpect>,
}

/// The labels that are expected at a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChainExpect {
    /// The names of all labels that have been requested by then, in any order.
    pub requested: Option<Vec<Glob>>,
    /// The names of all labels that wait for an operator, in any order.
    pub held: Option<Vec<Glob>>,
    /// Fields of the requests of the labels whose name matches; no name: of each that has been requested.
    pub label: Vec<(Option<Glob>, ExpectedFields)>,
}

/// What a case saw of the labels of its plan, by their index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainTrace {
    /// Labels that were expected not to have been requested while they waited for another label.
    pub waiting: BTreeSet<usize>,
    /// Labels that were expected to have been requested.
    pub requested: BTreeSet<usize>,
}

impl ChainStep {
    /// The time of the step in a case that starts at `start`. A time beyond the calendar is the last one.
    #[must_use]
    pub fn time(&self, start: Timestamp) -> Timestamp {
        self.at.resolve(start).unwrap_or(Timestamp::MAX)
    }
}

/// Whether the names and the globs fit one to one.
#[must_use]
pub fn fit_each_other(globs: &[Glob], names: &[&str]) -> bool {
    let mut partner: Vec<Option<usize>> = vec![None; names.len()];
    globs.len() == names.len()
        && (0..globs.len()).all(|glob| assign(glob, globs, names, &mut partner, &mut BTreeSet::new()))
}

/// Finds a name for a glob; globs that have one already may get another.
fn assign(
    glob: usize,
    globs: &[Glob],
    names: &[&str],
    partner: &mut [Option<usize>],
    tried: &mut BTreeSet<usize>,
) -> bool {
    for (index, name) in names.iter().enumerate() {
        if !globs[glob].is_match(name) || !tried.insert(index) {
            continue;
        }
        let is_free = match partner[index] {
            None => true,
            Some(other) => assign(other, globs, names, partner, tried),
        };
        if is_free {
            partner[index] = Some(glob);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_globs_fit_one_to_one_in_any_order() {
        let fits = |globs: &[&str], names: &[&str]| {
            let globs: Vec<_> = globs.iter().map(|glob| Glob::new(glob).expect("a glob")).collect();
            fit_each_other(&globs, names)
        };
        assert!(fits(&["*", "a*"], &["ab", "xy"]), "the first glob takes the name that the second leaves");
        assert!(fits(&["* ring", "* pilot"], &["x pilot", "x ring"]));
        assert!(!fits(&["*", "*"], &["a"]) && !fits(&["a*", "a*"], &["ab", "xy"]) && !fits(&["*"], &[]));
        assert!(fits(&[], &[]));
    }
}
