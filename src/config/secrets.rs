//! Finds values in the text of a configuration file that can be secrets, also in a file that is not valid TOML.
//!
//! A secret never stands in a configuration. If one does, it is masked in excerpts and messages.

use std::ops::Range;

use super::secret_names::{Kind, Scope, kind};

/// A value that can be a secret, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its bytes.
    pub(super) span: Range<usize>,
    /// The part of it that is hidden.
    pub(super) hidden: Range<usize>,
}

/// Advice for a secret in the configuration.
pub(super) const ADVICE: &str = "a secret never stands in the configuration: write it to a file that only the service can read, or to a \
                                 systemd credential, and name that with `client_secret_file` or `client_secret_credential` (for a \
                                 webhook, `secret_file` or `secret_credential`); its value is not shown here";

/// Whether a key that is unknown is meant to hold a secret.
pub(super) fn is_secret_name(key: &str) -> bool {
    kind(key, Scope::Other) == Kind::Secret
}

/// All values that can be secrets, in order.
pub(super) fn find(text: &str) -> Vec<Place> {
    let mut scanner = Scanner { text, at: 0, table: Scope::Top, inline: Vec::new(), found: Vec::new() };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.found
}

/// The part of a line with a syntax error that can be secret although [`find`] did not find it: after a word that names a secret, and
/// in a table for secrets all of a line that does not begin with a known key. `before` is the text before the line.
pub(super) fn find_in_broken_line(before: &str, line: &str) -> Option<Range<usize>> {
    let header = before.lines().rev().find(|line| line.trim_start().starts_with('['));
    let scope = header.map_or(Scope::Top, |header| Scope::of(names(header)));
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let end = line.trim_end().len();
    let mut at = 0;
    let mut words = Vec::new();
    for word in line.split(|c: char| !is_part(c)) {
        let from = line[at..].find(word).map_or(at, |length| at + length);
        at = from + word.len();
        if !word.is_empty() {
            words.push((from, word));
        }
    }
    for (index, (from, word)) in words.into_iter().enumerate() {
        if kind(word, Scope::Rule) == Kind::Secret
            || !matches!(kind(word, Scope::Other), Kind::Plain | Kind::Base)
        {
            return Some(from + word.len()..end);
        }
        if index == 0 && matches!(kind(word, scope), Kind::Secret) {
            return Some(from..end);
        }
    }
    None
}

/// The names in a header.
fn names(header: &str) -> impl Iterator<Item = &str> {
    header.split(['[', ']', '.', '"', '\'', ' ']).filter(|name| !name.is_empty())
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// What the table of the last header holds.
    table: Scope,
    /// What the open inline tables and lists hold.
    inline: Vec<Scope>,
    found: Vec<Place>,
}

