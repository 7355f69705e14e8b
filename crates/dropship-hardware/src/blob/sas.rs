//! The expiry of a signed URL, which only its parameter `se` contains.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::Url;

use super::error::TransferError;

/// A URL that expires within this time counts as expired.
const MARGIN: Duration = Duration::from_secs(20);

/// Refuses a URL that has expired or is about to.
pub(super) fn check(url: &Url) -> Result<(), TransferError> {
    match ends(url) {
        Some(end) if end <= Timestamp::now() + MARGIN => Err(TransferError::Expired),
        _ => Ok(()),
    }
}

/// When the URL expires; `None` if it does not say.
fn ends(url: &Url) -> Option<Timestamp> {
    let (_, text) = url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("se"))?;
    let text = text.trim().to_owned();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    // The protocol also takes `2026-11-23T06:00Z` and a date alone, both UTC.
    let bare = text.strip_suffix('Z').unwrap_or(&text);
    let civil = bare.parse().or_else(|_| bare.parse::<Date>().map(|date| date.at(0, 0, 0, 0))).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// Whether a refusal means that the URL has expired, although by this machine's clock it has not.
pub(super) fn is_expiry(status: u16, code: Option<&str>, message: &str) -> bool {
    let words = message.to_ascii_lowercase();
    status == 403
        && code.is_some_and(|code| code.eq_ignore_ascii_case("AuthenticationFailed"))
        && (words.contains("expir")
            || words.contains("not valid")
            || words.contains("signature not valid in the specified time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_read_in_every_form() {
        let ends = |query: &str| {
            ends(&Url::parse(&format!("https://h/b?{query}")).expect("url")).map(|time| time.to_string())
        };
        assert_eq!(ends("se=2018-03-12T15:32:10Z&sp=rl").as_deref(), Some("2018-03-12T15:32:10Z"));
        assert_eq!(ends("se=2018-03-12T15%3A32%3A10Z").as_deref(), Some("2018-03-12T15:32:10Z"));
        assert_eq!(ends("se=2018-03-12T15:32Z").as_deref(), Some("2018-03-12T15:32:00Z"));
        assert_eq!(ends("SE=2018-03-12").as_deref(), Some("2018-03-12T00:00:00Z"));
        assert_eq!(ends("se=never"), None);
        assert_eq!(ends("sig=x"), None);
    }

    #[test]
    fn expired_url_is_refused() {
        let check = |end: Timestamp| check(&Url::parse(&format!("https://h/b?se={end}")).expect("url"));
        assert!(matches!(check(Timestamp::now()), Err(TransferError::Expired)));
        check(Timestamp::now() + Duration::from_secs(3600)).expect("an hour is enough");
    }
}
