//! A file of the configuration as it was read, and the parts of it that are never shown.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use dropship_redact::{Lifetime, MASK, mask};

use super::secret_names::looks_random;
use super::secrets::{self, HiddenReason, SecretSpan, remember_parts};

/// A file of the configuration as it was read.
#[derive(Debug, Clone)]
pub(super) struct SourceText {
    pub(super) path: PathBuf,
    pub(super) text: Arc<str>,
    /// Offsets of line ends, so that thousands of places of a large file are found quickly.
    ends: Arc<[usize]>,
    /// Values that can be secrets, in order.
    secrets: Arc<[SecretSpan]>,
}

/// A secret in a configuration is masked everywhere for this long after it was read.
const MASK_SECRET_FOR: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// Numbers with more digits are not shown after an unknown key.
const MAX_SHOWN_DIGITS: usize = 6;
/// Maximum number of lines of a secret that are masked everywhere.
const MAX_SECRET_LINES: usize = 3;
/// Maximum length of a message, in bytes.
const MAX_MESSAGE: usize = 2000;
/// Minimum length of a value that is masked in messages, in bytes.
const MIN_MASKED: usize = 3;

impl SourceText {
    pub(super) fn new(path: PathBuf, text: &str) -> Self {
        let secrets = secrets::find(text);
        for secret_span in &secrets {
            let whole = &text[secret_span.span.clone()];
            // The hidden part of a URL can begin at its host, which is no secret.
            let hidden = Some(&text[secret_span.hidden.clone()]).filter(|_| !whole.contains("://"));
            for secret in [Some(whole), hidden].into_iter().flatten() {
                // Any word can stand where a value is only unusual.
                if secret_span.why == HiddenReason::Unusual && !looks_random(secret) {
                    continue;
                }
                // A text that is not closed extends to the end of the file, which has other texts.
                for line in secret.lines().filter(|line| !line.trim().is_empty()).take(MAX_SECRET_LINES) {
                    remember_parts(line, Lifetime::For(MASK_SECRET_FOR));
                    // Without quotes it includes the comment after it.
                    if let Some((value, _)) = line.split_once(" #") {
                        remember_parts(value, Lifetime::For(MASK_SECRET_FOR));
                    }
                }
                if let Some(value) = unescaped(secret) {
                    remember_parts(&value, Lifetime::For(MASK_SECRET_FOR));
                }
            }
        }
        let ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { path, ends, text: text.into(), secrets: secrets.into() }
    }

    /// Whether a place overlaps a value that can be a secret.
    pub(super) fn is_secret(&self, at: &Range<usize>) -> bool {
        self.overlapping(at).any(|secret_span| secret_span.why != HiddenReason::Unusual)
    }

    /// Whether a secret stands anywhere in the file.
    pub(super) fn has_secret(&self) -> bool {
        self.secrets.iter().any(|secret_span| secret_span.why == HiddenReason::Secret)
    }

    /// Whether a place overlaps a value that is not shown.
    pub(super) fn is_hidden(&self, at: &Range<usize>) -> bool {
        self.overlapping(at).next().is_some()
    }

    fn overlapping(&self, at: &Range<usize>) -> impl Iterator<Item = &SecretSpan> {
        let first = self.secrets.partition_point(|secret_span| secret_span.hidden.end <= at.start);
        let end = at.end.max(at.start + 1);
        self.secrets[first..].iter().take_while(move |secret_span| secret_span.hidden.start < end)
    }

    /// A part of the text, masked.
    pub(super) fn masked(&self, at: Range<usize>) -> String {
        let mut out = String::new();
        let mut copied = at.start;
        for secret_span in self.overlapping(&at) {
            let hidden = secret_span.hidden.start.max(copied)..secret_span.hidden.end.min(at.end);
            if hidden.start < hidden.end {
                out.push_str(&mask(&self.text[copied..hidden.start]));
                out.push_str(MASK);
                copied = hidden.end;
            }
        }
        out.push_str(&mask(&self.text[copied..at.end]));
        out
    }

    /// A message about the place without the values that can be secrets.
    pub(super) fn hide(&self, message: &str, at: &Range<usize>) -> String {
        let mut message = message.to_owned();
        for secret_span in self.overlapping(at) {
            for value in [&secret_span.span, &secret_span.hidden].map(|span| &self.text[span.clone()]) {
                if value.len() >= MIN_MASKED {
                    message = message.replace(value, MASK);
                    if let Some(value) = unescaped(value).filter(|value| value.len() >= MIN_MASKED) {
                        message = message.replace(&value, MASK);
                    }
                }
            }
        }
        shortened(mask(&message))
    }

    /// The same text with one more place that can hold a secret.
    pub(super) fn hiding(&self, hidden: Range<usize>) -> Self {
        let mut secrets = self.secrets.to_vec();
        secrets.retain(|secret_span| {
            secret_span.hidden.end <= hidden.start || hidden.end <= secret_span.hidden.start
        });
        secrets.push(SecretSpan { span: hidden.clone(), hidden, why: HiddenReason::Unusual });
        secrets.sort_by_key(|secret_span| secret_span.hidden.start);
        Self { secrets: secrets.into(), ..self.clone() }
    }

    /// The same text without the value after a key whose name ends at the start of `rest`, the rest of its line.
    pub(super) fn hiding_value(&self, rest: Range<usize>) -> Self {
        let text = &self.text[rest.clone()];
        let Some(sign) = text.find(['=', ':']) else { return self.clone() };
        let value = text[sign + 1..].trim_start();
        let start = rest.end - value.len();
        let value = value.trim_end();
        let is_number = value.len() <= MAX_SHOWN_DIGITS && value.bytes().all(|byte| byte.is_ascii_digit());
        let is_shown = is_number || matches!(value, "true" | "false");
        if is_shown { self.clone() } else { self.hiding(start..start + value.len()) }
    }

    /// The line that holds a byte, without its end.
    pub(super) fn line_of(&self, at: usize) -> Range<usize> {
        let at = char_boundary_before(&self.text, at.min(self.text.len()));
        let start = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        start..self.text[at..].find('\n').map_or(self.text.len(), |length| at + length)
    }

    /// Line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end < at) + 1
    }
}

/// The text that a TOML string stands for, if it has escapes.
fn unescaped(raw: &str) -> Option<String> {
    if !raw.contains('\\') {
        return None;
    }
    match format!("\"{raw}\"").parse::<toml::Value>() {
        Ok(toml::Value::String(value)) => Some(value),
        _ => None,
    }
}

/// A message of a bounded length: names and values in it can be of any length.
fn shortened(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        message.truncate(char_boundary_before(&message, MAX_MESSAGE));
        message.push('…');
    }
    message
}

/// The nearest character boundary at or before `at`.
pub(super) fn char_boundary_before(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
