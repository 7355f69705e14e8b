//! The changes that a reload made.

use std::fmt;

use serde::{Deserialize, Serialize};

use dropship_engine::replay::describe;
use dropship_job::{JobId, counted};
use dropship_redact::Escaped;
use dropship_rules::comparison::PlanDifference;
use dropship_rules::rule::RuleChange;

/// The answer to `dropship reload`, once the new configuration is active.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Always true: a configuration that is refused is an error.
    pub ok: bool,
    /// Rules by name. Jobs that exist already keep the plan that they were created with.
    pub rules: NameChanges,
    /// Folders by name.
    pub folders: NameChanges,
    /// Other keys that changed and are active now.
    pub keys: Vec<String>,
    /// Keys that changed and need a restart; the old values stay active until then.
    pub restart: Vec<String>,
    /// Warnings about the new configuration.
    pub warnings: Vec<String>,
    /// Unfinished jobs that keep a plan which the new configuration would not make, or whose rule has changed.
    #[serde(default)]
    pub jobs: Vec<OlderPlan>,
    /// Labels of unfinished jobs that `[guard]` holds or refuses from now on, or no longer.
    #[serde(default)]
    pub guard: Vec<GuardChange>,
}

/// An unfinished job that keeps an older plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OlderPlan {
    /// Id of the job.
    pub id: JobId,
    /// File name of its package.
    pub package: String,
    /// Name of the rule that it was planned by.
    pub rule: String,
    /// How the rules in force differ from that rule; absent if the rule is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_change: Option<RuleChange>,
    /// How the plan would differ; empty if it would be the same, or if the facts of the package are gone.
    #[serde(default)]
    pub differences: Vec<PlanDifference>,
}

/// A label of an unfinished job that `[guard]` treats differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardChange {
    /// Id of the job.
    pub id: JobId,
    /// File name of its package.
    pub package: String,
    /// Name of the label.
    pub label: String,
    /// What happens to the label.
    pub effect: GuardEffect,
    /// The limits that it exceeds; for a release, those that it exceeded.
    pub reasons: Vec<String>,
    /// Whether a released label still needs an approval: it is on hold already, or its rule asks for one.
    pub needs_approval: bool,
}

/// What `[guard]` does with a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardEffect {
    /// It is held for an operator before it is requested.
    Hold,
    /// It is never requested.
    Refuse,
    /// It is no longer held or refused.
    Release,
}

impl fmt::Display for GuardChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, label, reasons, .. } = self;
        let reasons = reasons.join(", ");
        match self.effect {
            GuardEffect::Hold => write!(f, "job {id}: label `{label}` is held: {reasons}"),
            GuardEffect::Refuse => write!(f, "job {id}: label `{label}` is refused: {reasons}"),
            GuardEffect::Release if self.needs_approval => {
                write!(
                    f,
                    "job {id}: label `{label}` is within `[guard]` now, and still waits for `dropship approve {id}`"
                )
            }
            GuardEffect::Release => {
                write!(f, "job {id}: label `{label}` is within `[guard]` now, and is not held")
            }
        }
    }
}

/// Maximum number of jobs that the text names.
const NAMED_JOBS: usize = 10;

/// Maximum number of differences that the text names for one job.
const NAMED_DIFFERENCES: usize = 10;

/// Differences between two lists of named items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameChanges {
    /// Names that are new.
    pub added: Vec<String>,
    /// Names that no longer exist.
    pub removed: Vec<String>,
    /// Names whose item differs.
    pub changed: Vec<String>,
    /// Whether the common items have another order.
    pub reordered: bool,
}

