//! Rules, and which of them a package gets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{Label, Product, SubmissionRule};
use super::pattern::{self, Pattern};
use dropship_package::Facts;

mod matching;

pub(crate) use matching::plain;
pub use matching::{Clause, Key, Matching, Test};

/// One `[[rule]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique name.
    pub name: String,
    /// Names of the folders that it is for; empty: all, and packages of no folder.
    pub folders: Vec<String>,
    /// What must hold of a package.
    pub matching: Matching,
    /// Name of the account.
    pub account: String,
    /// Values that a sidecar may set, by name.
    pub vars: BTreeMap<String, Var>,
    /// The product.
    pub product: Product,
    /// The submission.
    pub submission: SubmissionRule,
    /// The shipping labels, in file order.
    pub labels: Vec<Label>,
}

/// A value that a sidecar may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Var {
    /// What is set must fit one of these.
    pub allowed: Vec<Pattern>,
    /// Taken when no sidecar sets it.
    pub default: Option<String>,
}

/// A package as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Name of the folder that it lies in.
    pub folder: Option<&'a str>,
    /// File name.
    pub file: &'a str,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: &'a str,
    /// What inspection learnt.
    pub facts: &'a Facts,
    /// What its sidecar sets.
    pub vars: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Subject<'a> {
    /// A package of no folder and without a sidecar.
    #[must_use]
    pub fn new(file: &'a str, sha256: &'a str, facts: &'a Facts) -> Self {
        Self { folder: None, file, sha256, facts, vars: None }
    }

    /// The same package in a folder.
    #[must_use]
    pub fn in_folder(self, folder: Option<&'a str>) -> Self {
        Self { folder, ..self }
    }
}

/// Why a rule was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// Name of the rule.
    pub rule: String,
    /// What did not hold, one sentence each.
    pub reasons: Vec<String>,
    /// How many of its conditions did hold.
    pub held: usize,
}

/// Which rule a package gets, and why not those before it.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The first rule that fits.
    pub rule: Option<&'a Rule>,
    /// The rules before it, or all, in file order.
    pub passed: Vec<Passed>,
}

impl Choice<'_> {
    /// The passed rules that came closest: fewest unmet conditions, then most met ones.
    #[must_use]
    pub fn closest(&self, count: usize) -> Vec<&Passed> {
        let mut passed: Vec<_> = self.passed.iter().collect();
        passed.sort_by_key(|passed| (passed.reasons.len(), std::cmp::Reverse(passed.held)));
        passed.truncate(count);
        passed
    }

    /// Why each other rule is not the one: those before it did not fit, and of those after it what did not fit
    /// either, or that they stand later.
    #[must_use]
    pub fn with_later(mut self, rules: &[Rule], subject: &Subject<'_>) -> Vec<Passed> {
        let Some(chosen) = self.rule else { return self.passed };
        let later = rules.iter().skip_while(|rule| rule.name != chosen.name).skip(1);
        for rule in later {
            let mut passed = rule.judge(subject);
            if passed.reasons.is_empty() {
                passed.reasons.push(format!("it fits too, but `{}` stands before it", chosen.name));
            }
            self.passed.push(passed);
        }
        self.passed
    }

    /// Why no rule is for the package, with the rules that came closest; for a rejected package.
    #[must_use]
    pub fn rejection(&self) -> String {
        if self.passed.is_empty() {
            return "No rule is for this package: the configuration has none".to_owned();
        }
        let closest = self.closest(3);
        let lines =
            closest.iter().map(|passed| format!("rule `{}`: {}", passed.rule, passed.reasons.join("; ")));
        format!(
            "No rule is for this package; closest {}: {}",
            if closest.len() == 1 { "is" } else { "are" },
            lines.collect::<Vec<_>>().join(" | ")
        )
    }
}

impl Rule {
    /// Whether the rule is for a package.
    #[must_use]
    pub fn fits(&self, subject: &Subject<'_>) -> bool {
        self.fits_folder(subject.folder) && self.matching.fits(subject)
    }

    fn fits_folder(&self, folder: Option<&str>) -> bool {
        self.folders.is_empty() || folder.is_some_and(|name| self.folders.iter().any(|own| own == name))
    }

    /// What of the rule does not hold of a package; empty when it fits.
    #[must_use]
    pub fn judge(&self, subject: &Subject<'_>) -> Passed {
        let mut passed = Passed { rule: self.name.clone(), reasons: Vec::new(), held: 0 };
        if self.fits_folder(subject.folder) {
            passed.held += usize::from(!self.folders.is_empty());
        } else {
            let folders = super::suggest::list(self.folders.iter().map(String::as_str));
            passed.reasons.push(match subject.folder {
                Some(folder) => format!("folder `{folder}` is not {folders}"),
                None => format!("the package lies in no folder, and the rule is for {folders}"),
            });
        }
        self.matching.judge(subject, &mut passed);
        passed
    }

    /// Defaults of the rule's variables.
    #[must_use]
    pub fn var_defaults(&self) -> BTreeMap<String, String> {
        let set = |(name, var): (&String, &Var)| Some((name.clone(), var.default.clone()?));
        self.vars.iter().filter_map(set).collect()
    }

    /// What a sidecar may not set: unknown names and values that are not allowed.
    #[must_use]
    pub fn refused_vars(&self, vars: &BTreeMap<String, String>) -> Vec<String> {
        let wrong = |(name, value): (&String, &String)| match self.vars.get(name) {
            None => Some(format!("the rule `{}` declares no `vars.{name}`", self.name)),
            Some(var) if pattern::any(&var.allowed, value) => None,
            Some(var) => {
                let allowed = super::suggest::list(var.allowed.iter().map(Pattern::as_str));
                Some(format!("`vars.{name}` may be {allowed}, not `{value}`"))
            }
        };
        vars.iter().filter_map(wrong).collect()
    }
}

/// The first rule that fits, without reasons.
#[must_use]
pub fn find<'a>(rules: &'a [Rule], subject: &Subject<'_>) -> Option<&'a Rule> {
    rules.iter().find(|rule| rule.fits(subject))
}

/// The first rule that fits, and why those before it were passed over.
#[must_use]
pub fn choose<'a>(rules: &'a [Rule], subject: &Subject<'_>) -> Choice<'a> {
    let mut passed = Vec::new();
    for rule in rules {
        if rule.fits(subject) {
            return Choice { rule: Some(rule), passed };
        }
        passed.push(rule.judge(subject));
    }
    Choice { rule: None, passed }
}

#[cfg(test)]
mod tests;
