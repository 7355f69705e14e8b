//! Masks secrets inside texts.

/// Replaces a secret.
const MASK: &str = "***";

/// Query parameters of a shared access signature that grant access or identify the key.
///
/// Source: "Create a service SAS", Azure Storage REST documentation.
const SENSITIVE: &[&str] = &["sig", "skoid", "sktid", "skt", "ske", "sks", "skv"];

/// Masks the values of SAS parameters (`sig=` and others) and bearer tokens anywhere in a text. Takes time linear in the
/// length of the text.
#[must_use]
pub fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut word_start = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            at += 1;
            continue;
        }
        let introduces_secret = match byte {
            b'=' => is_sensitive(&bytes[word_start..at]),
            b' ' => bytes[word_start..at].eq_ignore_ascii_case(b"bearer"),
            _ => false,
        };
        at += 1;
        if introduces_secret {
            let end = at + value_length(&text[at..]);
            if end > at && text[at..end] != *MASK {
                out.push_str(&text[copied..at]);
                out.push_str(MASK);
                copied = end;
            }
            at = end;
        }
        word_start = at;
    }
    out.push_str(&text[copied..]);
    out
}

fn is_sensitive(key: &[u8]) -> bool {
    SENSITIVE.iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes()))
}

/// Length in bytes of the value at the start of `text`.
fn value_length(text: &str) -> usize {
    let is_delimiter = |c: char| matches!(c, '&' | '"' | '\'' | '<' | ')' | '\\') || c.is_whitespace();
    text.find(is_delimiter).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_anywhere_in_a_text_is_masked() {
        for (text, masked) in [
            ("at https://h/b?SIG=a%2f; next", "at https://h/b?SIG=*** next"),
            ("{\"url\":\"https://h/b?sig=x&se=1&sig=y\"}", "{\"url\":\"https://h/b?sig=***&se=1&sig=***\"}"),
            ("Authorization: Bearer ey.x-y done", "Authorization: Bearer *** done"),
            ("\u{e9}sig=x", "\u{e9}sig=***"),
            ("sig=***x", "sig=***"),
            ("sig=bearer abc", "sig=*** abc"),
        ] {
            assert_eq!(mask(text), masked, "{text}");
        }
    }

    #[test]
    fn text_without_a_secret_is_unchanged() {
        for text in ["", "design=3 sig= bearer", "x-sig=1 my_sig=2", "a sig=*** b", "sig=&se=1", "bearer"] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn text_with_many_secrets_is_masked_in_one_pass() {
        let text = "?sig=abc&".repeat(200_000);
        assert_eq!(mask(&text), "?sig=***&".repeat(200_000));
    }
}
