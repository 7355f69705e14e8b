//! The bodies of errors: the API's JSON, a gateway's JSON, text, HTML, nothing.

use serde_json::Value;

use crate::bom::without_bom;
use crate::html;
use dropship_redact::mask;

/// Maximum length of the message that is kept of a body, in bytes.
const LONGEST: usize = 600;
/// Maximum number of validation errors that are kept.
const MAX_VALIDATION_ERRORS: usize = 50;
/// Maximum length of all of them together, in bytes.
const LONGEST_VALIDATION: usize = 8 << 10;

/// The content of an error's body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    /// Error code.
    pub(crate) code: Option<String>,
    /// Message; empty if the body has none.
    pub(crate) message: String,
    /// Validation errors: (target, message).
    pub(crate) validation: Vec<(String, String)>,
    /// The body is an HTML page. The service answers with JSON, so a proxy may have answered in its place.
    pub(crate) is_page: bool,
}

impl ErrorBody {
    /// Whether a proxy answered in place of the service: with 407, or with an HTML page that carries no code of the service.
    pub(crate) fn is_of_proxy(&self, status: u16) -> bool {
        status == 407 || (self.is_page && self.code.is_none() && matches!(status, 403 | 500..=599))
    }

    /// The message, which names the proxy if one answered.
    pub(crate) fn described(&self, status: u16) -> String {
        match (self.is_of_proxy(status), self.message.is_empty()) {
            (true, true) => "a proxy answered".to_owned(),
            (true, false) => format!("a proxy answered: {}", self.message),
            (false, _) => self.message.clone(),
        }
    }
}

/// Reads the body of an error in any form.
pub(crate) fn read(body: &[u8]) -> ErrorBody {
    let body = without_bom(body);
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(outer)) => read_object(&Value::Object(outer)),
        Ok(Value::String(text)) => ErrorBody { message: tidy(&text), ..ErrorBody::default() },
        _ => ErrorBody {
            message: tidy(&plain(&String::from_utf8_lossy(body))),
            is_page: html::is_page(body),
            ..ErrorBody::default()
        },
    }
}

/// Code and message of a body that is an error: of the API, a gateway or the sign-in in JSON, or of the blob store in XML;
/// `None` for any other body.
pub(crate) fn describe_error(body: &[u8]) -> Option<String> {
    let body = without_bom(body);
    let is_error = match serde_json::from_slice::<Value>(body) {
        Ok(outer) => {
            let is_named = match get(&outer, "error") {
                Some(Value::Object(error)) => !error.is_empty(),
                Some(Value::String(error)) => !error.trim().is_empty(),
                _ => false,
            };
            let has_code = text(&outer, "statusCode").or_else(|| text(&outer, "code")).is_some();
            is_named || (has_code && text(&outer, "message").is_some())
        }
        Err(_) => is_xml_error(&String::from_utf8_lossy(body)),
    };
    let ErrorBody { code, message, .. } = is_error.then(|| read(body))?;
    let parts: Vec<_> = code.into_iter().chain((!message.is_empty()).then_some(message)).collect();
    Some(if parts.is_empty() { "it names no reason".to_owned() } else { parts.join(": ") })
}

/// Whether a text is an XML document with the root `Error` and a code, as the blob store sends it.
fn is_xml_error(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    let root = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or("", |(_, root)| root.trim_start()),
        None => &text,
    };
    let is_root = root.strip_prefix("<error").is_some_and(|rest| rest.starts_with(['>', ' ']));
    is_root && root.contains("<code>")
}

fn read_object(outer: &Value) -> ErrorBody {
    // Entra says {"error":"invalid_client","error_description":"AADSTS..."}.
    if let Some(Value::String(code)) = get(outer, "error") {
        let message = text(outer, "error_description").or_else(|| text(outer, "message")).unwrap_or_default();
        return ErrorBody { code: Some(tidy(code)), message: tidy(&message), ..ErrorBody::default() };
    }
    let inner = get(outer, "error").filter(|error| error.is_object()).unwrap_or(outer);
    let either = |name| text(inner, name).or_else(|| text(outer, name));
    let validation = [inner, outer].into_iter().find_map(|object| {
        let list = get(object, "validationErrors")?.as_array()?;
        let pair = |entry: &Value| {
            let target = text(entry, "target").unwrap_or_default();
            let message =
                text(entry, "message").or_else(|| entry.as_str().map(str::to_owned)).unwrap_or_default();
            (tidy(&target), tidy(&message))
        };
        let mut used = 0;
        let fits = |(target, message): &(String, String)| {
            used += target.len() + message.len();
            used <= LONGEST_VALIDATION
        };
        (!list.is_empty())
            .then(|| list.iter().take(MAX_VALIDATION_ERRORS).map(pair).take_while(fits).collect())
    });
    ErrorBody {
        code: either("code").map(|code| tidy(&code)),
        message: tidy(&either("message").or_else(|| either("title")).unwrap_or_default()),
        validation: validation.unwrap_or_default(),
        is_page: false,
    }
}

