//! The query of a request, within limits.

use std::str::FromStr;

use super::refusal::RequestRefusal;

/// Maximum length of a query in bytes.
const MAX_QUERY: usize = 4096;

/// Maximum number of parameters.
const MAX_PARAMETERS: usize = 32;

/// Maximum length of a value in characters.
const MAX_VALUE: usize = 400;

/// The parameters of a request, each at most once. Empty values, which forms send, are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct QueryParameters(Vec<(String, String)>);

impl QueryParameters {
    /// Reads the query of a request that knows the parameters `known`.
    pub(super) fn read(text: Option<&str>, known: &[&str]) -> Result<Self, RequestRefusal> {
        let text = text.unwrap_or_default();
        if text.len() > MAX_QUERY {
            return Err(RequestRefusal::Malformed(format!("the query is longer than {MAX_QUERY} bytes")));
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (count, part) in text.split('&').filter(|part| !part.is_empty()).enumerate() {
            if count >= MAX_PARAMETERS {
                return Err(RequestRefusal::Malformed(format!(
                    "the query has more than {MAX_PARAMETERS} parameters"
                )));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decoded(name).ok_or_else(|| {
                RequestRefusal::Malformed("the query has a name that is not UTF-8".to_owned())
            })?;
            let bad = |why: &str| RequestRefusal::parameter(&name, why);
            if !known.contains(&name.as_str()) {
                return Err(bad("this page has no such parameter"));
            }
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(bad("it is given more than once"));
            }
            let value = decoded(value).ok_or_else(|| bad("its value is not UTF-8"))?;
            if value.chars().count() > MAX_VALUE {
                return Err(bad(&format!("its value is longer than {MAX_VALUE} characters")));
            }
            if value.chars().any(char::is_control) {
                return Err(bad("its value has a control character"));
            }
            parameters.push((name, value));
        }
        parameters.retain(|(_, value)| !value.trim().is_empty());
        Ok(Self(parameters))
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.trim())
    }

    /// The value of a parameter, as a `T`; `expected` completes "it must be …".
    pub(super) fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, RequestRefusal> {
        let parsed = self.get(name).map(|value| value.parse().map_err(|_| value));
        parsed.transpose().map_err(|value| {
            RequestRefusal::parameter(name, format!("`{value}` cannot be used; it must be {expected}"))
        })
    }
}

/// A percent-encoded text of a query, in which `+` stands for a blank; `None` if it is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// A percent-encoded segment of a path; `None` if it is not UTF-8.
pub(super) fn decoded_segment(text: &str) -> Option<String> {
    decoded(&text.replace('+', "%2B"))
}

#[cfg(test)]
mod tests {
    use dropship_web::page::encoded;

    use super::*;

    #[test]
    fn parameters_are_decoded_and_limited() {
        let read = |text: &str| QueryParameters::read(Some(text), &["a", "b"]);
        let query = read("a=x+y%26%C3%BC&b=&&").expect("a query");
        assert_eq!((query.get("a"), query.get("b")), (Some("x y&ü"), None));
        assert_eq!(query.parse::<u32>("a", "a number").expect_err("no number").status(), 400);
        for bad in [
            "c=1".to_owned(),
            "a=1&a=2".to_owned(),
            "a=%ff".to_owned(),
            "a=%".to_owned(),
            "a=%0a".to_owned(),
            "a=%zz".to_owned(),
            format!("a={}", "x".repeat(401)),
            format!("a={}", "x".repeat(5000)),
            "b=&".repeat(40),
        ] {
            assert_eq!(read(&bad).expect_err("refused").status(), 400, "{bad}");
        }
    }

    #[test]
    fn encoded_text_reads_back() {
        for text in ["", "a b+c&d=e/f?g#h%i", "ü\u{202e}\"<script>"] {
            assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
            assert_eq!(decoded_segment(&encoded(text)).as_deref(), Some(text));
        }
    }
}
