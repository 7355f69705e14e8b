//! From an answer's status, code and message to what it means for the caller.

use super::body::Said;
use super::{Class, Fate};

/// Class and fate of an answer that is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Judgement {
    /// What to do.
    pub(in super::super) class: Class,
    /// Whether it was done.
    pub(in super::super) fate: Fate,
}

/// Judges an answer that is not a success. `repeatable`: doing the call twice does no harm.
pub(in super::super) fn judge(status: u16, said: &Said, repeatable: bool) -> Judgement {
    let fate = match status {
        400..=499 if status != 408 => Fate::Refused,
        _ => Fate::Uncertain,
    };
    let lost = if repeatable { Class::Retry } else { Class::Reconcile };
    let class = match status {
        401 => Class::Credentials,
        408 | 500..=599 => by_words(said).unwrap_or(lost),
        429 => Class::Retry,
        409 if said_code(said, &["requestInvalidForCurrentState"]) => {
            by_words(said).unwrap_or(Class::Permanent)
        }
        409 => by_words(said).unwrap_or(Class::Reconcile),
        // These speak of the object, not of our roles.
        403 if said_code(said, &["updateUnauthorized", "readOnlyProduct"]) => {
            by_words(said).unwrap_or(Class::Permanent)
        }
        403 => by_words(said).unwrap_or(Class::Permission),
        400..=499 => by_words(said).unwrap_or(Class::Permanent),
        // Redirects are not followed: a token must not go where an answer points.
        _ => Class::Permanent,
    };
    Judgement { class, fate }
}

/// Functional errors that are known by their message; apostrophes and full stops vary.
fn by_words(said: &Said) -> Option<Class> {
    let mut words = said.message.to_lowercase().replace(['\u{2019}', '\u{2018}', '`'], "'");
    for (_, message) in &said.validation {
        words.push(' ');
        words.push_str(&message.to_lowercase());
    }
    let has = |phrase: &str| words.contains(phrase);
    if has("yet ready") || has("another workflow") || has("updated at this time") {
        return Some(Class::NotReady);
    }
    if has("only pending submissions") || has("initial submission already exists") {
        return Some(Class::Reconcile);
    }
    None
}

/// Whether the service's code is one of these, case-blind.
fn said_code(said: &Said, codes: &[&str]) -> bool {
    said.code.as_deref().is_some_and(|code| codes.iter().any(|known| code.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, message: &str) -> Said {
        Said { code: Some(code.into()), message: message.into(), validation: vec![] }
    }

    #[test]
    fn the_documented_table_is_judged() {
        let of = |status, code, message| {
            let Judgement { class, fate } = judge(status, &said(code, message), false);
            (class, fate)
        };
        let state = "RequestInvalidForCurrentState";
        assert_eq!(of(422, "InvalidInput", "x"), (Class::Permanent, Fate::Refused));
        assert_eq!(
            of(
                422,
                "invalidInput",
                "Can\u{2019}t update the shipping label when another workflow is in progress. Try again."
            ),
            (Class::NotReady, Fate::Refused)
        );
        assert_eq!(
            of(409, state, "Submission isn't yet ready to create shipping label. Retry after some time"),
            (Class::NotReady, Fate::Refused)
        );
        assert_eq!(of(400, state, "Submission is not yet ready"), (Class::NotReady, Fate::Refused));
        assert_eq!(
            of(400, state, "Only pending submissions can be committed."),
            (Class::Reconcile, Fate::Refused)
        );
        assert_eq!(
            of(502, state, "Only pending submissions can be committed"),
            (Class::Reconcile, Fate::Uncertain)
        );
        assert_eq!(of(422, state, "Initial submission already exists"), (Class::Reconcile, Fate::Refused));
        assert_eq!(of(403, "updateUnauthorized", "Not authorized"), (Class::Permanent, Fate::Refused));
        assert_eq!(
            of(403, "UpdateUnauthorized", "Product Name can't be updated at this time. Try again."),
            (Class::NotReady, Fate::Refused)
        );
        assert_eq!(of(403, "readOnlyProduct", "Not allowed"), (Class::Permanent, Fate::Refused));
        assert_eq!(of(403, "forbidden", "no"), (Class::Permission, Fate::Refused));
        assert_eq!(of(404, "entityNotFound", "Product not found"), (Class::Permanent, Fate::Refused));
        assert_eq!(of(401, "", ""), (Class::Credentials, Fate::Refused));
        assert_eq!(of(429, "", ""), (Class::Retry, Fate::Refused));
        assert_eq!(of(503, "", ""), (Class::Reconcile, Fate::Uncertain));
        assert_eq!(of(302, "", ""), (Class::Permanent, Fate::Uncertain));
        assert_eq!(judge(500, &Said::default(), true).class, Class::Retry);
    }
}
