//! Reads the keys and values of a text, and records the values that can be secrets.

use std::ops::Range;

use super::url::{has_secret_of_url, secret_part};
use super::{HiddenReason, SecretSpan};
use crate::broken_line::{MAX_NAMES, names};
use crate::secret_names::{
    KeyKind, TableScope, is_harmless, is_plain_word, is_usual_key, kind, looks_random,
};

/// Characters around a value that are not a part of it.
pub(super) const QUOTES: [char; 5] = ['"', '\'', ' ', '\t', '\r'];

pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// The content of the table of the last header.
    table: TableScope,
    /// The content of the table of the last header in a comment. Such a header applies only to lines in comments.
    comment_table: Option<TableScope>,
    /// Where the present comment begins.
    pub(super) comment: Option<usize>,
    /// The content of the open inline tables and lists.
    pub(super) inline: Vec<TableScope>,
    /// The open inline tables and lists around the present comment: brackets in the comment do not close them.
    inline_around_comment: Vec<TableScope>,
    pub(super) found: Vec<SecretSpan>,
}

/// A key, and what it determines about its value.
pub(super) struct ScannedKey {
    /// Where its last name is.
    pub(super) last_at: Range<usize>,
    /// The content of the table that it is in.
    pub(super) within: TableScope,
    /// The content of its value, if that is a table.
    pub(super) scope: TableScope,
    /// Whether its value is a secret.
    pub(super) kind: KeyKind,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of a text.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            table: TableScope::Top,
            comment_table: None,
            comment: None,
            inline: Vec::new(),
            inline_around_comment: Vec::new(),
            found: Vec::new(),
        }
    }
}

