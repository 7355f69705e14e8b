//! How much a configuration may contain. An included file comes from another author, and reading it must not use up the memory of
//! the daemon.

/// Maximum size of a configuration in bytes.
pub(super) const MAX_SIZE: u64 = 16 << 20;
/// Maximum number of tables and lists. A rule has about ten, and each table takes up to 2 kB.
const MAX_TABLES: usize = 300_000;
/// Maximum number of lines and values. A line that is no TOML takes memory too.
const MAX_VALUES: usize = 2_000_000;

/// The content of the files so far.
#[derive(Debug, Default)]
pub(super) struct Volume {
    tables: usize,
    values: usize,
}

impl Volume {
    /// Counts a file before it is parsed. Characters in texts count too, so the numbers are a little too high.
    ///
    /// # Errors
    /// When the configuration has too many tables, or too many lines and values.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        let mut before = b' ';
        for byte in text.bytes() {
            // `[[` opens one table, and `{{` is part of a template.
            let is_second = byte == before && matches!(byte, b'[' | b'{');
            match byte {
                b'{' if is_second => {
                    self.tables = self.tables.saturating_sub(1);
                    self.values += 1;
                }
                b'[' | b'{' if !is_second => self.tables += 1,
                b'=' | b',' | b'\n' => self.values += 1,
                _ => {}
            }
            before = if is_second { b' ' } else { byte };
        }
        let too_many = |what: &str, max: usize| {
            Err(format!("the configuration has more than {max} {what}; this file and the rest are not read"))
        };
        match self {
            Self { tables: MAX_TABLES.., .. } => too_many("tables and lists", MAX_TABLES),
            Self { values: MAX_VALUES.., .. } => too_many("lines and values", MAX_VALUES),
            Self { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_values_are_counted() {
        let mut volume = Volume::default();
        let text = "[[rule]]\nname = \"{{ a }} {% b %}\"\nmatch = { file = [\"a\", \"b\"] }\n";
        assert_eq!(volume.add(text), Ok(()));
        assert_eq!((volume.tables, volume.values), (4, 8));
        for many in ["[[rule]]\n", "x=[{},{},{}]\n", "[a]\n"] {
            assert!(Volume::default().add(&many.repeat(MAX_TABLES)).is_err(), "{many}");
        }
        for many in ["a\n", "1,", "{{", "{{{"] {
            assert!(Volume::default().add(&many.repeat(MAX_VALUES)).is_err(), "{many}");
        }
    }
}
