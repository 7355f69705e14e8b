//! "Did you mean": the known word that is nearest to a misspelt one.

/// The nearest of `known`, if it is near enough to be a misspelling; case does not count.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    let allowed = (length / 3).max(1);
    known
        .into_iter()
        // Each character too many or too few is a difference: most words need no comparison.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A help text: the nearest word, else all words if they are few.
#[must_use]
pub fn help(word: &str, known: &[&str]) -> Option<String> {
    match nearest(word, known.iter().copied()) {
        Some(best) => Some(format!("did you mean `{best}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", list(known.iter().copied()))),
    }
}

/// `` `a`, `b` and `c` ``.
#[must_use]
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["workers", "endpoint", "retry"];
        assert_eq!(nearest("wokers", known), Some("workers"));
        assert_eq!(nearest("Retyr", known), Some("retry"));
        assert_eq!(nearest("rety", known), Some("retry"), "one letter is allowed, and one is missing");
        assert_eq!(nearest("zebra", known), None);
        assert_eq!(help("zebra", &known).as_deref(), Some("known here: `workers`, `endpoint` and `retry`"));
    }
}
