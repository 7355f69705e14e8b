//! A set of quirks.

use std::fmt;

use crate::quirks::Quirk;

/// A set of quirks; a bit for each, by the order of their declaration.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u128);

const _: () = assert!(Quirk::ALL.len() <= u128::BITS as usize, "a quirk has no bit");

impl Quirks {
    /// The empty set: the sandbox behaves as every known client expects.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// All quirks.
    #[must_use]
    pub fn all() -> Self {
        Quirk::ALL.iter().fold(Self::none(), |set, quirk| set.with(*quirk))
    }

    /// Parses `all`, `none`, or names separated by commas.
    ///
    /// # Errors
    /// When a name is unknown; the error lists the known names.
    pub fn parse(text: &str) -> Result<Self, UnknownQuirk> {
        let mut set = Self::none();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            set = match word {
                "all" => Self::all(),
                "none" => Self::none(),
                name => match Quirk::ALL.iter().find(|quirk| quirk.name() == name) {
                    Some(quirk) => set.with(*quirk),
                    None => return Err(UnknownQuirk(name.to_owned())),
                },
            };
        }
        Ok(set)
    }

    /// The name and description of every quirk.
    pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
        Quirk::ALL.iter().map(|quirk| (quirk.name(), quirk.description()))
    }

    /// This set with a quirk added.
    #[must_use]
    pub fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | Self::bit(quirk))
    }

    /// This set with a quirk removed.
    #[must_use]
    pub fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !Self::bit(quirk))
    }

    /// Whether the set contains a quirk.
    #[must_use]
    pub fn has(self, quirk: Quirk) -> bool {
        self.0 & Self::bit(quirk) != 0
    }

    fn bit(quirk: Quirk) -> u128 {
        1 << quirk as u32
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Quirk::ALL.iter().filter(|quirk| self.has(**quirk)).map(|quirk| quirk.name());
        f.debug_set().entries(names).finish()
    }
}

/// A name that no quirk has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown quirk `{0}`; expected `all`, `none`, or names from: {names}", names = name_list())]
pub struct UnknownQuirk(String);

fn name_list() -> String {
    let names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readme_lists_every_quirk() {
        let readme = include_str!("../../README.md");
        for (name, meaning) in Quirks::names() {
            assert!(
                readme.contains(&format!("| `{name}` | {meaning} |")),
                "{name} is not in README.md as it is"
            );
        }
    }

    #[test]
    fn names_are_parsed_and_unknown_name_is_reported() {
        let set = Quirks::parse("space-in-sas, string-ids").unwrap();
        assert!(set.has(Quirk::SpaceInSas) && set.has(Quirk::StringIds) && !set.has(Quirk::EnumCase));
        assert_eq!(format!("{set:?}"), r#"{"space-in-sas", "string-ids"}"#);
        let error = Quirks::parse("space-in-sauce").unwrap_err().to_string();
        assert!(error.contains("space-in-sauce") && error.contains("space-in-sas"), "{error}");
    }

    #[test]
    fn all_contains_each_quirk_once() {
        assert_eq!(Quirks::all().0.count_ones() as usize, Quirk::ALL.len());
        for quirk in Quirk::ALL {
            assert_eq!(Quirks::parse(quirk.name()).unwrap(), Quirks::none().with(*quirk));
            assert!(!Quirks::all().without(*quirk).has(*quirk));
        }
    }
}
