//! `[preflight]`.

use std::collections::BTreeMap;

use super::Desk;
use crate::config::raw;
use crate::package::Level;

pub(super) fn preflight(desk: &mut Desk<'_>, file: &raw::File) -> BTreeMap<String, Level> {
    let mut levels = BTreeMap::new();
    for (name, level) in file.preflight.iter().flat_map(|levels| &levels.value) {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match name.chars().all(kebab) {
            true => {
                let level = match level.value {
                    raw::Level::Off => Level::Off,
                    raw::Level::Info => Level::Info,
                    raw::Level::Warn => Level::Warn,
                    raw::Level::Error => Level::Error,
                };
                levels.insert(name.clone(), level);
            }
            false => {
                let help = format!("did you mean `{}`?", name.to_lowercase().replace(['_', ' '], "-"));
                desk.error_with_help(&level.span, format!("there is no check `{name}`"), help);
            }
        }
    }
    levels
}
