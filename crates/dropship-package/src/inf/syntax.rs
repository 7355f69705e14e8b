//! Sections, lines, strings: the syntax of general-syntax-rules-for-inf-files.md.

use std::collections::HashMap;

use super::budget::ADDED;

/// Maximum number of lines of an INF.
const LINES: usize = 200_000;
/// Maximum number of characters of a value after its string tokens are replaced, as in Windows.
const VALUE: usize = 4096;
/// Maximum number of values of one line, and of all lines.
const VALUES: usize = 512;
const ALL_VALUES: usize = 400_000;

/// Placeholders that stampinf replaces in an `.inx` file.
const PLACEHOLDERS: [&str; 4] = ["$ARCH$", "$KMDFVERSION$", "$KMDFCOINSTALLERVERSION$", "$UMDFVERSION$"];

/// One line of a section: `key = value, value` or `value, value`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct InfLine {
    /// Text before the equals sign; empty if there is none.
    pub(super) key: String,
    /// Values, without enclosing blanks and quotes.
    pub(super) values: Vec<String>,
}

impl InfLine {
    /// A value by its index; empty if it is left out.
    pub(super) fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or("", String::as_str)
    }
}

/// An INF as sections. Names are case-insensitive; sections with the same name are merged.
#[derive(Debug, Default)]
pub(super) struct InfDocument {
    /// Lines by section name in lower case, in the order of the file.
    sections: HashMap<String, Vec<InfLine>>,
    /// Section names in lower case, in the order of the file.
    pub(super) names: Vec<String>,
    /// Texts by token in lower case.
    strings: HashMap<String, String>,
    /// Tokens that no `[Strings]` section defines.
    pub(super) undefined: Vec<String>,
    /// Bytes that string tokens have added to this INF and to those before it.
    pub(super) added: usize,
}

impl InfDocument {
    /// Reads a whole INF. String tokens have added bytes to the INFs before it.
    pub(super) fn read(text: &str, added: usize) -> Self {
        let mut raw = RawSections::default();
        raw.read(text);
        let mut document = Self { strings: raw.strings(), added, ..Self::default() };
        for name in &raw.names {
            let mut lines = raw.sections.remove(name).unwrap_or_default();
            for line in &mut lines {
                document.expand(&mut line.key);
                line.values.iter_mut().for_each(|value| document.expand(value));
            }
            document.sections.insert(name.clone(), lines);
        }
        document.names = raw.names;
        document.undefined.sort_unstable();
        document.undefined.dedup();
        document
    }

    /// The lines of a section; none if it does not exist.
    pub(super) fn section(&self, name: &str) -> &[InfLine] {
        self.sections.get(&name.to_lowercase()).map(Vec::as_slice).unwrap_or_default()
    }

    /// True if the section exists, even if it is empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.sections.contains_key(&name.to_lowercase())
    }

    /// The first value of a key in a section, unless it is empty.
    pub(super) fn value(&self, section: &str, key: &str) -> Option<&str> {
        let line = self.section(section).iter().find(|line| line.key.eq_ignore_ascii_case(key))?;
        Some(line.value(0)).filter(|value| !value.is_empty())
    }

    /// The first placeholder of an `.inx` file outside of comments.
    pub(super) fn placeholder(&self) -> Option<&'static str> {
        let holds = |text: &str| {
            let text = text.to_ascii_uppercase();
            PLACEHOLDERS.into_iter().find(|placeholder| text.contains(placeholder))
        };
        let lines = self.sections.values().flatten();
        let texts = lines.flat_map(|line| std::iter::once(&line.key).chain(&line.values));
        self.names.iter().chain(texts).filter(|text| text.contains('$')).find_map(|text| holds(text))
    }

    /// Replaces string tokens. Replaced text is not expanded again: Windows does not either, and no text can grow without
    /// bound. After [`ADDED`] bytes the texts stay as they are.
    fn expand(&mut self, text: &mut String) {
        if self.added > ADDED || !text.contains('%') {
            return;
        }
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            let Some((token, behind)) = after.split_once('%') else {
                out.push('%');
                rest = after;
                continue;
            };
            if token.is_empty() {
                out.push('%');
            } else if let Some(value) = self.strings.get(&token.to_lowercase()) {
                out.push_str(value);
            } else {
                // Directory identifiers (%13%) are not strings.
                if !token.bytes().all(|byte| byte.is_ascii_digit()) && self.undefined.len() < 64 {
                    self.undefined.push(token.to_owned());
                }
                out.push('%');
                out.push_str(token);
                out.push('%');
            }
            rest = behind;
            if out.len() > VALUE {
                break;
            }
        }
        out.push_str(rest);
        let out = shortened(&out);
        self.added = self.added.saturating_add(out.len().saturating_sub(text.len()));
        // A text of this length, without the room in which it was made.
        out.clone_into(text);
    }
}

/// The INF before its string tokens are replaced.
#[derive(Debug, Default)]
struct RawSections {
    sections: HashMap<String, Vec<InfLine>>,
    names: Vec<String>,
}