impl Scanner<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn scope(&self) -> Scope {
        self.inline.last().copied().unwrap_or(self.table)
    }

    fn is_top(&self) -> bool {
        self.inline.is_empty() && self.table == Scope::Top
    }

    fn line_end(&self, at: usize) -> usize {
        self.text.as_bytes()[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.text.len(), |length| at + length)
    }

    fn step(&mut self) {
        let Some(byte) = self.byte(self.at) else { return };
        match byte {
            b'[' if self.is_line_start() && self.inline.is_empty() => self.header(),
            b'{' | b'[' => {
                self.inline.push(self.scope());
                self.at += 1;
            }
            b'}' | b']' => {
                self.inline.pop();
                self.at += 1;
            }
            byte if is_key(byte) || matches!(byte, b'"' | b'\'') => self.pair(),
            _ => self.at += 1,
        }
    }

    fn is_line_start(&self) -> bool {
        self.text.as_bytes()[..self.at]
            .iter()
            .rev()
            .find(|byte| !matches!(byte, b' ' | b'\t' | b'#'))
            .is_none_or(|byte| *byte == b'\n')
    }

    /// `[table]`: its names decide about its keys.
    fn header(&mut self) {
        let end = self.line_end(self.at);
        self.table = Scope::of(names(&self.text[self.at..end]));
        self.at = end;
    }

    /// `key = value`, or a value of a list.
    fn pair(&mut self) {
        let names = self.key();
        let after = self.skip_blanks(self.at);
        let next = self.byte(after);
        let Some((last, parents)) = names.split_last() else { return };
        let mut within = self.scope();
        let mut is_secret = false;
        for name in parents {
            is_secret |= kind(name, Scope::Other) == Kind::Secret;
            within = within.below(name);
        }
        let mut kind_of_value = if is_secret { Kind::Secret } else { kind(last, within) };
        let scope = within.below(last);
        let is_unnamed = kind(last, Scope::Other) != Kind::Secret && !is_secret;
        // In `accounts`, a table of an account.
        if matches!(next, Some(b'=' | b':'))
            && is_unnamed
            && self.byte(self.skip_blanks(after + 1)) == Some(b'{')
        {
            kind_of_value = Kind::Plain;
        }
        // Text instead of an account or a notification.
        let is_whole = parents.is_empty() && matches!(scope, Scope::Account | Scope::Notify) && self.is_top();
        let is_table = || matches!(self.byte(self.skip_blanks(after + 1)), Some(b'{' | b'['));
        if is_whole && matches!(next, Some(b'=' | b':')) && !is_table() {
            kind_of_value = Kind::Secret;
        }
        let kind = kind_of_value;
        match next {
            Some(b'=' | b':') => self.at = self.skip_blanks(after + 1),
            // A forgotten equals sign.
            Some(byte)
                if kind == Kind::Secret
                    && after > self.at
                    && !matches!(byte, b'\n' | b'\r' | b',' | b'}' | b']') =>
            {
                self.at = after;
            }
            _ => return,
        }
        let Some(first) = self.byte(self.at) else { return };
        // The place of a secret is a text.
        let kind = if kind != Kind::Plain && matches!(first, b'{' | b'[') { Kind::Secret } else { kind };
        if kind == Kind::Plain {
            if matches!(first, b'{' | b'[') {
                self.inline.push(scope);
                self.at += 1;
            } else {
                self.at = self.value_end(first, false);
            }
            return;
        }
        let start = self.at;
        self.at = self.value_end(first, kind == Kind::Secret).max(start);
        self.hide(start..self.at, kind);
    }

    /// The names of a key, which can be quoted and dotted.
    fn key(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let start = self.at;
            match self.byte(self.at) {
                Some(quote @ (b'"' | b'\'')) => {
                    self.at = self.string_end(self.at, quote).0;
                    names.push(self.text[start..self.at].trim_matches(char::from(quote)).to_owned());
                }
                Some(byte) if is_key(byte) => {
                    while self.byte(self.at).is_some_and(is_key) {
                        self.at += 1;
                    }
                    names.push(self.text[start..self.at].to_owned());
                }
                _ => return names,
            }
            let dot = self.skip_blanks(self.at);
            if self.byte(dot) != Some(b'.') {
                return names;
            }
            self.at = self.skip_blanks(dot + 1);
        }
    }

    fn skip_blanks(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        at
    }

    /// The end of a string, and whether it is closed.
    fn string_end(&self, start: usize, quote: u8) -> (usize, bool) {
        let rest = &self.text[start..];
        let triple = if quote == b'"' { "\"\"\"" } else { "'''" };
        if rest.starts_with(triple) {
            return match rest[3..].find(triple) {
                // A quote can precede the closing quotes.
                Some(length) => {
                    let end = start + 3 + length + 3;
                    (end + self.text[end..].bytes().take(2).take_while(|byte| *byte == quote).count(), true)
                }
                None => (self.text.len(), false),
            };
        }
        let mut at = start + 1;
        loop {
            match self.byte(at) {
                None => return (self.text.len(), false),
                Some(b'\n') => return (at, false),
                Some(b'\\') if quote == b'"' && self.byte(at + 1) != Some(b'\n') => at += 2,
                Some(byte) if byte == quote => return (at + 1, true),
                Some(_) => at += 1,
            }
        }
    }

    /// The end of the value that begins here. The end of a secret is chosen too late rather than too early.
    fn value_end(&self, first: u8, is_secret: bool) -> usize {
        let boundary = |mut at: usize| {
            at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at += 1;
            }
            at
        };
        let end = match first {
            b'"' | b'\'' => {
                let (end, is_closed) = self.string_end(self.at, first);
                if !is_secret {
                    return boundary(end);
                }
                if !is_closed {
                    return self.spilled(boundary(end));
                }
                end
            }
            b'[' | b'{' if is_secret => self.bracket_end(),
            b'[' | b'{' => self.at,
            _ => self.line_end(self.at),
        };
        let end = boundary(end);
        let rest = self.text[end..self.line_end(end)].trim_start();
        let is_whole = rest.is_empty() || rest.starts_with(['#', ',', '}', ']']);
        if is_secret && !is_whole { self.line_end(end) } else { end }
    }

    /// The end of an unclosed string with the lines after it that are neither a key nor a header.
    fn spilled(&self, mut end: usize) -> usize {
        while end < self.text.len() {
            let line = &self.text[end + 1..self.line_end(end + 1)];
            let is_next = line.trim_start().starts_with(['[', '#'])
                || line
                    .split_once('=')
                    .is_some_and(|(key, _)| key.trim().bytes().all(|byte| is_key(byte) || byte == b'.'));
            if line.trim().is_empty() || is_next {
                break;
            }
            end = self.line_end(end + 1);
        }
        end
    }

    /// The end of a list or an inline table.
    fn bracket_end(&self) -> usize {
        let (mut at, mut depth) = (self.at, 0_usize);
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' | b'\'' => {
                    at = self.string_end(at, byte).0;
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth <= 1 => return at + 1,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        self.text.len()
    }

    fn hide(&mut self, whole: Range<usize>, kind: Kind) {
        let text = &self.text[whole.clone()];
        let inner = text.trim_matches(['"', '\'', ' ', '\t', '\r']);
        let start = whole.start + text.find(inner).unwrap_or(0);
        let span = start..start + inner.len();
        let hidden = match kind {
            Kind::Plain => return,
            Kind::Secret => 0..inner.len(),
            Kind::File | Kind::Variable | Kind::Credential if kind.is_usual(inner) => return,
            Kind::File | Kind::Variable | Kind::Credential => 0..inner.len(),
            Kind::Url | Kind::Base => match secret_part(inner, kind == Kind::Base) {
                Some(part) => part,
                None => return,
            },
        };
        if !hidden.is_empty() {
            self.found.push(Place { hidden: start + hidden.start..start + hidden.end, span });
        }
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The part of a URL that can be secret: user information, and all that follows the host.
fn secret_part(url: &str, is_base: bool) -> Option<Range<usize>> {
    let Some(mark) = url.find("://") else { return Some(0..url.len()) };
    let host = mark + 3;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |length| host + length);
    let has_user = url[host..].contains('@');
    match (has_user, is_base) {
        (true, _) => Some(host..url.len()),
        (false, true) => url.find('?').map(|query| query..url.len()),
        (false, false) if url.len() > end + 1 => Some(end + 1..url.len()),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|place| &text[place.hidden]).collect()
    }

    #[test]
    fn secret_is_found_wherever_it_is_typed() {
        for text in [
            "client_secret = \"hush\"",
            "[account]\nCLIENT_SECRET = 'hush'",
            "[account]\nclientSecret=\"hush\" # x",
            "[account]\nclient_secrt = \"hush\"",
            "[account]\nkey = \"hush\"",
            "[accounts.emea]\nvalue = \"hush\"",
            "account.client_secret = \"hush\"",
            "account.client_secret.value = \"hush\"",
            "[account.client_secret]\nx = \"hush\"",
            "account = { tenant_id = \"t\", client_secret = \"hush\", client_id = \"c\" }",
            "account = { tenant_id = \"t\", x = \"hush\" }",
            "\"client_secret\" = \"hush\"",
            "client_secrt = \"hush\"",
            "Client-Secert = \"hush\"",
            "account = \"hush\"",
            "accounts.emea = \"hush\"",
            "[[rule]]\nclient_secrt = \"hush\"",
            "[api]\nhttps_proxy = \"hush\"",
            "[account]\nclient_secret_file = \"hush\"",
            "notify = \"hush\"",
            "client_secret: \"hush\"",
            "client_secret \"hush\"",
            "client_secret hush",
            "client_secret = hush",
            "# client_secret = \"hush\"",
            "[[notify]]\nsecret = \"hush\"",
            "[[notify]]\nurl = \"https://hooks.example/hush\"",
            "notify = [{ url = \"https://hooks.example/hush\" }]",
            "[api]\nproxy = \"hush\"",
            "[account]\nclient_secret_env = \"hush\"",
            "[account]\nclient_secret_credential = \"hush\"",
        ] {
            assert_eq!(hidden(text), ["hush"], "{text}");
        }
        for (text, part) in [
            ("[account]\nclient_secret_file = \"abC8Q~x\"", "abC8Q~x"),
            ("[api]\nproxy = \"http://u:hush@h:1\"", "u:hush@h:1"),
            ("client_secret = \"\"\"\nhush\nhush\"\"\"\nx = 1", "\nhush\nhush"),
            ("client_secret = \"hush\nhush\"\nx = 1", "hush\nhush"),
            ("client_secret = \"hu\"sh\"", "hu\"sh"),
            ("client_secret = [\"hush\", 1]", "[\"hush\", 1]"),
            ("client_secret = \"hush", "hush"),
            ("client_secret = \"\u{e9}\\\u{e9}", "\u{e9}\\\u{e9}"),
        ] {
            assert_eq!(hidden(text), [part], "{text}");
        }
    }

    #[test]
    fn broken_line_hides_what_can_be_secret() {
        for (before, line, rest) in [
            ("[account]\n", "\"client_secret = \"hush\"", "\"client_secret"),
            ("[account]\n", "client_secret == \"hush\"", "client_secret"),
            ("[account]\n", "hush", ""),
            ("[[notify]]\n", "url \"https://h/hush\"", "url"),
            ("[api]\n", "proxy \"http://u:hush@h\"", "proxy"),
            ("", "clientsecret hush", "clientsecret"),
        ] {
            let at = find_in_broken_line(before, line).unwrap_or_else(|| panic!("nothing in {line}"));
            assert_eq!(&line[..at.start], rest);
            assert_eq!(at.end, line.len());
        }
        assert_eq!(find_in_broken_line("[account]\n", "tenant_id = = \"x\""), None);
        assert_eq!(find_in_broken_line("[[folder]]\n", "name = = \"x\""), None);
    }

    #[test]
    fn usual_configuration_has_no_secrets() {
        let text = r#"
            [account]
            tenant_id = "x"
            client_id = "y"
            client_secret_file = "/etc/dropship/secret"
            secret_expires = "2027-12-31"
            [accounts.a]
            client_secret_env = "DROPSHIP_SECRET"
            [accounts.b]
            client_secret_credential = "dropship.client-secret"
            [api]
            proxy = "http://proxy:8080"
            endpoint = "https://h/x"
            [[notify]]
            name = "a"
            url = "https://h/"
            [[rule]]
            vars = { token = { allowed = ["a"], default = "b" } }
            product.name = "{{ vars.token }}"
        "#;
        assert_eq!(hidden(text), [""; 0]);
    }
}
