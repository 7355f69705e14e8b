#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dropship_redact::{Lifetime, MASK, mask, remember};
use libfuzzer_sys::fuzz_target;

/// It has characters that each encoding writes in another way.
const SECRET: &str = "hQ8~k/+\"\\<&%'é=9 zW";

static ENCODED: LazyLock<Vec<String>> = LazyLock::new(|| {
    remember(SECRET, Lifetime::Process);
    encodings()
});

// A text with a live secret at some place, in some encoding, never shows it. The first byte is the encoding, the second the
// place.
fuzz_target!(|data: &[u8]| {
    let [encoding, place, rest @ ..] = data else { return };
    let encoded = &ENCODED[usize::from(*encoding) % ENCODED.len()];
    let place = rest.len() * usize::from(*place) / 255;
    let text =
        format!("{}{encoded}{}", String::from_utf8_lossy(&rest[..place]), String::from_utf8_lossy(&rest[place..]));
    let masked = mask(&text);
    assert!(masked.contains(MASK), "{text}\n{masked}");
    for encoded in ENCODED.iter() {
        assert!(!masked.contains(encoded.as_str()), "{text}\n{masked}");
    }
});

/// The ways in which an echo writes the secret.
fn encodings() -> Vec<String> {
    let json = serde_json::to_string(SECRET).unwrap_or_default();
    let html = SECRET.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;");
    let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let references: String = SECRET.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect();
    let escapes: String = SECRET.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let twice = percent.replace('%', "%25");
    let mut all = vec![SECRET.to_owned(), json.trim_matches('"').to_owned(), html, percent, references, escapes, twice];
    for before in ["", "a", "ab"] {
        let bytes = format!("{before}{SECRET}ab");
        // The characters that depend on the neighbours are not part of it.
        for encoded in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            all.push(encoded.trim_end_matches('=').to_owned());
        }
    }
    all
}
