//! Microsoft's words that rules for labels hang on.

/// Audiences that an attestation-signed driver may go to.
///
/// Source: "Publishing restrictions" and "Attestation signing" (since 2023-03-01).
const TEST_AUDIENCES: &[&str] = &["testregistrykey", "surfacessrk", "testregistrykey/surfacessrk"];

/// Whether an audience, by its name or audience name, is one for tests.
#[must_use]
pub fn is_test_audience(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric() || *c == '/').collect();
    TEST_AUDIENCES.contains(&plain.to_ascii_lowercase().as_str())
}

/// Whether a text is a GUID, with or without braces.
#[must_use]
pub fn is_guid(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    let mut parts = inner.split('-');
    let fits = [8, 4, 4, 4, 12].iter().all(|length| {
        parts
            .next()
            .is_some_and(|part| part.len() == *length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    fits && parts.next().is_none()
}

/// A GUID as requests hold it: lower case, without braces.
#[must_use]
pub fn plain_guid(text: &str) -> String {
    text.trim_matches(['{', '}']).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_audiences_are_known_under_both_of_their_names() {
        for name in ["Test Registry Key", "Test_Registry_Key", "test registry key", "Surface SSRK"] {
            assert!(is_test_audience(name), "{name}");
        }
        for name in ["", "Retail", "My Test Registry Key 2"] {
            assert!(!is_test_audience(name), "{name}");
        }
    }

    #[test]
    fn guids_are_told_from_names() {
        assert!(is_guid("2F3d3eB7-0ed5-4f28-8e06-5b3e5e7d1a11"));
        assert!(is_guid("{2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11}"));
        for bad in ["", "amd64", "2f3d3eb70ed54f288e065b3e5e7d1a11", "2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a1g"] {
            assert!(!is_guid(bad), "{bad}");
        }
    }
}
