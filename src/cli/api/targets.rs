//! Hardware ids on the command line: `BUNDLE|INF|OS|PNP`, exact or with globs.

use std::fmt;
use std::str::FromStr;

use dropship_glob::Glob;
use dropship_hardware::{Action, HardwareIdChange};

/// Bundle id, INF, OS code and hardware id of one possible target.
pub(super) type TargetRow = [String; 4];

/// Globs that select rows.
#[derive(Debug, Clone)]
pub(super) struct TargetPattern {
    parts: TargetRow,
    globs: [Glob; 4],
}

impl TargetPattern {
    /// Whether it has to be matched against known rows.
    pub(super) fn is_glob(&self) -> bool {
        self.only_row().is_none()
    }

    /// The only row that it can mean; `None` if a part has several meanings.
    fn only_row(&self) -> Option<TargetRow> {
        let [bundle, inf, os, pnp] = self.globs.each_ref().map(Glob::only_text);
        Some([bundle?, inf?, os?, pnp?])
    }

    /// The rows that match; `source` names where they are from in errors. An exact match wins over a glob, because hardware ids
    /// may start with a star.
    pub(super) fn matching_rows(&self, rows: &[TargetRow], source: &str) -> anyhow::Result<Vec<TargetRow>> {
        if let Some(row) = self.only_row() {
            return Ok(vec![row]);
        }
        let exact = |row: &&TargetRow| {
            row.iter().zip(&self.parts).all(|(cell, part)| cell.eq_ignore_ascii_case(part))
        };
        if let Some(row) = rows.iter().find(exact) {
            return Ok(vec![row.clone()]);
        }
        let fits = |row: &&TargetRow| {
            let mut cells = row.iter().zip(&self.parts).zip(&self.globs);
            cells.all(|((cell, part), glob)| cell.eq_ignore_ascii_case(part) || glob.is_match(cell))
        };
        let found: Vec<TargetRow> = rows.iter().filter(fits).cloned().collect();
        if found.is_empty() {
            let examples: Vec<_> = rows.iter().take(3).map(|row| format!("`{}`", row.join("|"))).collect();
            let known = if examples.is_empty() { "no hardware ids".to_owned() } else { examples.join(", ") };
            let more = if rows.len() > examples.len() { " and more" } else { "" };
            anyhow::bail!("`{self}` matches nothing in {source}; known: {known}{more}");
        }
        Ok(found)
    }
}

/// The change that adds or removes a row.
pub(super) fn change(action: Action, [bundle, inf, os, pnp]: TargetRow) -> HardwareIdChange {
    HardwareIdChange { action, bundle_id: bundle, inf_id: inf, operating_system_code: os, pnp_string: pnp }
}

impl FromStr for TargetPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<String> = text.split('|').map(|part| part.trim().to_owned()).collect();
        let parts: TargetRow = parts.try_into().map_err(|_| {
            "expected BUNDLE|INF|OS|PNP as in the driver metadata, in quotes, for example \
             '*|echo.inf|WINDOWS_v100_X64_*|pci\\ven_8086*'"
                .to_owned()
        })?;
        let glob = |at: usize| Glob::new(&parts[at]).map_err(|error| error.to_string());
        Ok(Self { globs: [glob(0)?, glob(1)?, glob(2)?, glob(3)?], parts })
    }
}

impl fmt::Display for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<TargetRow> {
        let row = |os: &str, pnp: &str| ["b1", "a.inf", os, pnp].map(str::to_owned);
        vec![row("X64", "*pnp0c0a"), row("X64", "acpi\\*pnp0c0a"), row("ARM64", "pci\\ven_8086")]
    }

    fn matched(text: &str) -> Vec<String> {
        let found = text.parse::<TargetPattern>().unwrap().matching_rows(&rows(), "the metadata").unwrap();
        found.iter().map(|[_, _, os, pnp]| format!("{os} {pnp}")).collect()
    }

    #[test]
    fn pattern_matches_rows_and_exact_text_matches_itself() {
        assert_eq!(matched("*|*|arm*|PCI\\*"), ["ARM64 pci\\ven_8086"]);
        assert_eq!(matched("b1|a.inf|X64|*PNP0C0A"), ["X64 *pnp0c0a"]);
        assert_eq!(matched("*|a.inf|X64|*"), ["X64 *pnp0c0a", "X64 acpi\\*pnp0c0a"]);
        assert_eq!(matched("b9|z.inf|X64|root\\new"), ["X64 root\\new"]);
        assert_eq!(matched("b1|a.inf|X64|[*]pnp0501"), ["X64 *pnp0501"]);
        assert_eq!(matched("b1|a.inf|{ARM64,X86}|pci*"), ["ARM64 pci\\ven_8086"]);
    }

    #[test]
    fn pattern_without_match_or_with_wrong_parts_is_an_error() {
        let nothing = "*|*|*|usb*"
            .parse::<TargetPattern>()
            .unwrap()
            .matching_rows(&rows(), "the metadata")
            .unwrap_err();
        assert!(nothing.to_string().contains("`b1|a.inf|X64|*pnp0c0a`"), "{nothing}");
        for bad in ["pci\\ven_8086", "a|b|c", "a|b|c|d|e", "a||c|d", "a|b|[|d"] {
            assert!(bad.parse::<TargetPattern>().is_err(), "{bad}");
        }
    }
}
