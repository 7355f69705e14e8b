//! Hardware ids on the command line: `BUNDLE|INF|OS|PNP`, written out or with globs.

use std::fmt;
use std::str::FromStr;

use dropship_hardware::{Action, HardwareIdChange};
use dropship_rules::pattern::Pattern;

/// Bundle id, INF, OS code and hardware id of one row that a label may target.
pub(super) type Row = [String; 4];

/// Which rows are meant.
#[derive(Debug, Clone)]
pub(super) struct Target {
    parts: Row,
    globs: [Pattern; 4],
}

impl Target {
    /// Whether it must be looked up which rows are meant.
    pub(super) fn is_glob(&self) -> bool {
        self.parts.iter().any(|part| part.contains(['*', '?']))
    }

    /// The rows that are meant. A row that is written out exactly is meant alone: hardware ids may begin
    /// with a star.
    pub(super) fn among(&self, rows: &[Row], place: &str) -> anyhow::Result<Vec<Row>> {
        if !self.is_glob() {
            return Ok(vec![self.parts.clone()]);
        }
        let exact =
            |row: &&Row| row.iter().zip(&self.parts).all(|(cell, part)| cell.eq_ignore_ascii_case(part));
        if let Some(row) = rows.iter().find(exact) {
            return Ok(vec![row.clone()]);
        }
        let fits = |row: &&Row| {
            let mut cells = row.iter().zip(&self.parts).zip(&self.globs);
            cells.all(|((cell, part), glob)| cell.eq_ignore_ascii_case(part) || glob.is_match(cell))
        };
        let found: Vec<Row> = rows.iter().filter(fits).cloned().collect();
        if found.is_empty() {
            let some: Vec<_> = rows.iter().take(3).map(|row| format!("`{}`", row.join("|"))).collect();
            let there = if some.is_empty() { "no hardware id at all".to_owned() } else { some.join(", ") };
            let more = if rows.len() > some.len() { " and more" } else { "" };
            anyhow::bail!("nothing in {place} fits `{self}`; there is {there}{more}");
        }
        Ok(found)
    }
}

/// A row as a change.
pub(super) fn change(action: Action, [bundle, inf, os, pnp]: Row) -> HardwareIdChange {
    HardwareIdChange { action, bundle_id: bundle, inf_id: inf, operating_system_code: os, pnp_string: pnp }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<String> = text.split('|').map(|part| part.trim().to_owned()).collect();
        let parts: Row = parts.try_into().map_err(|_| {
            "write BUNDLE|INF|OS|PNP as the driver metadata has them, in quotes, for example \
             '*|echo.inf|WINDOWS_v100_X64_*|pci\\ven_8086*'"
                .to_owned()
        })?;
        let [bundle, inf, os, pnp] = [0, 1, 2, 3].map(|at| Pattern::new(&parts[at]));
        Ok(Self { globs: [bundle?, inf?, os?, pnp?], parts })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |os: &str, pnp: &str| ["b1", "a.inf", os, pnp].map(str::to_owned);
        vec![row("X64", "*pnp0c0a"), row("X64", "acpi\\*pnp0c0a"), row("ARM64", "pci\\ven_8086")]
    }

    fn meant(text: &str) -> Vec<String> {
        let found = text.parse::<Target>().unwrap().among(&rows(), "the metadata").unwrap();
        found.iter().map(|[_, _, os, pnp]| format!("{os} {pnp}")).collect()
    }

    #[test]
    fn globs_mean_rows_and_what_is_written_out_means_itself() {
        assert_eq!(meant("*|*|arm*|PCI\\*"), ["ARM64 pci\\ven_8086"]);
        assert_eq!(meant("b1|a.inf|X64|*PNP0C0A"), ["X64 *pnp0c0a"]);
        assert_eq!(meant("*|a.inf|X64|*"), ["X64 *pnp0c0a", "X64 acpi\\*pnp0c0a"]);
        assert_eq!(meant("b9|z.inf|X64|root\\new"), ["X64 root\\new"]);
    }

    #[test]
    fn what_fits_nothing_or_has_no_four_parts_is_an_error() {
        let nothing = "*|*|*|usb*".parse::<Target>().unwrap().among(&rows(), "the metadata").unwrap_err();
        assert!(nothing.to_string().contains("`b1|a.inf|X64|*pnp0c0a`"), "{nothing}");
        for bad in ["pci\\ven_8086", "a|b|c", "a|b|c|d|e", "a||c|d", "a|b|[|d"] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
