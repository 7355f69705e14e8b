//! `[preflight]`.

use std::collections::BTreeMap;

use super::diagnostics::Diagnostics;
use crate::raw;
use dropship_package::{Level, Policy};
use dropship_rules::suggest;

pub(super) fn preflight(diagnostics: &mut Diagnostics<'_>, file: &raw::File) -> BTreeMap<String, Level> {
    let mut levels = BTreeMap::new();
    for (name, level) in file.preflight.iter().flat_map(|levels| &levels.value) {
        let known = Policy::known_checks();
        match known.iter().find(|check| check.name == name) {
            Some(check) if check.fixed => {
                let help = "a package that is incomplete or whose signature cannot be verified is never sent; remove the line";
                diagnostics.error_with_help(
                    &level.span,
                    format!("the level of `{name}` cannot be changed"),
                    help,
                );
            }
            Some(_) => {
                let level = match level.value {
                    raw::Level::Off => Level::Off,
                    raw::Level::Info => Level::Info,
                    raw::Level::Warn => Level::Warn,
                    raw::Level::Error => Level::Error,
                };
                levels.insert(name.clone(), level);
            }
            None => {
                let plain = name.to_lowercase().replace(['_', ' '], "-");
                let help = match suggest::nearest(&plain, known.iter().map(|check| check.name)) {
                    Some(best) => format!("did you mean `{best}`?"),
                    None => "docs/checks.md lists the checks".to_owned(),
                };
                diagnostics.error_with_help(&level.span, format!("there is no check `{name}`"), help);
            }
        }
    }
    levels
}
