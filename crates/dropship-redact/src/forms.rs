//! The forms in which a secret can stand in a text.
//!
//! Percent-encoding, JSON and HTML escapes are undone by [`view`](crate::view), however often they were applied. So only the
//! secret itself is needed for those, and base64 of what a request can carry. Hexadecimal digits are how PostgreSQL shows octets, and how
//! servers dump what they cannot read.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::view;

/// Minimum length of a form in base64, in bytes. A shorter one says too little to be searched for.
const MIN_LENGTH: usize = 6;

/// All forms of a secret, each once; the secret itself is the first.
pub(crate) fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut plain = vec![secret.as_bytes().to_vec()];
    let spaced = secret.replace(' ', "+");
    // A secret that looks escaped is changed by the views, too.
    let decoded = view::decode(secret.as_bytes()).map(|view| view.bytes);
    let twice = decoded.as_deref().and_then(view::decode).map(|view| view.bytes);
    plain.extend([Some(spaced.into_bytes()), decoded, twice].into_iter().flatten());
    // A request carries the secret encoded for a form or as JSON, and its echo can be base64 as a whole.
    let carried = [
        secret.as_bytes().to_vec(),
        percent_encoded(secret, b"-._*", true),
        percent_encoded(secret, b"-._~", false),
        json_escaped(secret),
    ];
    let carried: BTreeSet<Vec<u8>> = carried.into_iter().collect();
    plain.extend(carried.iter().flat_map(|bytes| base64_forms(bytes)));
    plain.extend(carried.iter().flat_map(|bytes| hex_forms(bytes)));
    let mut seen = BTreeSet::new();
    plain.retain(|form| !form.is_empty() && seen.insert(form.clone()));
    plain
}

/// Percent-encoded, except for letters, digits and `safe`; a form has `+` for a space.
fn percent_encoded(text: &str, safe: &[u8], is_form: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in text.as_bytes() {
        match byte {
            b' ' if is_form => out.push(b'+'),
            byte if byte.is_ascii_alphanumeric() || safe.contains(&byte) => out.push(byte),
            byte => out.extend(format!("%{byte:02X}").bytes()),
        }
    }
    out
}

fn json_escaped(text: &str) -> Vec<u8> {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').as_bytes().to_vec()
}

/// Hexadecimal digits, in small and in capital letters.
fn hex_forms(bytes: &[u8]) -> [Vec<u8>; 2] {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [digits.to_uppercase().into_bytes(), digits.into_bytes()]
}

/// Base64 in both alphabets at each of the three alignments, without the characters that also depend on neighbouring bytes.
fn base64_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (shift, start) in [(0, 0), (1, 2), (2, 3)] {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(bytes);
        let end = shifted.len() * 8 / 6;
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            if let Some(form) = encoded.as_bytes().get(start..end).filter(|form| form.len() >= MIN_LENGTH) {
                found.push(form.to_vec());
            }
        }
    }
    found
}
