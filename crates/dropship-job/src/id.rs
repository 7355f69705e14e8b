//! Job ids: short, sortable by time, safe in a file name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Crockford's base 32 in lower case: no `i`, `l`, `o`, `u`, so that ids survive being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters of milliseconds since 1970, then of chance.
const TIME: usize = 9;
const CHANCE: usize = 5;

/// Names one job: 9 characters of time and 5 of chance, such as `1mb3w8xk2-7f3qa` without the dash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// A text that is not a job id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a job id: a job id is 14 letters and digits, as `dropship jobs` shows them")]
pub struct BadJobId(String);

impl JobId {
    /// Makes the id of a job that started at `milliseconds` since 1970; `chance` distinguishes jobs of the same millisecond.
    #[must_use]
    pub fn new(milliseconds: u64, chance: u32) -> Self {
        let mut text = String::with_capacity(TIME + CHANCE);
        push_digits(&mut text, milliseconds, TIME);
        push_digits(&mut text, u64::from(chance), CHANCE);
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Appends the lowest `count` base-32 digits of `value`, the highest first.
fn push_digits(text: &mut String, value: u64, count: usize) {
    for place in (0..count).rev() {
        let digit = (value >> (place * 5)) & 31;
        text.push(char::from(ALPHABET[usize::try_from(digit).unwrap_or(0)]));
    }
}

impl FromStr for JobId {
    type Err = BadJobId;

    fn from_str(text: &str) -> Result<Self, BadJobId> {
        let well_formed = text.len() == TIME + CHANCE && text.bytes().all(|byte| ALPHABET.contains(&byte));
        if well_formed { Ok(Self(text.to_owned())) } else { Err(BadJobId(text.to_owned())) }
    }
}

impl TryFrom<String> for JobId {
    type Error = BadJobId;

    fn try_from(text: String) -> Result<Self, BadJobId> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let early = JobId::new(1_790_000_000_000, u32::MAX);
        let late = JobId::new(1_790_000_000_001, 0);
        assert!(early < late, "{early} before {late}");
        assert_eq!(early.as_str().len(), 14);
        assert_eq!(early.as_str().parse::<JobId>(), Ok(early));
    }

    #[test]
    fn invalid_id_is_refused_with_its_text() {
        for text in ["", "short", "../../etc/passwd", "1234567890123U", "12345678901234567"] {
            let error = text.parse::<JobId>().expect_err("not an id");
            assert!(error.to_string().contains(&format!("`{text}`")));
        }
    }
}
