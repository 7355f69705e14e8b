//! Globs, as the table in `docs/rules.md` defines them.

/// Whether a glob matches the whole of a text.
pub(super) fn matches(glob: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().map(fold).collect();
    alternatives(glob).iter().any(|glob| matches_plain(&glob.chars().collect::<Vec<_>>(), &text))
}

/// Every text that the choices in braces stand for; braces without a comma are ordinary characters.
fn alternatives(glob: &str) -> Vec<String> {
    let chars: Vec<char> = glob.chars().collect();
    let mut all = vec![String::new()];
    let mut at = 0;
    while at < chars.len() {
        let end = end_of_part(&chars, at);
        let part: String = chars[at..end].iter().collect();
        let choices = if chars[at] == '{' && split_outside_brackets(&part[1..part.len() - 1]).len() > 1 {
            split_outside_brackets(&part[1..part.len() - 1])
        } else if chars[at] == '{' {
            // Escaped, so that the matcher below takes the braces literally.
            vec![format!("[{{]{}[}}]", &part[1..part.len() - 1])]
        } else {
            vec![part]
        };
        all =
            all.iter().flat_map(|head| choices.iter().map(move |choice| format!("{head}{choice}"))).collect();
        at = end;
    }
    all
}

/// The end of the part that starts here: a pair of braces, a pair of brackets, or one character.
fn end_of_part(chars: &[char], start: usize) -> usize {
    match chars[start] {
        '[' => end_of_brackets(chars, start),
        '{' => {
            let mut at = start + 1;
            while chars[at] != '}' {
                at = if chars[at] == '[' { end_of_brackets(chars, at) } else { at + 1 };
            }
            at + 1
        }
        _ => start + 1,
    }
}

/// The end of a pair of brackets; its first character is never the closing bracket.
fn end_of_brackets(chars: &[char], start: usize) -> usize {
    let first = if matches!(chars[start + 1], '!' | '^') { start + 2 } else { start + 1 };
    let close = chars[first + 1..].iter().position(|c| *c == ']').expect("a closing bracket");
    first + 1 + close + 1
}

fn split_outside_brackets(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut parts = vec![String::new()];
    let mut at = 0;
    while at < chars.len() {
        let end = if chars[at] == '[' { end_of_brackets(&chars, at) } else { at + 1 };
        if chars[at] == ',' {
            parts.push(String::new());
        } else {
            parts.last_mut().expect("a part").extend(&chars[at..end]);
        }
        at = end;
    }
    parts
}

fn matches_plain(glob: &[char], text: &[char]) -> bool {
    let Some(first) = glob.first() else { return text.is_empty() };
    match first {
        '*' => (0..=text.len()).any(|skipped| matches_plain(&glob[1..], &text[skipped..])),
        '?' => !text.is_empty() && matches_plain(&glob[1..], &text[1..]),
        '[' => {
            let end = end_of_brackets(glob, 0);
            !text.is_empty()
                && is_in_brackets(&glob[1..end - 1], text[0])
                && matches_plain(&glob[end..], &text[1..])
        }
        c => text.first() == Some(&fold(*c)) && matches_plain(&glob[1..], &text[1..]),
    }
}

/// Whether a folded character is in a pair of brackets. Ranges are of ASCII letters and digits here.
fn is_in_brackets(inside: &[char], c: char) -> bool {
    let (negated, inside) = match inside.first() {
        Some('!' | '^') if inside.len() > 1 => (true, &inside[1..]),
        _ => (false, inside),
    };
    let mut found = false;
    let mut at = 0;
    while at < inside.len() {
        if inside.get(at + 1) == Some(&'-') && at + 2 < inside.len() {
            let (low, high) = (inside[at], inside[at + 2]);
            found |= (low..=high).any(|member| fold(member) == c);
            at += 3;
        } else {
            found |= fold(inside[at]) == c;
            at += 1;
        }
    }
    found != negated
}

/// Simple case folding (Unicode, CaseFolding.txt, statuses C and S) of the characters that the random cases use.
pub(super) fn fold(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{1e9e}' => 'ß',
        'ς' => 'σ',
        _ => {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(lower), None) => lower,
                _ => c,
            }
        }
    }
}

#[test]
fn reference_globs_match_as_documented() {
    for (glob, text) in [
        ("*", ""),
        ("a*c", "A/b\\C"),
        ("?", "ß"),
        ("[a-c]x", "BX"),
        ("[!a-c]x", "dx"),
        ("x{,64}", "x"),
        ("x{,64}", "X64"),
        ("{ab}", "{AB}"),
        ("a[*]", "a*"),
        ("[[]1[]]", "[1]"),
        ("{a[,]b,c}", "a,b"),
        ("STRASSE ẞ", "strasse ß"),
    ] {
        assert!(matches(glob, text), "{glob} {text}");
    }
    for (glob, text) in
        [("?", ""), ("?", "ab"), ("[!a]", "A"), ("x{,64}", "x32"), ("{a,b}", "{a,b}"), ("ß", "ss")]
    {
        assert!(!matches(glob, text), "{glob} {text}");
    }
}