impl RawSections {
    fn read(&mut self, text: &str) {
        let mut current: Option<String> = None;
        let mut count = 0usize;
        for line in logical_lines(text) {
            let line = line.trim();
            if let Some(name) =
                line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name)
            {
                let name = name.trim().trim_matches('"').to_lowercase();
                if !self.sections.contains_key(&name) {
                    self.sections.insert(name.clone(), Vec::new());
                    self.names.push(name.clone());
                }
                current = Some(name);
            } else if !line.is_empty()
                && let Some(section) = current.as_ref().and_then(|name| self.sections.get_mut(name))
            {
                let line = split(line);
                count = count.saturating_add(line.values.len());
                if count > ALL_VALUES {
                    return;
                }
                section.push(line);
            }
        }
    }

    /// Definitions of `[Strings]`, and those of its translations for tokens that it does not define. The first definition
    /// applies.
    fn strings(&self) -> HashMap<String, String> {
        let mut found = HashMap::new();
        let translations = self.names.iter().filter(|name| name.starts_with("strings."));
        for name in std::iter::once("strings").chain(translations.map(String::as_str)) {
            for line in self.sections.get(name).map(Vec::as_slice).unwrap_or_default() {
                if !line.key.is_empty() {
                    found
                        .entry(line.key.to_lowercase())
                        .or_insert_with(|| shortened(line.value(0)).to_owned());
                }
            }
        }
        found
    }
}

/// The beginning of a text, as far as a value may be long.
fn shortened(text: &str) -> &str {
    text.char_indices().nth(VALUE).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Lines without comments; continued lines are joined.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    for physical in
        text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).take(LINES)
    {
        let code = without_comment(physical).trim_end();
        if let Some(head) = code.strip_suffix('\\').filter(|head| !is_in_quotes(head)) {
            pending.push_str(head);
            pending.push(' ');
            continue;
        }
        pending.push_str(code);
        lines.push(std::mem::take(&mut pending));
    }
    lines.push(pending);
    lines
}

/// True if a quote is open at the end of the text.
fn is_in_quotes(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1
}

/// The line without its comment. A semicolon inside quotes or a string token does not start a comment.
fn without_comment(line: &str) -> &str {
    let (mut quoted, mut token) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            '"' if !token => quoted = !quoted,
            // Only a closed token hides a semicolon: a single percent sign is text.
            '%' if token => token = false,
            '%' if !quoted => {
                let rest = line.get(at.saturating_add(1)..).unwrap_or_default();
                token = rest.contains('%') && !rest.starts_with('%');
            }
            ';' if !quoted && !token => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

/// Splits a line at its equals sign and its commas.
fn split(line: &str) -> InfLine {
    let mut found = InfLine::default();
    let (mut part, mut quoted, mut keyed) = (String::new(), false, false);
    // A value keeps blanks inside quotes and loses those outside.
    let mut kept = 0usize;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                part.push('"');
            }
            '"' => {
                quoted = !quoted;
                kept = part.len();
            }
            '=' if !quoted && !keyed && found.values.is_empty() => {
                found.key = finish(std::mem::take(&mut part), std::mem::take(&mut kept));
                keyed = true;
            }
            ',' if !quoted && found.values.len() < VALUES => {
                found.values.push(finish(std::mem::take(&mut part), std::mem::take(&mut kept)));
            }
            c if c.is_whitespace() && !quoted && part.is_empty() => {}
            c => part.push(c),
        }
    }
    found.values.push(finish(part, kept));
    found
}

/// Removes trailing blanks, except quoted ones: the first `kept` bytes stay.
fn finish(mut text: String, kept: usize) -> String {
    let end = text.trim_end().len().max(kept);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_split_at_equals_sign_and_commas_outside_quotes() {
        let line = split(r#"%a% = "x, ""y"" ; z" , b , ,"  c ""#);
        assert_eq!(line.key, "%a%");
        assert_eq!(line.values, ["x, \"y\" ; z", "b", "", "  c "]);
        assert_eq!(split("a, b=c").values, ["a", "b=c"]);
        assert_eq!(split("x = y = z").values, ["y = z"]);
    }

    #[test]
    fn comments_are_removed_and_continued_lines_joined() {
        let text = "[A] ; c\r\nk = 1, \\ ; why\r\n  2\rm=%s;x%, \"a;b\" ; c\n[a]\nq = 100%, 5 ; c\n[Strings]\n\"s;x\" = \"v\"";
        let document = InfDocument::read(text, 0);
        let lines = document.section("A");
        assert_eq!(lines[0].values, ["1", "2"]);
        assert_eq!(lines[1].values, ["v", "a;b"]);
        assert_eq!(lines[2].values, ["100%", "5"]);
    }

    #[test]
    fn string_tokens_are_replaced_once_by_the_first_definition() {
        let text = "[x]\na=%One%,%%,%13%,%nope%\n[Strings.0407]\ntwo=zwei\none=eins\n[Strings]\none=\"%two%\"\none=other\n";
        let document = InfDocument::read(text, 0);
        assert_eq!(document.section("x")[0].values, ["%two%", "%", "%13%", "%nope%"]);
        assert_eq!(document.undefined, ["nope"]);
    }

    #[test]
    fn expanded_values_are_bounded_together() {
        let long = "y".repeat(3_000_000);
        for line in ["a=%s%\n", "%s%,%s%,%s%\n", "%s%%s%=\n"] {
            let text = format!("[x]\n{}[Strings]\ns=\"{long}\"\nt=\"z\"\n", line.repeat(100_000));
            let document = InfDocument::read(&text, 0);
            let lines = document.section("x");
            assert!(
                lines.len() >= 100_000 && document.added < 2 * ADDED,
                "{} {}",
                lines.len(),
                document.added
            );
            let bytes = |text: &String| text.capacity();
            let room: usize = lines
                .iter()
                .map(|line| bytes(&line.key) + line.values.iter().map(bytes).sum::<usize>())
                .sum();
            assert!(room < 6 * ADDED, "{room} bytes");
        }
    }

    #[test]
    fn expanded_value_is_bounded() {
        let text = format!("[x]\na={}\n[Strings]\ns=\"{}\"", "%s%".repeat(100_000), "y".repeat(100_000));
        let document = InfDocument::read(&text, 0);
        assert!(document.section("x")[0].value(0).len() <= VALUE);
    }
}
