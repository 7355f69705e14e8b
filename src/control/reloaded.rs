//! The changes that a reload made.

use std::fmt;

use serde::{Deserialize, Serialize};

use dropship_job::JobId;
use dropship_rules::rule::RuleChange;

/// The answer to `dropship reload`, once the new configuration is active.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Always true: a configuration that is refused is an error.
    pub ok: bool,
    /// Rules by name. Jobs that exist already keep the plan that they were created with.
    pub rules: Changes,
    /// Folders by name.
    pub folders: Changes,
    /// Other keys that changed and are active now.
    pub keys: Vec<String>,
    /// Keys that changed and need a restart; the old values stay active until then.
    pub restart: Vec<String>,
    /// Warnings about the new configuration.
    pub warnings: Vec<String>,
    /// Unfinished jobs that keep the plan of a rule that has changed or no longer exists.
    #[serde(default)]
    pub jobs: Vec<OlderPlan>,
}

/// An unfinished job that keeps an older plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderPlan {
    /// Id of the job.
    pub id: JobId,
    /// File name of its package.
    pub package: String,
    /// Name of the rule that it was planned by.
    pub rule: String,
    /// How the rules in force differ from that rule.
    pub rule_change: RuleChange,
}

/// Maximum number of jobs that the text names.
const NAMED_JOBS: usize = 10;

/// Differences between two lists of named items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Names that are new.
    pub added: Vec<String>,
    /// Names that no longer exist.
    pub removed: Vec<String>,
    /// Names whose item differs.
    pub changed: Vec<String>,
    /// Whether the common items have another order.
    pub reordered: bool,
}

impl Changes {
    /// Compares two lists by the names of their items.
    pub fn between<T: PartialEq>(old: &[T], new: &[T], name: impl Fn(&T) -> &str) -> Self {
        let find = |list: &[T], item: &T| list.iter().position(|other| name(other) == name(item));
        let mut changes = Self::default();
        let mut positions = Vec::new();
        for item in new {
            match find(old, item) {
                None => changes.added.push(name(item).to_owned()),
                Some(at) => {
                    positions.push(at);
                    if old[at] != *item {
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
                RuleChange::Changed => "changed",
                RuleChange::Gone => "no longer exists",
            };
            format!("{} (rule `{}` {change})", job.id, job.rule)
        });
        let named: Vec<_> = named.collect();
        let more = self.jobs.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("unfinished jobs that keep an older plan: {}{more}", named.join(", "))
    }
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        }
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        f.write_str(&lines.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_with_different_items_report_names_and_order() {
        let old = [("a", 1), ("b", 2), ("c", 3)];
        let new = [("c", 3), ("a", 9), ("d", 4)];
        let changes = Changes::between(&old, &new, |item| item.0);
        assert_eq!(changes.added, ["d"]);
        assert_eq!(changes.removed, ["b"]);
        assert_eq!(changes.changed, ["a"]);
        assert!(changes.reordered);
        assert_eq!(Changes::between(&old, &old, |item| item.0), Changes::default());
    }
}
