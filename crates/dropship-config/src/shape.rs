//! Rewrites serde's messages for operators, with suggestions.

use std::ops::Range;

use super::broken_line;
use super::report::Problem;
use super::secrets;
use super::source::SourceText;
use dropship_rules::suggest;

/// The key by which a secret is most often typed into a configuration.
const SECRET: &str = "client_secret";

/// The message for a faulty key or value, and the key that was probably meant.
pub(super) fn problem(source: &SourceText, at: &Range<usize>, message: &str) -> (Problem, Option<String>) {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (word, known) = word_and_known(rest);
        let meant = suggest::nearest(word, known.iter().copied()).map(str::to_owned);
        let line = source.line_of(at.end);
        let is_hidden = source.is_secret(&(at.end..line.end));
        // The value does not matter.
        let source = &source.hiding_value(at.end..line.end);
        if known.contains(&word) || !(is_hidden || secrets::is_secret_name(word)) {
            let problem = with_suggestion(source, at, format!("unknown key `{word}`"), word, &known);
            return (problem, meant);
        }
        let problem = Problem::at(source, at.clone(), format!("unknown key `{word}`"));
        // `client_secret` is no misspelt `client_secret_env`.
        let place = suggest::nearest(word, location_keys(&known)).filter(|_| word.len() > SECRET.len() + 1);
        let problem = match place {
            Some(place) => problem.with_help(format!("did you mean `{place}`? {}", secrets::ADVICE)),
            None => problem.with_help(secrets::ADVICE),
        };
        return (problem, meant);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let (word, known) = word_and_known(rest);
        let message = format!("`{word}` is not a value of this key");
        return (with_suggestion(source, at, message, word, &known), None);
    }
    let message = plain_type_error(message);
    if !source.is_hidden(at) {
        let problem = Problem::at(source, at.clone(), &*message);
        return (
            match header_help(source, at, &message) {
                Some(help) => problem.with_help(help),
                None => problem,
            },
            None,
        );
    }
    // What was found is not shown.
    let message = match message.split(['`', '"']).next().unwrap_or_default().trim_end() {
        "" => "this value cannot be used",
        start => start,
    };
    let problem = Problem::at(source, at.clone(), message);
    (if source.is_secret(at) { problem.with_help(secrets::ADVICE) } else { problem }, None)
}

/// The known keys that name where a secret is.
fn location_keys<'a>(known: &[&'a str]) -> Vec<&'a str> {
    let is_place =
        |key: &&str| key.ends_with("_file") || key.ends_with("_env") || key.ends_with("_credential");
    known.iter().copied().filter(is_place).collect()
}

/// The word and the known words in serde's message after its first backtick.
fn word_and_known(rest: &str) -> (&str, Vec<&str>) {
    let (word, expected) = rest.split_once("`, ").unwrap_or((rest.trim_end_matches('`'), ""));
    (word, expected.split('`').skip(1).step_by(2).collect())
}

fn with_suggestion(
    source: &SourceText,
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
fn plain_type_error(message: &str) -> String {
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

/// How to write the header of a table that is a list, or of a list that is a table.
fn header_help(source: &SourceText, at: &Range<usize>, message: &str) -> Option<String> {
    let line = source.text[source.line_of(at.start)].trim();
    let start = source.text[at.start..].trim_start();
    if message.starts_with("expected a list, found a table") && line.starts_with('[') {
        // The place is the name of the list, or its header.
        let name = &source.text[at.clone()];
        let name = if name.starts_with('[') { line.split(']').next()?.trim_start_matches('[') } else { name };
        let name = name.trim();
        return Some(format!("there can be several: begin each with `[[{name}]]`"));
    }
    if message.starts_with("expected a table, found a list") && start.starts_with("[[") {
        let name = line.split(']').next()?.trim_start_matches('[').trim();
        return Some(format!("there is only one: write `[{name}]`"));
    }
    None
}

/// A syntax error: the parser's message, and the line without what can be secret.
pub(super) fn syntax_problem(source: &SourceText, at: &Range<usize>, message: &str) -> Problem {
    let message = format!("not TOML: {}", message.replace('\n', ", "));
    let line = source.line_of(at.start);
    let (before, broken) = (&source.text[..line.start], &source.text[line.clone()]);
    let problem = match broken_line::hidden_part(before, broken) {
        Some(hidden) if !hidden.is_empty() => {
            let hidden = line.start + hidden.start..line.start + hidden.end;
            return Problem::at(&source.hiding(hidden), at.clone(), message).with_help(secrets::ADVICE);
        }
        _ => Problem::at(source, at.clone(), message),
    };
    if source.is_secret(&line) { problem.with_help(secrets::ADVICE) } else { problem }
}
