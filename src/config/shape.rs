//! Rewrites serde's messages for operators, with suggestions.

use std::ops::Range;

use super::report::{Problem, Source};
use dropship_rules::suggest;

/// The message for a faulty key or value, and the key that was probably meant.
pub(super) fn problem(source: &Source, at: &Range<usize>, message: &str) -> (Problem, Option<String>) {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (word, known) = split(rest);
        let meant = suggest::nearest(word, known.iter().copied()).map(str::to_owned);
        let problem = with_suggestion(source, at, format!("unknown key `{word}`"), word, &known);
        return (problem, meant);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let (word, known) = split(rest);
        let message = format!("`{word}` is not a value of this key");
        return (with_suggestion(source, at, message, word, &known), None);
    }
    (Problem::at(source, at.clone(), types(message)), None)
}

/// The word and the known words in serde's message after its first backtick.
fn split(rest: &str) -> (&str, Vec<&str>) {
    let (word, expected) = rest.split_once("`, ").unwrap_or((rest.trim_end_matches('`'), ""));
    (word, expected.split('`').skip(1).step_by(2).collect())
}

fn with_suggestion(
    source: &Source,
    at: &Range<usize>,
    message: String,
    word: &str,
    known: &[&str],
) -> Problem {
    let problem = Problem::at(source, at.clone(), message);
    match suggest::help(word, known) {
        Some(help) => problem.with_help(help),
        None => problem,
    }
}

/// "invalid type: string "x", expected u64" in plain words.
fn types(message: &str) -> String {
    let Some(rest) =
        message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))
    else {
        return message.to_owned();
    };
    let Some((found, expected)) = rest.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let expected = match expected {
        "u64" | "u32" | "usize" => "a whole number that is not negative",
        "i64" => "a whole number",
        "a boolean" => "`true` or `false`",
        "a map" => "a table",
        "a sequence" => "a list",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    format!("expected {expected}, found {}", found.replace("map", "a table").replace("sequence", "a list"))
}

/// The parser's message with a lower-case first letter, like our own messages.
pub(super) fn syntax(message: &str) -> String {
    format!("not TOML: {}", message.replace('\n', ", "))
}
