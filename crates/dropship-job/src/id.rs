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
pub struct JobId([u8; TIME + CHANCE]);

/// A text that is not a job id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a job id: a job id is 14 letters and digits, as `dropship jobs` shows them")]
pub struct BadJobId(String);

impl JobId {
    /// Makes the id of a job that started at `milliseconds` since 1970; `chance` distinguishes jobs of the same millisecond.
    #[must_use]
    pub fn new(milliseconds: u64, chance: u32) -> Self {
        let mut text = [0; TIME + CHANCE];
        let (time, rest) = text.split_at_mut(TIME);
        write_digits(time, milliseconds);
        write_digits(rest, u64::from(chance));
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // They are of the alphabet.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Fills a text with the lowest base-32 digits of a number.
fn write_digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = ALPHABET[usize::try_from(number & 31).unwrap_or(0)];
        number >>= 5;
    }
}

impl FromStr for JobId {
    type Err = BadJobId;

    fn from_str(text: &str) -> Result<Self, BadJobId> {
        match text.as_bytes().try_into() {
            Ok(id) if text.bytes().all(|byte| ALPHABET.contains(&byte)) => Ok(Self(id)),
            _ => Err(BadJobId(text.to_owned())),
        }
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
        id.as_str().to_owned()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
        for text in ["", "short", "../../etc/passwd", "1234567890123U", "123456789012é", "12345678901234567"]
        {
            let error = text.parse::<JobId>().expect_err("not an id");
            assert!(error.to_string().contains(&format!("`{text}`")));
        }
    }
}