/// A field by its name, ignoring case.
fn get<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A field's text; numbers as their digits.
fn text(object: &Value, name: &str) -> Option<String> {
    match get(object, name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The words of an HTML page, or the text itself.
fn plain(text: &str) -> String {
    let trimmed = text.trim_start();
    if !trimmed.starts_with('<') {
        return text.to_owned();
    }
    // The title is the shortest description of a page.
    let lower = trimmed.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|at| {
        let start = at + "<title>".len();
        let end = lower[start..].find("</title>")? + start;
        trimmed.get(start..end)
    });
    if let Some(title) = title.filter(|title| !title.trim().is_empty()) {
        return title.to_owned();
    }
    let mut words = String::new();
    let mut inside = false;
    for c in trimmed.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                words.push(' ');
            }
            c if !inside => words.push(c),
            _ => {}
        }
    }
    words
}

/// One line without secrets, control characters and excess.
fn tidy(text: &str) -> String {
    let masked = mask(text);
    let mut line = String::new();
    for word in masked.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
            line.truncate(end);
            line.push_str(" ...");
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_recognised_by_its_body() {
        for (body, described) in [
            (r#"{"error":{"code":"internalError","message":"try again"}}"#, "internalError: try again"),
            (r#"{"error":"invalid_client","error_description":"x"}"#, "invalid_client: x"),
            (r#"{"statusCode":500,"message":"Internal server error"}"#, "Internal server error"),
            (r#"{"Code":"NotFound","Message":"gone"}"#, "NotFound: gone"),
            (r#"{"error":{"x":1}}"#, "it names no reason"),
            (
                "\u{feff}<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code><Message>no</Message></Error>",
                "BlobNotFound no",
            ),
            ("<Error><Code>x</Code></Error>", "x"),
        ] {
            assert_eq!(describe_error(body.as_bytes()).as_deref(), Some(described), "{body}");
        }
        for body in [
            "",
            "%PDF-1.4",
            "{}",
            "[]",
            r#"{"BundleInfoMap":{}}"#,
            r#"{"error":null,"message":"x"}"#,
            r#"{"code":1}"#,
            "<Errors><Code>x</Code></Errors>",
            "<report><Error><Code>x</Code></Error></report>",
        ] {
            assert_eq!(describe_error(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn validation_errors_have_a_limit_together() {
        let errors = |length: usize| {
            let error = serde_json::json!({"target": "name", "message": "x".repeat(length)});
            let body =
                serde_json::json!({"error": {"code": "invalidInput", "validationErrors": vec![error; 80]}});
            read(body.to_string().as_bytes()).validation
        };
        assert_eq!(errors(10).len(), 50);
        let bytes: usize = errors(500).iter().map(|(target, message)| target.len() + message.len()).sum();
        assert!((7000..=8192).contains(&bytes), "{bytes}");
    }

    #[test]
    fn error_body_of_every_form_is_read() {
        let api = read(
            br#"{"error":{"code":"invalidInput","message":"Validation Failed.","validationErrors":
            [{"target":"targetingInfo.chids","message":"At least one property is required for update."}]}}"#,
        );
        assert_eq!(api.code.as_deref(), Some("invalidInput"));
        assert_eq!(api.message, "Validation Failed.");
        assert_eq!(api.validation.len(), 1);
        assert_eq!(api.validation[0].0, "targetingInfo.chids");

        let gateway = read(br#"{"statusCode":500,"message":"Internal server error","activityId":"x"}"#);
        assert_eq!((gateway.code, gateway.message.as_str()), (None, "Internal server error"));
        let entra = read(
            br#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid\r\nTrace ID: 1"}"#,
        );
        assert_eq!(entra.code.as_deref(), Some("invalid_client"));
        assert_eq!(entra.message, "AADSTS7000215: Invalid Trace ID: 1");
        assert_eq!(
            read(b"<html><head><title>502 Bad Gateway</title></head></html>").message,
            "502 Bad Gateway"
        );
        assert_eq!(read(b"<b>gone</b> away").message, "gone away");
        assert_eq!(read(b"plain text").message, "plain text");
        assert_eq!(read(b"\"a JSON text\"").message, "a JSON text");
        assert_eq!(read(b""), ErrorBody::default());
        assert_eq!(read(b"\xff\xfe\x00").code, None);
        assert_eq!(read(br#"{"error":null,"message":null}"#), ErrorBody::default());
        assert_eq!(read(b"at https://h/b?sig=abc&x").message, "at https://h/b?sig=***&x");
        assert!(read("ä".repeat(4000).as_bytes()).message.len() < 700);
    }
}
