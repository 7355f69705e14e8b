//! The ring of a label.

/// The ring of a label: its name in the rule without the variables, which differ from package to package. `{{ inf.stem }} test ring` is
/// the ring `test ring`. A name of variables only is a ring of its own, under its text in the rule.
pub(super) fn ring_of(key: &str) -> String {
    let mut fixed = String::new();
    let mut rest = key;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        fixed.push_str(&rest[..start]);
        fixed.push(' ');
        let end = rest[start..].find(['}']).and_then(|_| {
            let close = if rest[start..].starts_with("{{") { "}}" } else { "%}" };
            rest[start..].find(close).map(|end| start + end + close.len())
        });
        rest = end.map_or("", |end| &rest[end..]);
    }
    fixed.push_str(rest);
    let is_edge = |letter: char| {
        letter.is_whitespace() || matches!(letter, '-' | '_' | ',' | ':' | '(' | ')' | '.' | '/')
    };
    let words: Vec<_> = fixed
        .split_whitespace()
        .map(|word| word.trim_matches(is_edge))
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() { key.trim().to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ring_is_the_name_without_variables() {
        for (key, ring) in [
            ("{{ inf.stem }} {{ inf.version }} test ring", "test ring"),
            ("Test - {{ file.stem }} ({{ inf.version }})", "Test"),
            ("{{ a }}", "{{ a }}"),
            ("broad", "broad"),
            ("{% if x %}pilot{% endif %} {{ y", "pilot"),
            ("{{ inf.stem }}-ring-{{ partner }}", "ring"),
            ("{{", "{{"),
            ("", ""),
        ] {
            assert_eq!(ring_of(key), ring, "{key}");
        }
    }
}
