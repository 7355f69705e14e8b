//! Whether an INF installs on any device (error 1297 of `InfVerif`).

use super::super::checks::{Check, Report};
use super::super::facts::InfFacts;
use super::super::inf::InfNotes;
use super::super::verdict::Level;
use super::names::several;

pub(super) fn check(report: &mut Report<'_>, inf: &InfFacts, notes: &InfNotes, path: &str) {
    let names = |sections: &[String]| several(sections.iter().map(String::as_str));
    if inf.hardware_ids.is_empty() {
        // A primitive driver installs without a device.
        if !inf.primitive {
            report
                .add(Check::InfNoDevices, format!("{path} does not install on any device: {}", cause(notes)));
        }
    } else if !notes.missing_models.is_empty() {
        // Microsoft accepts the INF, because it has other models. Machines of the missing decoration get no driver, mostly
        // because of a typing error. To exclude a version, an INF has an empty section, which is not reported.
        let message = format!(
            "{path} lists models sections in [Manufacturer] that do not exist: {}; it installs on no device there: add the \
             sections, or correct the decorations",
            names(&notes.missing_models)
        );
        report.add_at_most(Check::InfNoDevices, Level::Warn, message);
    }
}

/// Why the INF has no devices, as a clause for the message.
fn cause(notes: &InfNotes) -> String {
    let names = |sections: &[String]| several(sections.iter().map(String::as_str));
    let (missing, empty) = (names(&notes.missing_models), names(&notes.empty_models));
    match (notes.missing_models.is_empty(), notes.empty_models.is_empty()) {
        (true, true) => "it lists no models in [Manufacturer]; add [Manufacturer] and a models section with hardware ids, or \
                         write it as a primitive driver with [DefaultInstall]"
            .to_owned(),
        (false, true) => format!(
            "[Manufacturer] lists models sections that do not exist: {missing}; add them, or correct the decorations"
        ),
        (true, false) => {
            format!("the models sections that [Manufacturer] lists are empty: {empty}; add models with hardware ids")
        }
        (false, false) => format!(
            "of the models sections that [Manufacturer] lists, {missing} do not exist and {empty} are empty; add them, or \
             correct the decorations"
        ),
    }
}
