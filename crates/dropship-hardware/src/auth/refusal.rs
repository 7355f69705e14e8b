//! What is kept of a refusal of the token service: its codes and ids, never its text, which can quote the request.

use std::fmt;

use crate::error::ErrorBody;

/// Maximum number of AADSTS codes that are kept.
const MAX_CODES: usize = 5;
/// Maximum length of an OAuth error code, in bytes.
const MAX_CODE: usize = 64;

/// A refusal of the token service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TokenRefusal {
    /// The OAuth error code: `invalid_client`.
    pub(super) code: Option<String>,
    /// Codes such as `AADSTS7000222`, which Microsoft documents.
    numbers: Vec<String>,
    /// For a support ticket: (kind, GUID).
    ids: Vec<(&'static str, String)>,
}

impl TokenRefusal {
    pub(super) fn of(body: &ErrorBody) -> Self {
        let is_code = |code: &&String| {
            (1..=MAX_CODE).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let text = body.message.as_str();
        let mut numbers: Vec<String> = Vec::new();
        for (at, mark) in text.match_indices("AADSTS") {
            let digits: String =
                text[at + mark.len()..].chars().take_while(char::is_ascii_digit).take(9).collect();
            let number = format!("{mark}{digits}");
            if !digits.is_empty() && numbers.len() < MAX_CODES && !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        let id = |kind: &'static str, mark: &str| {
            let (_, rest) = text.split_once(mark)?;
            let id: String = rest.trim_start().chars().take(36).collect();
            let is_guid = id.len() == 36
                && id.bytes().enumerate().all(|(at, byte)| match at {
                    8 | 13 | 18 | 23 => byte == b'-',
                    _ => byte.is_ascii_hexdigit(),
                });
            is_guid.then_some((kind, id))
        };
        let ids = [id("trace id", "Trace ID:"), id("correlation id", "Correlation ID:")];
        Self {
            code: body.code.as_ref().filter(is_code).cloned(),
            numbers,
            ids: ids.into_iter().flatten().collect(),
        }
    }
}

/// The cause of a documented code, in words of our own.
///
/// Source: "Microsoft Entra authentication and authorization error codes".
fn cause(number: &str) -> Option<&'static str> {
    Some(match number {
        "AADSTS7000215" => "the client secret is wrong; it must be the secret's value, not its id",
        "AADSTS7000222" => "the client secret has expired",
        "AADSTS7000216" => "the request has no client secret or assertion",
        "AADSTS700016" => "the tenant has no application with this client id",
        "AADSTS90002" => "there is no such tenant",
        "AADSTS900023" => "the tenant is neither a GUID nor a domain",
        "AADSTS700027" => {
            "the certificate of the assertion is not registered with the application, or has expired"
        }
        "AADSTS700024" => "the assertion is outside of its lifetime; check the clock of this machine",
        "AADSTS500011" => "the tenant does not know the Hardware dashboard API",
        "AADSTS7000112" => "the application is disabled",
        "AADSTS70021" | "AADSTS700211" | "AADSTS700213" => {
            "no federated credential of the application fits the token"
        }
        _ => return None,
    })
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = self.numbers.iter().map(|number| match cause(number) {
            Some(cause) => format!("{number}: {cause}"),
            None => number.clone(),
        });
        f.write_str(&causes.collect::<Vec<_>>().join(", "))?;
        let ids: Vec<_> = self.ids.iter().map(|(kind, id)| format!("{kind} {id}")).collect();
        match (ids.is_empty(), self.numbers.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => f.write_str(&ids.join(", ")),
            (false, false) => write!(f, " ({})", ids.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::read_body;

    #[test]
    fn refusal_keeps_codes_and_ids_and_no_text() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000222: The provided hush are expired. AADSTS1: x Trace ID: 01234567-89ab-cdef-0123-456789abcdef Correlation ID: client_secret is hush AADSTSx"}"#;
        let refusal = TokenRefusal::of(&read_body(body));
        assert_eq!(refusal.code.as_deref(), Some("invalid_client"));
        assert_eq!(
            refusal.to_string(),
            "AADSTS7000222: the client secret has expired, AADSTS1 (trace id 01234567-89ab-cdef-0123-456789abcdef)"
        );
        for body in [
            &br#"{"error":"hush=1","error_description":"hush"}"#[..],
            b"POST / hush",
            b"<title>hush</title>",
            b"",
        ] {
            assert_eq!(TokenRefusal::of(&read_body(body)), TokenRefusal::default());
        }
    }
}
