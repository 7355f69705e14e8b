//! Devices and versions of INFs.

use super::cabinets::{INF, driver, errors, facts, findings, found, inspection};
use crate::Level;

#[test]
fn inf_without_devices_is_an_error_that_names_the_decoration() {
    let files = driver("Drv", &INF.replace("[M.NTamd64.10.0...19041]", "[M.NTamd64]"));
    let errors = findings(&files, Level::Error);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].check, "inf-no-devices");
    assert!(errors[0].message.contains("M.NTamd64.10.0...19041"), "{}", errors[0].message);
}

#[test]
fn missing_models_section_beside_a_good_one_is_a_warning_that_names_it() {
    let inf = INF.replace("%P%=M,NTamd64.10.0...19041", "%P%=M,NTamd64.10.0...19041,NTarm64.10.0");
    let warnings = findings(&driver("Drv", &inf), Level::Warn);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!((warnings[0].check.as_str(), warnings[0].level), ("inf-no-devices", Level::Warn));
    assert!(warnings[0].message.contains("M.NTarm64.10.0"), "{}", warnings[0].message);
}

#[test]
fn empty_models_section_beside_a_good_one_is_accepted() {
    let inf = INF.replace("%P%=M,NTamd64.10.0...19041", "%P%=M,NTamd64.10.0...19041,NTamd64.6.1");
    let inf = inf.replace("[Strings]", "[M.NTamd64.6.1] ; not for Windows 7\r\n[Strings]");
    assert_eq!(found(&driver("Drv", &inf)), Vec::<String>::new());
}

#[test]
fn driver_date_one_day_ahead_in_utc_is_a_warning_and_later_an_error() {
    // The policy's time is noon of June 1st, 2026.
    let dated = |date: &str| driver("Drv", &INF.replace("06/21/2025", date));
    assert_eq!(found(&dated("06/01/2026")), Vec::<String>::new());
    assert_eq!(found(&dated("06/02/2026")), ["inf-driverver-future"]);
    assert_eq!(errors(&dated("06/02/2026")), Vec::<String>::new());
    assert_eq!(errors(&dated("06/03/2026")), ["inf-driverver-future"]);
    assert_eq!(errors(&dated("12/31/9999")), ["inf-driverver-future"]);
    assert_eq!(facts(&dated("06/03/2026")).infs[0].date.as_deref(), Some("2026-06-03"));
}

#[test]
fn driver_version_with_three_numbers_is_padded_with_a_warning() {
    let files = driver("Drv", &INF.replace("1.2.3.4", "2.06.00"));
    assert_eq!(found(&files), ["inf-driverver-short"]);
    assert_eq!(errors(&files), Vec::<String>::new());
    assert_eq!(facts(&files).infs[0].version.as_deref(), Some("2.6.0.0"));
}

#[test]
fn driver_version_that_is_zero_when_padded_is_an_error() {
    assert_eq!(errors(&driver("Drv", &INF.replace("1.2.3.4", "0.0"))), ["inf-driverver"]);
}

#[test]
fn level_of_the_operator_applies_to_the_milder_case_too() {
    let level = |check: &str, level: Level, files: &[(String, Vec<u8>)]| {
        let findings = inspection(files, &[(check, level)]).findings;
        findings.iter().find(|finding| finding.check == check).map(|finding| finding.level)
    };
    let tomorrow = driver("Drv", &INF.replace("06/21/2025", "06/02/2026"));
    assert_eq!(level("inf-driverver-future", Level::Off, &tomorrow), None);
    assert_eq!(level("inf-driverver-future", Level::Info, &tomorrow), Some(Level::Info));
    assert_eq!(level("inf-driverver-future", Level::Error, &tomorrow), Some(Level::Warn));
    let short = driver("Drv", &INF.replace("1.2.3.4", "2.06.00"));
    assert_eq!(level("inf-driverver-short", Level::Error, &short), Some(Level::Error));
    assert_eq!(level("dot-path", Level::Error, &driver("./Drv", INF)), Some(Level::Error));
    assert_eq!(level("inf-not-in-root", Level::Warn, &driver("Drv/x64", INF)), Some(Level::Warn));
}
