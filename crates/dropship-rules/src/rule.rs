//! One `[[rule]]`: the packages that it is for, and the product, submission and labels that they get.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::input::MatchInput;
use crate::matching::Matching;
use crate::suggest;
use dropship_glob::Glob;

mod change;
mod label;
mod product;

pub use change::RuleChange;
pub use label::{Approval, Build, Chids, Destination, LabelRule, TargetFilter};
pub use product::{ProductRule, Signatures, Strategy, SubmissionRule};

/// One `[[rule]]`, with `[defaults]` filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique name.
    pub name: String,
    /// Names of the folders that it applies to. Empty: all folders, and packages without a folder.
    pub folders: Vec<String>,
    /// Conditions on the package.
    pub matching: Matching,
    /// Name of the account that requests are sent with.
    pub account: String,
    /// Variables that a sidecar file may set, by name.
    pub vars: BTreeMap<String, Var>,
    /// The product.
    pub product: ProductRule,
    /// The submission.
    pub submission: SubmissionRule,
    /// The shipping labels, in file order.
    pub labels: Vec<LabelRule>,
}

/// A variable that a sidecar file may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Var {
    /// The value must match one of these globs.
    pub allowed: Vec<Glob>,
    /// Value when no sidecar sets the variable.
    pub default: Option<String>,
}

/// A rule that does not apply to a package, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedRule {
    /// Name of the rule.
    pub rule: String,
    /// One sentence for each condition that does not hold, or one that names the rule which comes before this one.
    pub reasons: Vec<String>,
    /// Number of conditions that hold.
    pub held: usize,
    /// The key of each condition that does not hold, such as `match.provider`.
    #[serde(skip)]
    pub keys: Vec<String>,
}

impl SkippedRule {
    /// Whether all conditions hold: the rule only comes after the rule that applies.
    #[must_use]
    pub fn matches(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Rule {
    /// Whether the rule applies to the package.
    #[must_use]
    pub fn matches(&self, input: &MatchInput<'_>) -> bool {
        self.matches_folder(input.folder) && self.matching.matches(input)
    }

    /// Whether the rule is for packages of this folder.
    pub(crate) fn matches_folder(&self, folder: Option<&str>) -> bool {
        self.folders.is_empty() || folder.is_some_and(|name| self.folders.iter().any(|folder| folder == name))
    }

    /// Which conditions do not hold for the package. The list of reasons is empty if the rule applies.
    #[must_use]
    pub fn explain(&self, input: &MatchInput<'_>) -> SkippedRule {
        let mut report = self.matching.report(input);
        if self.matches_folder(input.folder) {
            report.held += usize::from(!self.folders.is_empty());
        } else {
            let folders = suggest::list(self.folders.iter().map(String::as_str));
            let reason = match input.folder {
                Some(folder) => format!("folder `{folder}` is not {folders}"),
                None => format!("the package is in no folder, and the rule is for {folders}"),
            };
            report.reasons.insert(0, reason);
            report.keys.insert(0, "folders".to_owned());
        }
        SkippedRule { rule: self.name.clone(), reasons: report.reasons, held: report.held, keys: report.keys }
    }

    /// Default values of the rule's variables.
    #[must_use]
    pub fn var_defaults(&self) -> BTreeMap<String, String> {
        let set = |(name, var): (&String, &Var)| Some((name.clone(), var.default.clone()?));
        self.vars.iter().filter_map(set).collect()
    }

    /// One sentence for each variable that a sidecar may not set to this value: the rule does not declare it, or
    /// does not allow the value.
    #[must_use]
    pub fn rejected_vars(&self, vars: &BTreeMap<String, String>) -> Vec<String> {
        let problem = |(name, value): (&String, &String)| match self.vars.get(name) {
            None => Some(format!("the rule `{}` declares no `vars.{name}`", self.name)),
            Some(var) if dropship_glob::any(&var.allowed, value) => None,
            Some(var) => {
                let allowed = suggest::list(var.allowed.iter().map(Glob::as_str));
                Some(format!("`vars.{name}` may be {allowed}, not `{value}`"))
            }
        };
        vars.iter().filter_map(problem).collect()
    }
}
