//! `DriverVer` of an INF (inf-driverver-directive.md).

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::super::checks::{Check, Report};
use super::super::facts::InfFacts;
use super::super::inf::InfNotes;
use super::super::verdict::Level;
use super::names::shown;

pub(super) fn check(report: &mut Report<'_>, now: Timestamp, inf: &InfFacts, notes: &InfNotes, path: &str) {
    if let Some(placeholder) = notes.placeholder {
        let message = format!("{path} still has the placeholder {placeholder}; run stampinf in the build");
        report.add(Check::InfUnstamped, message);
    }
    let Some(text) = notes.driver_version_text.as_deref() else {
        let message = format!("{path} has no DriverVer in [Version]; run stampinf in the build");
        return report.add(Check::InfDriverVer, message);
    };
    check_form(report, text, inf, notes, path);
    check_date(report, now, notes, path);
}

fn check_form(report: &mut Report<'_>, text: &str, inf: &InfFacts, notes: &InfNotes, path: &str) {
    let Some(version) = inf.version.as_deref().filter(|_| inf.date.is_some()) else {
        let message = format!(
            "{path} has DriverVer = {}, which is not mm/dd/yyyy,w.x.y.z with numbers up to 65535; correct it",
            shown(text)
        );
        return report.add(Check::InfDriverVer, message);
    };
    if version == "0.0.0.0" {
        report.add(Check::InfDriverVer, format!("{path} has version 0.0.0.0 in DriverVer; set a version"));
    } else if notes.driver_version.is_short() {
        let written = text.split_once(',').map_or("", |(_, version)| version.trim());
        let message = format!(
            "{path} has version {} in DriverVer, which Windows reads as {version}; write all four numbers",
            shown(written)
        );
        report.add(Check::InfDriverVerShort, message);
    }
}

/// `Inf2Cat` refuses a date after today in UTC. In the morning, a build east of UTC is one day ahead of UTC; when Microsoft
/// signs the package, that date is usually no longer in the future. One day ahead is therefore at most a warning.
fn check_date(report: &mut Report<'_>, now: Timestamp, notes: &InfNotes, path: &str) {
    let Some(date) = notes.driver_version.date else { return };
    let today = now.to_zoned(TimeZone::UTC).date();
    if date <= today {
        return;
    }
    let (max_level, advice) = match today.checked_add(1.day()) {
        Ok(tomorrow) if date <= tomorrow => {
            (Level::Warn, "Microsoft may refuse it until that day: stamp the INF with the date in UTC")
        }
        _ => (Level::Error, "Microsoft refuses postdated drivers: correct the date"),
    };
    let message = format!("{path} has the date {date} in DriverVer, but today is {today} in UTC; {advice}");
    report.add_at_most(Check::InfDriverVerFuture, max_level, message);
}
