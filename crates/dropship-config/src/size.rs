//! Sizes in the configuration, such as `500MB` or `2GiB`.

/// Units with their bytes.
const UNITS: &[(&str, u64)] = &[
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

impl super::raw::values::FromText for Size {
    fn from_text(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a size; write one such as \"500MB\" or \"2GiB\"");
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let number: u64 = trimmed[..digits].parse().map_err(|_| bad())?;
        let unit = trimmed[digits..].trim().to_ascii_lowercase();
        let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        number.checked_mul(*bytes).map(Self).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::values::FromText;

    #[test]
    fn sizes_have_units() {
        assert_eq!(Size::from_text("2GiB"), Ok(Size(2 << 30)));
        assert_eq!(Size::from_text("500 mb"), Ok(Size(500_000_000)));
        for bad in ["", "5", "GiB", "-1GB", "99999999999TiB"] {
            assert!(Size::from_text(bad).is_err(), "{bad}");
        }
    }
}
