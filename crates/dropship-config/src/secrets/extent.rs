//! Where a string, a list or another value ends, also when it is not closed.

use super::scanner::{Scanner, is_key};

impl Scanner<'_> {
    pub(super) fn skip_blanks(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        at
    }

    /// The end of a string, and whether it is closed.
    pub(super) fn string_end(&self, start: usize, quote: u8) -> (usize, bool) {
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
    pub(super) fn value_end(&self, first: u8, is_secret: bool) -> usize {
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
                    return self.unclosed_string_end(boundary(end));
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
    fn unclosed_string_end(&self, mut end: usize) -> usize {
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
    pub(super) fn bracket_end(&self) -> usize {
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
}
