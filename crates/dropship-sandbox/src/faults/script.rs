//! The list of scripted faults, and which request meets which fault.

use dropship_glob::GlobError;
use serde_json::{Value, json};

use super::path_glob::PathGlob;
use crate::faults::{Action, Fault};

/// The scripted faults, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    glob: Option<PathGlob>,
    matched: u64,
}

impl Script {
    /// Adds a fault.
    ///
    /// # Errors
    /// When the path is not a valid glob.
    pub(crate) fn add(&mut self, fault: Fault) -> Result<(), GlobError> {
        let glob = fault.path.as_deref().map(PathGlob::new).transpose()?;
        self.rules.push(Rule { fault, glob, matched: 0 });
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault for a request. Counts the request in every rule that matches it; the first active rule wins.
    pub(crate) fn take(&mut self, method: &str, path: &str, operation: &str) -> Option<Action> {
        let mut met = None;
        for rule in &mut self.rules {
            let fault = &rule.fault;
            let fits = fault.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && fault.operation.as_deref().is_none_or(|wanted| wanted == operation)
                && rule.glob.as_ref().is_none_or(|glob| glob.is_match(path));
            if !fits {
                continue;
            }
            rule.matched += 1;
            let on =
                rule.matched >= fault.nth && (fault.times == 0 || rule.matched - fault.nth < fault.times);
            if on && met.is_none() {
                met = Some(fault.action.clone());
            }
        }
        met
    }

    /// The faults with the number of requests that matched each.
    pub(crate) fn to_json(&self) -> Value {
        let rules = self.rules.iter().map(|rule| {
            json!({
                "method": rule.fault.method, "path": rule.fault.path, "operation": rule.fault.operation,
                "nth": rule.fault.nth, "times": rule.fault.times, "action": rule.fault.action.name(),
                "matched": rule.matched,
            })
        });
        Value::Array(rules.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_applies_from_nth_match_for_given_number_of_times() {
        let mut script = Script::default();
        let fault =
            Fault::at("POST", "/v2.0/my/hardware/products/*/submissions", Action::DropAfter).nth(2).times(2);
        script.add(fault).unwrap();
        let mut met = Vec::new();
        for _ in 0..5 {
            met.push(
                script
                    .take("POST", "/v2.0/my/hardware/products/7/submissions/", "create_submission")
                    .is_some(),
            );
        }
        assert_eq!(met, [false, true, true, false, false]);
        assert!(script.take("POST", "/v2.0/my/hardware/products/7/submissions/8/commit", "commit").is_none());
    }
}
