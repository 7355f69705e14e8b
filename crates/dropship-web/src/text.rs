//! Untrusted text, and times, durations, sizes and counts as text.

use std::borrow::Cow;

use dropship_redact::is_hidden;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

/// A text without characters that HTML and XML forbid, that have no width or that change the direction of what follows; each is replaced by
/// `\u{…}`, as the commands print it.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) {
            cleaned.extend(letter.escape_default());
        } else {
            cleaned.push(letter);
        }
    }
    Cow::Owned(cleaned)
}

/// A message, with the parts between backticks, which commands print as they are, as code. A backtick without its counterpart stays.
#[must_use]
pub fn message(text: &str) -> Markup {
    let parts: Vec<_> = text.split('`').collect();
    html! {
        @if parts.len().is_multiple_of(2) { (text) }
        @else {
            @for (index, part) in parts.iter().enumerate() {
                @if index % 2 == 1 && !part.is_empty() { code { bdi { (part) } } } @else { (part) }
            }
        }
    }
}

/// A time to the minute, in UTC.
#[must_use]
pub fn time(at: Timestamp) -> Markup {
    html! { time datetime=(machine(at)) title=(at.strftime("%A, %Y-%m-%d %H:%M:%S UTC")) { (at.strftime("%Y-%m-%d %H:%M")) } }
}

/// A time to the second, in UTC.
#[must_use]
pub fn full_time(at: Timestamp) -> Markup {
    html! { time datetime=(machine(at)) { (at.strftime("%Y-%m-%d %H:%M:%S UTC")) } }
}

/// The time since `since`, such as `5 min`. The script of the page keeps it up to date.
#[must_use]
pub fn elapsed(since: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(machine(since)) title=(since.strftime("%Y-%m-%d %H:%M:%S UTC")) data-elapsed="" { (span(now.duration_since(since))) } }
}

/// A time as machines read it: RFC 3339 to the second.
#[must_use]
pub fn machine(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How long something took: as [`span`], with tenths of short times.
#[must_use]
pub fn took(duration: SignedDuration) -> String {
    match duration.as_secs() {
        ..10 => format!("{:.1} s", duration.as_secs_f64().max(0.0)),
        _ => span(duration),
    }
}

/// A duration with its two largest units, such as `2 h 5 min`. Negative durations are zero: clocks are set.
#[must_use]
pub fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) if minutes < 10 && seconds % 60 > 0 => format!("{minutes} min {} s", seconds % 60),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A size in bytes, such as `12.3 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A count with its noun, such as `1 job`, `12,000 jobs`.
#[must_use]
pub fn count(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A number with separators of thousands.
#[must_use]
pub fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_others_stay() {
        assert_eq!(clean("a\u{202e}b\u{0}c\u{ffff}"), "a\\u{202e}b\\u{0}c\\u{ffff}");
        assert_eq!(clean("語 é <b>"), "語 é <b>");
    }

    #[test]
    fn parts_between_backticks_are_code() {
        for (text, shown) in [
            ("label `a <b>` waits", "label <code><bdi>a &lt;b&gt;</bdi></code> waits"),
            ("`x` and `y`", "<code><bdi>x</bdi></code> and <code><bdi>y</bdi></code>"),
            ("one ` alone", "one ` alone"),
            ("a ``", "a "),
            ("", ""),
        ] {
            assert_eq!(message(text).into_string(), shown);
        }
    }

    #[test]
    fn values_are_short_texts() {
        let of = |seconds| span(SignedDuration::from_secs(seconds));
        assert_eq!([of(-5), of(0), of(59), of(65), of(600)], ["0 s", "0 s", "59 s", "1 min 5 s", "10 min"]);
        assert_eq!([of(3600), of(7500), of(86_400), of(180_000)], ["1 h", "2 h 5 min", "1 d", "2 d 2 h"]);
        assert_eq!(
            [size(0), size(1023), size(1536), size(u64::MAX)],
            ["0 B", "1023 B", "1.5 KiB", "16777216.0 TiB"]
        );
        assert_eq!(
            [number(0), number(999), number(1000), number(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
