//! What goes wrong, by script: which request meets which fault.

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use serde_json::{Value, json};

/// A fault and the requests that meet it.
///
/// Of the requests that match, the `nth` and the following ones, `times` in all, meet it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method; absent: any.
    #[serde(default)]
    pub method: Option<String>,
    /// A glob over the path, in which `*` stays within a segment and `**` does not; absent: any.
    #[serde(default)]
    pub path: Option<String>,
    /// The operation's name as the request log shows it, such as `create_label` or `blob`; absent: any.
    #[serde(default)]
    pub operation: Option<String>,
    /// The first match that meets the fault, from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many matches meet it; 0: all that follow.
    #[serde(default = "one")]
    pub times: u64,
    /// What happens.
    pub action: Action,
}

fn one() -> u64 {
    1
}

impl Fault {
    /// A fault for the next request for an operation, such as `create_product`, `token` or `blob`.
    #[must_use]
    pub fn on(operation: &str, action: Action) -> Self {
        Self { method: None, path: None, operation: Some(operation.to_owned()), nth: 1, times: 1, action }
    }

    /// A fault for the next request with a method and a path that a glob matches.
    #[must_use]
    pub fn at(method: &str, path: &str, action: Action) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            operation: None,
            nth: 1,
            times: 1,
            action,
        }
    }

    /// Lets the first `nth - 1` matches pass.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Meets so many matches; 0: all.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// For requests of one method only.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }
}

/// What happens to a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// It is answered with a status and takes no effect.
    Status {
        /// The HTTP status.
        status: u16,
        /// `Retry-After` as it stands: seconds or a date.
        #[serde(default)]
        retry_after: Option<String>,
        /// What the body looks like.
        #[serde(default)]
        body: FaultBody,
        /// The message in the body.
        #[serde(default)]
        message: Option<String>,
        /// The code in a JSON body.
        #[serde(default)]
        code: Option<String>,
    },
    /// The connection is cut before it takes effect.
    DropBefore,
    /// It takes effect, then the connection is cut.
    DropAfter,
    /// It takes no effect and is never answered.
    Hang,
    /// It takes effect at once and is answered late.
    Delay {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// It takes effect late, whether or not the client still waits, and is never answered.
    Late {
        /// Milliseconds of real time until it takes effect.
        ms: u64,
        /// Whether the connection is cut at once rather than left open.
        #[serde(default)]
        cut: bool,
    },
    /// It takes effect; the answer's body ends half way.
    Truncate,
    /// It takes effect; the answer's body is no JSON.
    Garbage,
}

impl Action {
    /// A status with a JSON error body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None, body: FaultBody::Json, message: None, code: None }
    }

    /// A status with a body of some form.
    #[must_use]
    pub fn status_with(status: u16, body: FaultBody) -> Self {
        Self::Status { status, retry_after: None, body, message: None, code: None }
    }

    /// A 429 or the like with `Retry-After`.
    #[must_use]
    pub fn retry_after(status: u16, retry_after: &str) -> Self {
        let retry_after = Some(retry_after.to_owned());
        Self::Status { status, retry_after, body: FaultBody::Gateway, message: None, code: None }
    }

    /// The action's name, in the log.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Status { status, .. } => format!("status {status}"),
            Self::DropBefore => "drop_before".to_owned(),
            Self::DropAfter => "drop_after".to_owned(),
            Self::Hang => "hang".to_owned(),
            Self::Delay { ms } => format!("delay {ms} ms"),
            Self::Late { ms, .. } => format!("late {ms} ms"),
            Self::Truncate => "truncate".to_owned(),
            Self::Garbage => "garbage".to_owned(),
        }
    }
}

/// The forms that error bodies come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultBody {
    /// The API's own error object.
    #[default]
    Json,
    /// `{"statusCode":…,"message":…}`.
    Gateway,
    /// Plain text.
    Text,
    /// Nothing.
    Empty,
    /// A web server's page.
    Html,
}

/// The faults to come.
#[derive(Debug, Default)]
pub(super) struct Script {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    glob: Option<GlobMatcher>,
    matched: u64,
}

impl Script {
    /// Adds a fault.
    ///
    /// # Errors
    /// The path is no glob.
    pub(super) fn add(&mut self, fault: Fault) -> Result<(), globset::Error> {
        let glob = match &fault.path {
            Some(path) => {
                let path = path.trim_end_matches('/');
                let glob = GlobBuilder::new(path).literal_separator(true).case_insensitive(true).build()?;
                Some(glob.compile_matcher())
            }
            None => None,
        };
        self.rules.push(Rule { fault, glob, matched: 0 });
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault that a request meets; counts the request in every rule that matches it.
    pub(super) fn take(&mut self, method: &str, path: &str, operation: &str) -> Option<Action> {
        let path = path.trim_end_matches('/');
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

    /// Each fault with how many requests matched it.
    pub(super) fn to_json(&self) -> Value {
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
    fn the_nth_match_meets_the_fault_and_then_so_many_more() {
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

    #[test]
    fn faults_are_read_from_json() {
        let text = r#"{"operation":"commit","action":{"kind":"status","status":503,"body":"html"}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert!(matches!(fault.action, Action::Status { status: 503, body: FaultBody::Html, .. }));
        assert!(serde_json::from_str::<Fault>(r#"{"operaton":"commit","action":{"kind":"hang"}}"#).is_err());
    }
}
