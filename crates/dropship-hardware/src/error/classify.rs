//! From a response's status, code and message to what they mean for the caller.

use super::body::ErrorBody;
use super::kinds::{Execution, Recovery};

/// The meaning of an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Classification {
    /// The remedy.
    pub(crate) recovery: Recovery,
    /// Whether the service executed the call.
    pub(crate) execution: Execution,
}

/// Classifies an error response. `is_repeatable`: repeating the call does no harm.
pub(crate) fn classify(status: u16, body: &ErrorBody, is_repeatable: bool) -> Classification {
    let execution = match status {
        400..=499 if status != 408 => Execution::Rejected,
        _ => Execution::Unknown,
    };
    let lost = if is_repeatable { Recovery::Retry } else { Recovery::Reconcile };
    let recovery = match status {
        // A proxy that refuses the request does not forward it.
        403 | 407 if body.is_of_proxy(status) => Recovery::Retry,
        401 => Recovery::Credentials,
        408 | 500..=599 => by_words(body).unwrap_or(lost),
        429 => Recovery::Retry,
        409 if has_code(body, &["requestInvalidForCurrentState"]) => {
            by_words(body).unwrap_or(Recovery::Permanent)
        }
        409 => by_words(body).unwrap_or(Recovery::Reconcile),
        // These codes are about the object, not about missing roles.
        403 if has_code(body, &["updateUnauthorized", "readOnlyProduct"]) => {
            by_words(body).unwrap_or(Recovery::Permanent)
        }
        403 => by_words(body).unwrap_or(Recovery::Permission),
        400..=499 => by_words(body).unwrap_or(Recovery::Permanent),
        // Redirects are not followed: the token must not be sent to an address from a response.
        _ => Recovery::Permanent,
    };
    Classification { recovery, execution }
}

/// Recognises functional errors by their message, because their codes are ambiguous. Apostrophes and full stops vary.
fn by_words(body: &ErrorBody) -> Option<Recovery> {
    let mut words = body.message.to_lowercase().replace(['\u{2019}', '\u{2018}', '`'], "'");
    for (_, message) in &body.validation {
        words.push(' ');
        words.push_str(&message.to_lowercase());
    }
    let has = |phrase: &str| words.contains(phrase);
    if has("yet ready") || has("another workflow") || has("updated at this time") {
        return Some(Recovery::NotReady);
    }
    if has("only pending submissions") || has("initial submission already exists") {
        return Some(Recovery::Reconcile);
    }
    None
}

/// Whether the service's code is one of these, ignoring case.
fn has_code(body: &ErrorBody, codes: &[&str]) -> bool {
    body.code.as_deref().is_some_and(|code| codes.iter().any(|known| code.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_body(code: &str, message: &str) -> ErrorBody {
        ErrorBody { code: Some(code.into()), message: message.into(), ..ErrorBody::default() }
    }

    #[test]
    fn documented_error_is_classified() {
        let of = |status, code, message| {
            let Classification { recovery, execution } = classify(status, &error_body(code, message), false);
            (recovery, execution)
        };
        let state = "RequestInvalidForCurrentState";
        assert_eq!(of(422, "InvalidInput", "x"), (Recovery::Permanent, Execution::Rejected));
        assert_eq!(
            of(
                422,
                "invalidInput",
                "Can\u{2019}t update the shipping label when another workflow is in progress. Try again."
            ),
            (Recovery::NotReady, Execution::Rejected)
        );
        assert_eq!(
            of(409, state, "Submission isn't yet ready to create shipping label. Retry after some time"),
            (Recovery::NotReady, Execution::Rejected)
        );
        assert_eq!(of(400, state, "Submission is not yet ready"), (Recovery::NotReady, Execution::Rejected));
        assert_eq!(
            of(400, state, "Only pending submissions can be committed."),
            (Recovery::Reconcile, Execution::Rejected)
        );
        assert_eq!(
            of(502, state, "Only pending submissions can be committed"),
            (Recovery::Reconcile, Execution::Unknown)
        );
        assert_eq!(
            of(422, state, "Initial submission already exists"),
            (Recovery::Reconcile, Execution::Rejected)
        );
        assert_eq!(
            of(403, "updateUnauthorized", "Not authorized"),
            (Recovery::Permanent, Execution::Rejected)
        );
        assert_eq!(
            of(403, "UpdateUnauthorized", "Product Name can't be updated at this time. Try again."),
            (Recovery::NotReady, Execution::Rejected)
        );
        assert_eq!(of(403, "readOnlyProduct", "Not allowed"), (Recovery::Permanent, Execution::Rejected));
        assert_eq!(of(403, "forbidden", "no"), (Recovery::Permission, Execution::Rejected));
        assert_eq!(
            of(404, "entityNotFound", "Product not found"),
            (Recovery::Permanent, Execution::Rejected)
        );
        assert_eq!(of(401, "", ""), (Recovery::Credentials, Execution::Rejected));
        assert_eq!(of(429, "", ""), (Recovery::Retry, Execution::Rejected));
        assert_eq!(of(503, "", ""), (Recovery::Reconcile, Execution::Unknown));
        assert_eq!(of(302, "", ""), (Recovery::Permanent, Execution::Unknown));
        assert_eq!(classify(500, &ErrorBody::default(), true).recovery, Recovery::Retry);
    }

    #[test]
    fn page_of_a_proxy_is_passing() {
        let page = super::super::body::read(b"<html><head><title>Blocked by policy</title></head></html>");
        for (status, execution) in
            [(403, Execution::Rejected), (407, Execution::Rejected), (502, Execution::Unknown)]
        {
            let of = |is_repeatable| classify(status, &page, is_repeatable);
            assert_eq!(of(true), Classification { recovery: Recovery::Retry, execution });
            let create = if status == 502 { Recovery::Reconcile } else { Recovery::Retry };
            assert_eq!(of(false), Classification { recovery: create, execution });
            assert_eq!(page.described(status), "a proxy answered: Blocked by policy");
        }
        let plain = super::super::body::read(b"Forbidden");
        assert_eq!(classify(403, &plain, true).recovery, Recovery::Permission);
        assert_eq!(classify(407, &plain, true).recovery, Recovery::Retry);
        assert_eq!(classify(404, &page, true).recovery, Recovery::Permanent);
    }
}
