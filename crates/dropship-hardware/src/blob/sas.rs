//! The end of a signed URL's life, which only its own `se=` tells.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::Url;

use super::error::TransferError;

/// A URL that ends within so long is taken for ended.
const NEAR: Duration = Duration::from_secs(20);

/// Refuses a URL whose time has run out or is about to.
pub(super) fn check(url: &Url) -> Result<(), TransferError> {
    match ends(url) {
        Some(end) if end <= Timestamp::now() + NEAR => Err(TransferError::Expired),
        _ => Ok(()),
    }
}

/// When the URL ends; `None` if it does not say.
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

/// Whether a refusal means that the URL's time has run out, though by our clock it has not.
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
    fn an_end_is_read_in_every_form() {
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
    fn an_old_url_is_refused_before_anything_is_sent() {
        let check = |end: Timestamp| check(&Url::parse(&format!("https://h/b?se={end}")).expect("url"));
        assert!(matches!(check(Timestamp::now()), Err(TransferError::Expired)));
        check(Timestamp::now() + Duration::from_secs(3600)).expect("an hour is enough");
    }
}
