//! GUIDs as texts, with or without braces.

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

/// A GUID in the form that requests use: lower case, without braces.
#[must_use]
pub fn plain_guid(text: &str) -> String {
    text.trim_matches(['{', '}']).to_ascii_lowercase()
}

/// A GUID without its braces; other texts are returned unchanged.
#[must_use]
pub fn without_braces(guid: &str) -> &str {
    let inner = guid.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.filter(|inner| !inner.is_empty()).unwrap_or(guid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guid_accepts_braces_and_refuses_other_forms() {
        assert!(is_guid("2F3d3eB7-0ed5-4f28-8e06-5b3e5e7d1a11"));
        assert!(is_guid("{2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11}"));
        for bad in ["", "amd64", "2f3d3eb70ed54f288e065b3e5e7d1a11", "2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a1g"] {
            assert!(!is_guid(bad), "{bad}");
        }
    }
}
