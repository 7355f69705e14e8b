//! What the INFs of one package may need together: a package can have thousands, which unpack from little.

use super::distinct::MAX;

/// Maximum number of bytes that string tokens may add. Those of graphics drivers, the largest ones, add some 100 kB.
pub(super) const ADDED: usize = 8 * 1024 * 1024;

/// Maximum number of ids, models and names that are kept.
const LISTED: usize = 200_000;

/// What the INFs of a package that were read have used.
#[derive(Debug, Default)]
pub(crate) struct InfBudget {
    /// Bytes that string tokens have added.
    pub(super) added: usize,
    /// Ids, models and names that are kept.
    pub(super) listed: usize,
}

impl InfBudget {
    /// Maximum length of the next list.
    pub(super) fn list(&self) -> usize {
        LISTED.saturating_sub(self.listed).min(MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inf::read;

    #[test]
    fn facts_of_many_infs_are_bounded_together() {
        let devices: String = (0..300).map(|number| format!("D=I,%s%{number}\n")).collect();
        let decorations = "NTx,".repeat(500);
        let text = format!(
            "[Manufacturer]\nM=Std,NTamd64\nN=%s%,{decorations}\n[Std.NTamd64]\n{devices}[Strings]\ns=\"{}\"\n",
            "y".repeat(3000)
        );
        let mut budget = InfBudget::default();
        let infs: Vec<_> = (0..40).map(|_| read("Echo/echo.inf", text.as_bytes(), &mut budget)).collect();
        let ids = infs.iter().flat_map(|(facts, _)| &facts.hardware_ids).map(String::len).sum::<usize>();
        assert!(ids > ADDED / 2 && ids < 2 * ADDED, "{ids}");
        let missing =
            infs.iter().flat_map(|(_, notes)| &notes.missing_models).map(String::len).sum::<usize>();
        assert!(missing > 0 && missing < 1 << 20, "{missing}");
        let many: String = (0..19_000).map(|number| format!("D=I,R\\{number}\n")).collect();
        let many = format!("[Manufacturer]\nM=Std\n[Std]\n{many}");
        let infs: Vec<_> = (0..15).map(|_| read("Echo/echo.inf", many.as_bytes(), &mut budget)).collect();
        let ids = infs.iter().map(|(facts, _)| facts.hardware_ids.len()).sum::<usize>();
        assert!(ids > LISTED / 2 && ids <= LISTED, "{ids}");
    }
}
