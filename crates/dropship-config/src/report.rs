//! All problems of a configuration, shown at once with lines and carets as compilers do.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use dropship_redact::{is_hidden, mask};

use super::source::{SourceText, char_boundary_before};

/// Severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is rejected.
    Error,
    /// A warning; the configuration is used.
    Warning,
}

/// One problem and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// The file that contains it.
    pub file: PathBuf,
    /// Line, from 1; 0 when it concerns the whole file.
    pub line: usize,
    /// Column in characters, from 1; 0 when it concerns the whole file.
    pub column: usize,
    /// The problem.
    pub message: String,
    /// The remedy.
    pub help: Option<String>,
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

/// The lines that a problem points at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    span: Range<usize>,
}

/// Problems of one configuration, in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The problems, errors and warnings, in file order.
    pub problems: Vec<Problem>,
}

impl Problem {
    /// A problem at a place of a file; `span` is in bytes.
    pub(super) fn at(source: &SourceText, span: Range<usize>, message: impl Into<String>) -> Self {
        let text = &*source.text;
        let start = char_boundary_before(text, span.start.min(text.len()));
        let end = char_boundary_before(text, span.end.clamp(start, text.len()));
        let Range { start: line_start, end: line_end } = source.line_of(start);
        // A comment can say anything, also a secret.
        let line_end = match comment_start(&text[line_start..line_end]) {
            Some(length) if line_start + length >= end => line_start + length,
            _ => line_end,
        };
        // A table's span may cover many lines; its first line is what a reader looks for.
        let shown_end = end.clamp(start, line_end);
        let before = source.masked(line_start..start);
        let marked = source.masked(start..shown_end);
        let after = source.masked(shown_end..line_end);
        let message = source.hide(&message.into(), &(line_start..end.max(line_end)));
        Self {
            severity: Severity::Error,
            file: source.path.clone(),
            line: source.line(start),
            column: text[line_start..start].chars().count() + 1,
            message,
            help: None,
            excerpt: Some(Excerpt {
                span: before.len()..before.len() + marked.len(),
                text: format!("{before}{marked}{after}").trim_end().to_owned(),
            }),
        }
    }

    /// A problem of a whole file, such as one that cannot be read.
    pub fn of_file(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: path.into(),
            line: 0,
            column: 0,
            message: mask(&message.into()),
            help: None,
            excerpt: None,
        }
    }

    /// The same problem with its remedy.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(mask(&help.into()));
        self
    }

    /// The same problem as a warning.
    #[must_use]
    pub fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    fn render(&self, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        // The author of an included file can choose its name.
        let path = one_line(&self.file.to_string_lossy());
        let mut group: Group<'_> = match &self.excerpt {
            Some(excerpt) => {
                let end = excerpt.span.end.min(excerpt.text.len());
                let span = excerpt.span.start.min(end)..end;
                level.primary_title(&*self.message).element(
                    Snippet::source(&*excerpt.text)
                        .line_start(self.line)
                        .path(&*path)
                        .annotation(AnnotationKind::Primary.span(span)),
                )
            }
            None => Group::with_title(level.primary_title(format!("{path}: {}", self.message))),
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(&**help));
        }
        renderer.render(&[group])
    }
}

/// A text with control characters, line breaks and hidden characters escaped.
#[must_use]
pub fn one_line(text: &str) -> String {
    let escaped = |c: char| if is_hidden(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// Where the comment at the end of a line begins.
fn comment_start(line: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in line.bytes().enumerate() {
        match (quote, byte) {
            (None, b'#') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

impl Report {
    #[cfg(test)]
    pub(super) fn of(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }

    /// Whether there are neither errors nor warnings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The number of errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        let error = |problem: &&Problem| problem.severity == Severity::Error;
        self.problems.iter().filter(error).count()
    }

    /// Every problem with its line and caret, and a closing line that counts them.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for problem in &self.problems {
            out.push_str(&problem.render(&renderer));
            out.push_str("\n\n");
        }
        out.push_str(&self.summary());
        out
    }

    /// How many errors and warnings there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |number: usize, word: &str| match number {
            1 => format!("1 {word}"),
            _ => format!("{number} {word}s"),
        };
        let errors = self.errors();
        let warnings = self.problems.len() - errors;
        match (errors, warnings) {
            (0, 0) => "No problems found".to_owned(),
            (errors, 0) => count(errors, "error"),
            (0, warnings) => count(warnings, "warning"),
            (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceText {
        SourceText::new("dropship.toml".into(), text)
    }

    #[test]
    fn problem_shows_its_line_and_a_caret() {
        let text = "[api]\nworkers = 4\nwörkers = 9\n";
        let at = text.find("wörkers").expect("there");
        let problem =
            Problem::at(&source(text), at..at + 8, "unknown key `wörkers`").with_help("say `workers`");
        assert_eq!((problem.line, problem.column), (3, 1));
        let report = Report::of(problem);
        assert_eq!(
            report.to_string(),
            "error: unknown key `wörkers`\n \
             --> dropship.toml:3:1\n  \
             |\n\
             3 | wörkers = 9\n  \
             | ^^^^^^^\n  \
             |\n  \
             = help: say `workers`\n\n\
             1 error"
        );
        assert!(report.render(true).contains("\u{1b}["));
    }

    #[test]
    fn spans_beyond_the_text_or_within_a_character_do_not_panic() {
        for (text, span) in [("", 0..9), ("é", 1..1), ("a\r\nb", 0..4), ("a", 7..9)] {
            let shown = Report::of(Problem::at(&source(text), span, "bad")).to_string();
            assert!(shown.starts_with("error: bad"), "{shown}");
        }
    }

    #[test]
    fn as_json_a_problem_is_flat() {
        let problem = Problem::of_file("a.toml", "cannot be read").into_warning();
        let json = serde_json::to_value(Report::of(problem)).expect("json");
        assert_eq!(
            json,
            serde_json::json!({"problems": [{"severity": "warning", "file": "a.toml", "line": 0, "column": 0,
                "message": "cannot be read", "help": null}]})
        );
    }
}
