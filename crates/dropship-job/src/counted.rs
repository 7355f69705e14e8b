//! Counts in texts for people.

use std::fmt::Display;

/// A count with its noun: `1 folder`, `2 folders`. The plural of the noun has to end in `s`.
#[must_use]
pub fn counted<N: Display + Copy + TryInto<u64>>(count: N, noun: &str) -> String {
    let plural = if is_one(count) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Whether the verb after such a count stands in the singular.
#[must_use]
pub fn is_one<N: TryInto<u64>>(count: N) -> bool {
    matches!(count.try_into(), Ok(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noun_is_singular_for_exactly_one() {
        let texts = [counted(0_usize, "folder"), counted(1_u64, "folder"), counted(2_u32, "failed attempt")];
        assert_eq!(texts, ["0 folders", "1 folder", "2 failed attempts"]);
        assert_eq!(counted(-1_i64, "day"), "-1 days");
    }
}
