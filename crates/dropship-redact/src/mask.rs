//! Masks secrets inside texts.

use std::ops::Range;

use crate::live::LIVE;
use crate::patterns;
use crate::registry::Registry;
use crate::value::MASK;
use crate::view::{self, MAX_LAYERS};

/// Masks every secret of this process ([`remember`](crate::remember)) in a text, in any encoding, and what looks like a secret:
/// values of parameters that carry one, `Authorization`, tokens, private keys, and user information of URLs. Takes time linear
/// in the length of the text.
#[must_use]
pub fn mask(text: &str) -> String {
    mask_with(&LIVE, text)
}

/// Masks the secrets of this process, and nothing that only looks like a secret. For texts that are compared with others.
#[must_use]
pub fn mask_live(text: &str) -> String {
    replace(text, spans(text.as_bytes(), &|text| LIVE.find(text)))
}

/// Whether a file or message holds a secret of this process, in any encoding.
#[must_use]
pub fn holds_secret(bytes: &[u8]) -> bool {
    !spans(bytes, &|text| LIVE.find(text)).is_empty()
}

/// The same as [`mask`] with the secrets of that registry.
pub(crate) fn mask_with(registry: &Registry, text: &str) -> String {
    replace(text, spans(text.as_bytes(), &|text| search(registry, text)))
}

/// The text with a mask in these places.
fn replace(text: &str, found: Vec<Range<usize>>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for span in found {
        let start = boundary(text, span.start, false).max(copied);
        let end = boundary(text, span.end, true);
        if end <= start {
            continue;
        }
        out.push_str(&text[copied..start]);
        out.push_str(MASK);
        copied = end;
    }
    out.push_str(&text[copied..]);
    out
}

/// The nearest character boundary at or before `at`, or at or after it.
fn boundary(text: &str, mut at: usize, is_end: bool) -> usize {
    while !text.is_char_boundary(at) {
        at = if is_end { at + 1 } else { at - 1 };
    }
    at
}

/// The places of secrets, in order, without overlaps; neighbours are one.
fn spans(text: &[u8], search: &dyn Fn(&[u8]) -> Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut found = search(text);
    let mut layers = Vec::new();
    while layers.len() < MAX_LAYERS {
        let inner = layers.last().map_or(text, |view: &view::DecodedText| view.bytes.as_slice());
        let Some(view) = view::decode(inner) else { break };
        let in_view = search(&view.bytes);
        layers.push(view);
        found.extend(
            in_view
                .into_iter()
                .map(|range| layers.iter().rev().fold(range, |range, view| view.source(&range))),
        );
    }
    found.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

fn search(registry: &Registry, text: &[u8]) -> Vec<Range<usize>> {
    let mut found = registry.find(text);
    found.extend(patterns::find(text));
    found
}

#[cfg(test)]
mod tests;