impl Scanner<'_> {
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn scope(&self) -> TableScope {
        let around = || self.inline_around_comment.last();
        self.inline.last().or_else(around).copied().unwrap_or(self.table())
    }

    /// The content of the table that a line is in.
    fn table(&self) -> TableScope {
        self.comment_table.filter(|_| self.comment.is_some()).unwrap_or(self.table)
    }

    fn is_top(&self) -> bool {
        self.inline.is_empty() && self.table() == TableScope::Top
    }

    pub(super) fn line_end(&self, at: usize) -> usize {
        self.text.as_bytes()[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.text.len(), |length| at + length)
    }

    pub(super) fn step(&mut self) {
        let Some(byte) = self.byte(self.at) else { return };
        match byte {
            b'\n' => {
                self.end_comment();
                self.at += 1;
            }
            b'#' if self.comment.is_none() => {
                self.comment = Some(self.at);
                self.inline_around_comment = std::mem::take(&mut self.inline);
                self.at += 1;
            }
            b'[' if self.starts_line(self.at) && self.inline.is_empty() => self.read_header(),
            b'{' | b'[' => {
                self.inline.push(self.scope());
                self.at += 1;
            }
            b'}' | b']' => {
                self.inline.pop();
                self.at += 1;
            }
            byte if is_key(byte) || matches!(byte, b'"' | b'\'') => self.read_pair(),
            _ => self.at += 1,
        }
    }

    fn end_comment(&mut self) {
        if self.comment.take().is_some() {
            self.inline = std::mem::take(&mut self.inline_around_comment);
        }
    }

    pub(super) fn starts_line(&self, at: usize) -> bool {
        self.text.as_bytes()[..at]
            .iter()
            .rev()
            .find(|byte| !matches!(byte, b' ' | b'\t' | b'#'))
            .is_none_or(|byte| *byte == b'\n')
    }

    /// `[table]`: its names decide about its keys.
    fn read_header(&mut self) {
        let end = self.line_end(self.at);
        let table = TableScope::of(names(&self.text[self.at..end]));
        if self.comment.is_some() {
            self.comment_table = Some(table);
        } else {
            (self.table, self.comment_table) = (table, None);
        }
        if table != TableScope::Rule {
            self.hide_header_names(end);
        }
        self.at = end;
    }

    /// Hides the names of a header that are not usual, and those below the name of a secret.
    fn hide_header_names(&mut self, end: usize) {
        let mut scope = TableScope::Top;
        let (mut at, mut count) = (self.at, 0);
        while at < end {
            let start = at;
            if count == MAX_NAMES {
                self.push(start..end, 0..end - start, HiddenReason::Unusual);
                return;
            }
            match self.byte(at) {
                Some(b'[' | b']' | b'.' | b' ' | b'\t' | b'\r') => {
                    at += 1;
                    continue;
                }
                // A comment begins: the header has ended.
                Some(b'#') => return,
                Some(b'=' | b':') => {
                    self.push(start..end, 0..end - start, HiddenReason::Unusual);
                    return;
                }
                Some(quote @ (b'"' | b'\'')) => at = self.string_end(at, quote).0.min(end),
                _ => {
                    let length =
                        self.text[at..end].find(['[', ']', '.', ' ', '\t', '\r', '#', '=', ':', '"', '\'']);
                    at = length.map_or(end, |length| at + length);
                }
            }
            let name = self.text[start..at].trim_matches(['"', '\'']);
            if !is_usual_key(name) || scope == TableScope::Secret && !is_plain_word(name) {
                let is_secret = scope == TableScope::Secret && self.comment.is_none();
                self.push(start..at, 0..at - start, HiddenReason::of(is_secret));
            }
            scope = scope.below(name);
            count += 1;
        }
    }

    /// `key = value`, or a value of a list.
    fn read_pair(&mut self) {
        let names = self.read_names();
        let after = self.skip_blanks(self.at);
        let Some(key) = self.read_key(&names, after) else { return };
        match self.byte(after) {
            Some(b'=' | b':') => {
                // Accepts `=>` and `:=` too.
                let is_double = matches!(self.byte(after + 1), Some(b'>' | b'='));
                self.at = self.skip_blanks(after + 1 + usize::from(is_double));
            }
            Some(b'-') if key.kind == KeyKind::Secret && self.byte(after + 1) == Some(b'>') => {
                self.at = self.skip_blanks(after + 2);
            }
            // The equals sign is missing.
            Some(byte)
                if key.kind == KeyKind::Secret
                    && after > self.at
                    && !matches!(byte, b'\n' | b'\r' | b',' | b'}' | b']')
                    && self.has_word_as_value(key.last_at.start..after) =>
            {
                self.at = after;
            }
            _ => {
                // An item of a list, or a word of a comment.
                let is_random_word = self.comment.is_some() && looks_random(&self.text[key.last_at.clone()]);
                if !self.inline.is_empty() || is_random_word {
                    self.hide_unusual(key.last_at, key.within);
                }
                return;
            }
        }
        match self.comment {
            Some(_) => self.read_comment_value(&key),
            None => self.read_value(key.kind, key.within, key.scope),
        }
    }

    /// Hides the names of a key that are not usual, and decides about its value. `after` is the place behind the key.
    fn read_key(&mut self, names: &[(String, Range<usize>)], after: usize) -> Option<ScannedKey> {
        let ((last, last_at), parents) = names.split_last()?;
        let mut within = self.scope();
        let mut is_secret = false;
        let is_key = matches!(self.byte(after), Some(b'=' | b':'));
        for (name, at) in parents {
            self.hide_key(is_key, name, at, is_secret, within);
            is_secret |= kind(name, TableScope::Other) == KeyKind::Secret;
            within = within.below(name);
        }
        self.hide_key(is_key, last, last_at, is_secret, within);
        let scope = within.below(last);
        // A value that is not a table, in place of an account or a notification.
        let is_whole =
            parents.is_empty() && matches!(scope, TableScope::Account | TableScope::Notify) && self.is_top();
        // A key with a table as its value, such as the name of an account in `accounts`.
        let is_unnamed = kind(last, TableScope::Other) != KeyKind::Secret && !is_secret;
        let kind = if is_key && is_whole && !self.is_table(after + 1) {
            KeyKind::Secret
        } else if is_key && is_unnamed && self.byte(self.skip_blanks(after + 1)) == Some(b'{') {
            KeyKind::Plain
        } else if is_secret {
            KeyKind::Secret
        } else {
            kind(last, within)
        };
        Some(ScannedKey { last_at: last_at.clone(), within, scope, kind })
    }

    /// Whether a value is a table, or a list of tables.
    fn is_table(&self, at: usize) -> bool {
        let at = self.skip_blanks(at);
        let inner = || self.byte(self.skip_blanks(at + 1));
        self.byte(at) == Some(b'{')
            || self.byte(at) == Some(b'[') && matches!(inner(), None | Some(b'{' | b']' | b'\r' | b'\n'))
    }

    /// The value of a key, at the present place.
    fn read_value(&mut self, kind: KeyKind, within: TableScope, scope: TableScope) {
        let Some(first) = self.byte(self.at) else { return };
        if kind == KeyKind::Command && first == b'[' {
            self.read_command();
            return;
        }
        // The place of a secret is a text, so a table or a list in its place is hidden like a secret.
        let kind =
            if kind != KeyKind::Plain && matches!(first, b'{' | b'[') { KeyKind::Secret } else { kind };
        if kind == KeyKind::Plain {
            if matches!(first, b'{' | b'[') {
                self.inline.push(scope);
                self.at += 1;
            } else {
                let start = self.at;
                self.at = self.value_end(first, false).max(start);
                // After a value without quotes, `#` begins a comment.
                if let Some(length) =
                    self.text[start..self.at].find('#').filter(|_| !matches!(first, b'"' | b'\''))
                {
                    self.at = start + length;
                }
                self.hide_unusual(start..self.at, within);
            }
            return;
        }
        let start = self.at;
        self.at = self.value_end(first, kind == KeyKind::Secret).max(start);
        self.hide(start..self.at, kind);
    }

    /// Hides a name in a key that is not usual, or below the name of a secret.
    fn hide_key(&mut self, is_key: bool, name: &str, at: &Range<usize>, is_secret: bool, within: TableScope) {
        let is_hidden = !is_usual_key(name) || is_secret && !is_plain_word(name);
        if is_key && within != TableScope::Rule && is_hidden {
            self.push(at.clone(), 0..at.len(), HiddenReason::of(is_secret));
        }
    }

    /// The command of a notification: its program is shown if it is a path, its arguments are not.
    fn read_command(&mut self) {
        let end = self.bracket_end();
        let mut is_first = true;
        while self.at < end {
            match self.byte(self.at) {
                Some(quote @ (b'"' | b'\'')) => {
                    let start = self.at;
                    self.at = self.string_end(start, quote).0.max(start + 1);
                    let value =
                        self.text.get(start + 1..self.at).unwrap_or_default().trim_matches(['"', '\'']);
                    if !(is_first && KeyKind::Command.is_usual(value)) {
                        self.push(start..self.at, 0..self.at - start, HiddenReason::Unusual);
                    }
                    is_first = false;
                }
                _ => self.at += 1,
            }
        }
    }

    /// The names of a key, which can be quoted and dotted, with their places.
    fn read_names(&mut self) -> Vec<(String, Range<usize>)> {
        let mut names = Vec::new();
        loop {
            let start = self.at;
            match self.byte(self.at) {
                Some(quote @ (b'"' | b'\'')) => {
                    self.at = self.string_end(self.at, quote).0;
                    names.push((
                        self.text[start..self.at].trim_matches(char::from(quote)).to_owned(),
                        start..self.at,
                    ));
                }
                Some(byte) if is_key(byte) => {
                    while self.byte(self.at).is_some_and(is_key) {
                        self.at += 1;
                    }
                    names.push((self.text[start..self.at].to_owned(), start..self.at));
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

    pub(super) fn hide(&mut self, span: Range<usize>, kind: KeyKind) {
        let inner = self.text[span.clone()].trim_matches(QUOTES);
        let hidden = match kind {
            KeyKind::Plain => return,
            KeyKind::Secret => 0..inner.len(),
            KeyKind::Url | KeyKind::Base => match secret_part(inner, kind == KeyKind::Base) {
                Some(part) => part,
                None => return,
            },
            kind if kind.is_usual(inner) => return,
            _ => 0..inner.len(),
        };
        self.push(
            span,
            hidden,
            if kind == KeyKind::Secret { HiddenReason::Secret } else { HiddenReason::Place },
        );
    }

    /// Hides a value of a key that is not for secrets, unless it looks like one of a configuration. Values of rules are texts of any
    /// kind, and are shown.
    pub(super) fn hide_unusual(&mut self, span: Range<usize>, within: TableScope) {
        let inner = self.text[span.clone()].trim_matches(QUOTES);
        if !is_harmless(inner, within) {
            // A URL can have a user and a path. In a comment, it can also be the URL of a document, or the address of a person.
            let is_url = match self.comment {
                None => inner.contains('@') || inner.contains("://"),
                Some(_) => has_secret_of_url(inner),
            };
            let why = if is_url { HiddenReason::Place } else { HiddenReason::Unusual };
            let length = inner.len();
            self.push(span, 0..length, why);
        }
    }

    /// Records a value with its quotes; `hidden` is a part of the text between the quotes.
    pub(super) fn push(&mut self, span: Range<usize>, hidden: Range<usize>, why: HiddenReason) {
        let text = &self.text[span.clone()];
        let inner = text.trim_matches(QUOTES);
        let start = span.start + text.find(inner).unwrap_or(0);
        let hidden = hidden.start.min(inner.len())..hidden.end.min(inner.len());
        if !hidden.is_empty() {
            let span = start..start + inner.len();
            self.found.push(SecretSpan { hidden: start + hidden.start..start + hidden.end, span, why });
        }
    }
}

pub(super) fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
