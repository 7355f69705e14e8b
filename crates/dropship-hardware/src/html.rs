//! Recognises HTML pages: proxies and sign-in pages answer with them in place of the service.

use reqwest::header::{CONTENT_TYPE, HeaderMap};

/// First bytes of files that the service delivers, for responses whose declared type is wrong.
const FILES: [&[u8]; 5] = [b"PK", b"MSCF", b"%PDF", b"{", b"["];

/// Whether the first bytes of a body are the start of an HTML page.
pub(super) fn is_page(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body.get(..1024).unwrap_or(body)).to_ascii_lowercase();
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    // Comments and an XML declaration can precede the document type.
    while let Some(end) = skipped(rest) {
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    ["<!doctype html", "<html", "<head", "<body", "<title", "<meta", "<script", "<center"]
        .iter()
        .any(|start| rest.starts_with(start))
}

/// Whether a response is an HTML page, by its declared type and the first bytes of its body.
pub(super) fn is_response(headers: &HeaderMap, body: &[u8]) -> bool {
    is_page(body) || (is_declared(headers) && !FILES.iter().any(|start| body.starts_with(start)))
}

/// Whether the declared type of a response is HTML.
pub(super) fn is_declared(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|declared| declared.to_str().ok()).unwrap_or_default();
    let kind = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/xhtml+xml")
}

/// Length of a comment or declaration at the start.
fn skipped(text: &str) -> Option<usize> {
    let end = |start: &str, end: &str| {
        text.starts_with(start).then(|| text.find(end).map_or(text.len(), |at| at + end.len()))
    };
    end("<!--", "-->").or_else(|| end("<?xml", "?>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_recognised_by_its_first_bytes() {
        for page in [
            "<!DOCTYPE html><html>",
            "\u{feff}\r\n  <HTML><head>",
            "<!-- proxy --><!-- x -->\n<html>",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\">",
            "<head><title>407</title></head>",
            "<script>location='/login'</script>",
        ] {
            assert!(is_page(page.as_bytes()), "{page}");
        }
        for file in [
            &b"PK\x03\x04"[..],
            b"{\"html\": 1}",
            b"<?xml version=\"1.0\"?><Error><Code>x</Code></Error>",
            b"a <html> text",
            b"",
        ] {
            assert!(!is_page(file), "{file:?}");
        }
    }

    #[test]
    fn declared_type_counts_unless_the_bytes_are_a_file() {
        let mut headers = HeaderMap::new();
        assert!(!is_response(&headers, b"please sign in"));
        headers.insert(CONTENT_TYPE, "Text/HTML; charset=utf-8".parse().expect("a value"));
        assert!(is_response(&headers, b"please sign in"));
        assert!(!is_response(&headers, b"PK\x03\x04"));
    }
}
