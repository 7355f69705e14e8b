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
        let mut met = None;
        for scripted in &mut self.faults {
            let fault = &scripted.fault;
            let fits = fault.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && fault.operation.as_deref().is_none_or(|wanted| wanted == operation)
                && scripted.glob.as_ref().is_none_or(|glob| glob.is_match(path));
            if !fits {
                continue;
            }
            scripted.matched += 1;
            let on = scripted.matched >= fault.nth
                && (fault.times == 0 || scripted.matched - fault.nth < fault.times);
            if on && met.is_none() {
                met = Some(fault.action.clone());
            }
        }
        met
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
