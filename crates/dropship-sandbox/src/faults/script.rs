//! The list of scripted faults, and which request meets which fault.

use dropship_glob::GlobError;
use serde_json::{Value, json};

use super::path_glob::PathGlob;
use crate::faults::{Fault, FaultAction};

/// The scripted faults, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct FaultScript {
    faults: Vec<ScriptedFault>,
}

#[derive(Debug)]
struct ScriptedFault {
    fault: Fault,
    glob: Option<PathGlob>,
    matched: u64,
}

impl FaultScript {
    /// Adds a fault.
    ///
    /// # Errors
    /// When the path is not a valid glob.
    pub(crate) fn add(&mut self, fault: Fault) -> Result<(), GlobError> {
        let glob = fault.path.as_deref().map(PathGlob::new).transpose()?;
        self.faults.push(ScriptedFault { fault, glob, matched: 0 });
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    /// The fault for a request. Counts the request in every fault that matches it; the first active one wins.
    pub(crate) fn take(&mut self, method: &str, path: &str, operation: &str) -> Option<FaultAction> {
        let mut found = None;
        for scripted in &mut self.faults {
            let fault = &scripted.fault;
            let is_match = fault.method.as_deref().is_none_or(|value| value.eq_ignore_ascii_case(method))
                && fault.operation.as_deref().is_none_or(|value| value == operation)
                && scripted.glob.as_ref().is_none_or(|glob| glob.is_match(path));
            if !is_match {
                continue;
            }
            scripted.matched += 1;
            let is_active = scripted.matched >= fault.nth
                && (fault.times == 0 || scripted.matched - fault.nth < fault.times);
            if is_active && found.is_none() {
                found = Some(fault.action.clone());
            }
        }
        found
    }

    /// The faults with the number of requests that matched each.
    pub(crate) fn to_json(&self) -> Value {
        let faults = self.faults.iter().map(|scripted| {
            json!({
                "method": scripted.fault.method, "path": scripted.fault.path, "operation": scripted.fault.operation,
                "nth": scripted.fault.nth, "times": scripted.fault.times, "action": scripted.fault.action.name(),
                "matched": scripted.matched,
            })
        });
        Value::Array(faults.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_applies_from_nth_match_for_given_number_of_times() {
        let mut script = FaultScript::default();
        let fault = Fault::at("POST", "/v2.0/my/hardware/products/*/submissions", FaultAction::DropAfter)
            .nth(2)
            .times(2);
        script.add(fault).unwrap();
        let mut faulted = Vec::new();
        for _ in 0..5 {
            faulted.push(
                script
                    .take("POST", "/v2.0/my/hardware/products/7/submissions/", "create_submission")
                    .is_some(),
            );
        }
        assert_eq!(faulted, [false, true, true, false, false]);
        assert!(script.take("POST", "/v2.0/my/hardware/products/7/submissions/8/commit", "commit").is_none());
    }
}