impl NameChanges {
    /// Compares two lists by the names of their items.
    pub fn between<T: PartialEq>(old: &[T], new: &[T], name: impl Fn(&T) -> &str) -> Self {
        let find = |list: &[T], item: &T| list.iter().position(|other| name(other) == name(item));
        let mut changes = Self::default();
        let mut positions = Vec::new();
        for item in new {
            match find(old, item) {
                None => changes.added.push(name(item).to_owned()),
                Some(position) => {
                    positions.push(position);
                    if old[position] != *item {
                        changes.changed.push(name(item).to_owned());
                    }
                }
            }
        }
        let removed = old.iter().filter(|item| find(new, item).is_none());
        changes.removed = removed.map(|item| name(item).to_owned()).collect();
        changes.reordered = !positions.is_sorted();
        changes
    }

    fn describe(&self, kind: &str, lines: &mut Vec<String>) {
        for (verb, names) in [("added", &self.added), ("removed", &self.removed), ("changed", &self.changed)]
        {
            if !names.is_empty() {
                lines.push(format!("{kind} {verb}: {}", names.join(", ")));
            }
        }
        if self.reordered {
            lines.push(format!("{kind} reordered"));
        }
    }
}

impl Reloaded {
    /// The jobs that keep an older plan, as one line.
    fn describe_jobs(&self) -> String {
        let named = self.jobs.iter().take(NAMED_JOBS).map(|job| {
            let change = match job.rule_change {
                Some(RuleChange::Changed) => "changed",
                Some(RuleChange::Gone) => "no longer exists",
                None => "is the same",
            };
            format!("{} (rule `{}` {change})", job.id, job.rule)
        });
        let named: Vec<_> = named.collect();
        let more = self.jobs.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("unfinished jobs that keep an older plan: {}{more}", named.join(", "))
    }

    /// How the plans of the first jobs would differ.
    fn describe_differences(&self, lines: &mut Vec<String>) {
        for job in self.jobs.iter().take(NAMED_JOBS) {
            let (id, package) = (&job.id, Escaped(&job.package));
            if job.differences.is_empty() {
                lines.push(format!("job {id}, {package}: its plan would be the same"));
            }
            let described = job.differences.iter().flat_map(|difference| describe(difference, 0));
            let mut described: Vec<_> = described.collect();
            let more = described.len().saturating_sub(NAMED_DIFFERENCES);
            described.truncate(NAMED_DIFFERENCES);
            lines.extend(described.into_iter().map(|line| format!("job {id}, {package}: {line}")));
            if more > 0 {
                lines.push(format!("job {id}, {package}: {more} more differences"));
            }
        }
    }

    /// Whether neither the configuration in force nor a key that needs a restart would change.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        let none = NameChanges::default();
        (&self.rules, &self.folders) == (&none, &none) && self.keys.is_empty() && self.restart.is_empty()
    }

    /// The changes, one line for each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.rules.describe("rules", &mut lines);
        self.folders.describe("folders", &mut lines);
        if !self.keys.is_empty() {
            lines.push(format!("also changed: {}", self.keys.join(", ")));
        }
        if lines.is_empty() && self.restart.is_empty() {
            lines.push("no changes".to_owned());
        }
        if !self.restart.is_empty() {
            lines.push(format!("needs a restart: {}", self.restart.join(", ")));
        }
        if !self.jobs.is_empty() {
            lines.push(self.describe_jobs());
            self.describe_differences(&mut lines);
        }
        lines.extend(self.guard.iter().take(NAMED_JOBS).map(ToString::to_string));
        if self.guard.len() > NAMED_JOBS {
            lines.push(format!(
                "and {} that `[guard]` holds or releases",
                counted(self.guard.len() - NAMED_JOBS, "more label")
            ));
        }
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines
    }
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_with_different_items_report_names_and_order() {
        let old = [("a", 1), ("b", 2), ("c", 3)];
        let new = [("c", 3), ("a", 9), ("d", 4)];
        let changes = NameChanges::between(&old, &new, |item| item.0);
        assert_eq!(changes.added, ["d"]);
        assert_eq!(changes.removed, ["b"]);
        assert_eq!(changes.changed, ["a"]);
        assert!(changes.reordered);
        assert_eq!(NameChanges::between(&old, &old, |item| item.0), NameChanges::default());
    }
}
