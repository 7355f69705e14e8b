//! From the text of a glob to its parts.

use std::iter::Peekable;
use std::str::Chars;

use super::char_set::CharSet;
use super::error::{GlobProblem, MAX_LENGTH};

/// One part of a glob.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum GlobPart {
    /// This character, in either case.
    Letter(char),
    /// One of these characters.
    One(CharSet),
    /// Any text.
    Star,
    /// One of these sequences.
    Choice(Vec<Vec<GlobPart>>),
}

pub(super) fn parse(glob: &str) -> Result<Vec<GlobPart>, GlobProblem> {
    if glob.is_empty() {
        return Err(GlobProblem::Empty);
    }
    if glob.len() > MAX_LENGTH {
        return Err(GlobProblem::TooLong);
    }
    let mut chars = glob.chars().peekable();
    let mut parts = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            '{' => braces(&mut chars, &mut parts)?,
            '}' => return Err(GlobProblem::StrayBrace),
            c => parts.push(part(c, &mut chars)?),
        }
    }
    // Two stars mean the same as one.
    parts.dedup_by(|a, b| *a == GlobPart::Star && *b == GlobPart::Star);
    Ok(parts)
}

/// A part that begins with `c`, which is no brace.
fn part(c: char, chars: &mut Peekable<Chars<'_>>) -> Result<GlobPart, GlobProblem> {
    match c {
        '*' => Ok(GlobPart::Star),
        '?' => Ok(GlobPart::One(CharSet::all())),
        '[' => class(chars),
        ']' => Err(GlobProblem::StrayBracket),
        c => Ok(GlobPart::Letter(c)),
    }
}

/// The part after `{`: alternatives, or a text that keeps its braces.
fn braces(chars: &mut Peekable<Chars<'_>>, parts: &mut Vec<GlobPart>) -> Result<(), GlobProblem> {
    let mut choices = vec![Vec::new()];
    loop {
        match chars.next().ok_or(GlobProblem::UnclosedBraces)? {
            '{' => return Err(GlobProblem::NestedBraces),
            '}' => break,
            ',' => choices.push(Vec::new()),
            c => {
                let part = part(c, chars)?;
                choices.last_mut().unwrap_or(parts).push(part);
            }
        }
    }
    if choices.len() > 1 {
        parts.push(GlobPart::Choice(choices));
        return Ok(());
    }
    parts.push(GlobPart::Letter('{'));
    parts.extend(choices.into_iter().flatten());
    parts.push(GlobPart::Letter('}'));
    Ok(())
}

/// The part after `[`.
fn class(chars: &mut Peekable<Chars<'_>>) -> Result<GlobPart, GlobProblem> {
    let is_negated = chars.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let first = match chars.next().ok_or(GlobProblem::UnclosedClass)? {
            ']' if !ranges.is_empty() => break,
            ']' if is_closed_at_once(chars) => return Err(GlobProblem::EmptyClass),
            '[' if !ranges.is_empty() => return Err(GlobProblem::NestedClass),
            c => c,
        };
        // A hyphen before the closing bracket is a hyphen.
        let is_range = chars.peek() == Some(&'-') && chars.clone().nth(1).is_some_and(|next| next != ']');
        let last = match is_range {
            true => chars.nth(1).ok_or(GlobProblem::UnclosedClass)?,
            false => first,
        };
        if first > last {
            return Err(GlobProblem::ReversedRange(first, last));
        }
        ranges.push((first, last));
    }
    if let ([(first, last)], false) = (ranges.as_slice(), is_negated)
        && first == last
    {
        return Ok(GlobPart::Letter(*first));
    }
    let set = CharSet::of(ranges).folded();
    let set = if is_negated { set.negated() } else { set };
    match set.is_empty() {
        true => Err(GlobProblem::EmptyClass),
        false => Ok(GlobPart::One(set)),
    }
}

/// Whether a `]` that opens a class is its end too: no other `]` follows.
fn is_closed_at_once(chars: &Peekable<Chars<'_>>) -> bool {
    !chars.clone().any(|c| c == ']')
}
