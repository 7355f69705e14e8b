//! When the secret or the certificate of an account expires, and from when on that is a warning.

use jiff::{SignedDuration, Timestamp};

use super::model::{Account, Config, Credential};
use super::report::Problem;
use dropship_hardware::{SecretSource, certificate_of_key};
use dropship_job::counted;
use dropship_package::certificate_expiry;

/// A secret or certificate that expires within this time is a warning.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Advice about a secret that expires.
pub const REMEDY_SECRET: &str = "create a new secret in Entra, replace the old one in its file, then set `secret_expires` to its last day";

/// Advice about a certificate that expires.
pub const REMEDY_CERTIFICATE: &str =
    "register a new certificate in Entra, then replace certificate and key in the file";

/// When the secret or the certificate of an account expires. `None` if that is not known.
///
/// Reads the file of a certificate. A file that cannot be read is no warning here: the account does not work with it.
#[must_use]
pub fn of(account: &Account) -> Option<Timestamp> {
    match &account.credential {
        Credential::CertificateFile(path) => {
            let pem = SecretSource::File(path.clone()).read().ok()?;
            certificate_expiry(&certificate_of_key(&pem).ok()?)
        }
        _ => account.secret_expires,
    }
}

/// Warnings about certificates that have expired or expire soon. Those about secrets are made when the file is read.
#[must_use]
pub fn certificate_warnings(config: &Config) -> Vec<Problem> {
    let accounts = config.accounts.iter().filter(|(_, account)| !account.credential.is_secret());
    let warnings = accounts.filter_map(|(name, account)| {
        let warning = warning(subject(account), of(account)?, Timestamp::now())?;
        let problem = Problem::of_file(&config.path, format!("account `{name}`: {warning}"));
        Some(problem.with_help(remedy(account)).into_warning())
    });
    warnings.collect()
}

/// Name of the thing that expires.
#[must_use]
pub fn subject(account: &Account) -> &'static str {
    if account.credential.is_secret() { "the client secret" } else { "the certificate" }
}

/// Advice for the time before it expires.
#[must_use]
pub fn remedy(account: &Account) -> &'static str {
    if account.credential.is_secret() { REMEDY_SECRET } else { REMEDY_CERTIFICATE }
}

/// The warning about something that has expired, or expires within 30 days.
#[must_use]
pub fn warning(subject: &str, expires: Timestamp, now: Timestamp) -> Option<String> {
    let remaining = expires.duration_since(now);
    let day = expires.strftime("%Y-%m-%d");
    match remaining {
        remaining if remaining > SOON => None,
        remaining if remaining.is_negative() => Some(format!("{subject} expired on {day}")),
        remaining => match remaining.as_hours() / 24 {
            0 => Some(format!("{subject} expires on {day}, within a day")),
            days => Some(format!("{subject} expires on {day}, in {}", counted(days, "day"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warning_begins_thirty_days_before_the_end() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("a time");
        let of = |text: &str| warning("the client secret", text.parse().expect("a time"), now);
        assert_eq!(of("2027-01-01T00:00:00Z"), None);
        let soon = of("2026-12-29T00:00:00Z").expect("a warning");
        assert_eq!(soon, "the client secret expires on 2026-12-29, in 29 days");
        assert_eq!(
            of("2026-11-30T00:00:00Z").as_deref(),
            Some("the client secret expires on 2026-11-30, within a day")
        );
        assert_eq!(of("2026-11-01T00:00:00Z").as_deref(), Some("the client secret expired on 2026-11-01"));
    }
}
