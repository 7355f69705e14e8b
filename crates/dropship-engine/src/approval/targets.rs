//! Counts the targets of a request.

use super::page::TargetCounts;
use dropship_hardware::{HardwareId, NewShippingLabel};

/// The targets of a request.
pub(super) fn rows(request: &NewShippingLabel) -> impl Iterator<Item = &HardwareId> {
    request.targeting.iter().flat_map(|targeting| &targeting.hardware_ids)
}

impl TargetCounts {
    /// Counts the targets of a request.
    #[must_use]
    pub fn of_request(request: &NewShippingLabel) -> Self {
        let targets = rows(request).map(|row| (row.pnp_string.as_str(), row.operating_system_code.as_str()));
        let chids = request.targeting.as_ref().map_or(0, |targeting| targeting.chids.len());
        Self { chids, ..Self::of(targets) }
    }

    /// Counts targets by operating system and vendor; each is a hardware id and an OS code.
    #[must_use]
    pub fn of<'a>(targets: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut counts = Self::default();
        for (hardware_id, os) in targets {
            counts.total += 1;
            *counts.operating_systems.entry(os.to_owned()).or_default() += 1;
            *counts.vendors.entry(vendor(hardware_id)).or_default() += 1;
        }
        counts
    }
}

/// Bus and vendor of a hardware id; the bus alone when the id names no vendor. Sources: learn.microsoft.com, "Identifiers for
/// PCI devices", "Standard USB identifiers" and "Identifiers for HDAUDIO devices".
fn vendor(id: &str) -> String {
    let id = id.to_uppercase();
    let Some((bus, rest)) = id.split_once('\\') else { return "no bus".to_owned() };
    let is_vendor = |part: &&str| part.starts_with("VEN_") || part.starts_with("VID_");
    match rest.split(['&', '\\']).find(is_vendor) {
        Some(vendor) => format!("{bus}\\{vendor}"),
        // ACPI ids without `VEN_` begin with the vendor: `ACPI\INTC1057`.
        None if bus == "ACPI" => {
            let letters = rest.chars().take_while(char::is_ascii_alphabetic).take(4);
            format!("{bus}\\{}", letters.collect::<String>())
        }
        None => bus.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_of_hardware_id_has_its_bus() {
        for (id, expected) in [
            ("pci\\ven_8086&dev_1234&subsys_00011028", "PCI\\VEN_8086"),
            ("USB\\VID_045E&PID_0001&MI_00", "USB\\VID_045E"),
            ("hdaudio\\func_01&ven_10ec&dev_0256", "HDAUDIO\\VEN_10EC"),
            ("INTELAUDIO\\CTLR_DEV_51C8&LINKTYPE_02&VID_8086", "INTELAUDIO\\VID_8086"),
            ("acpi\\intc1057", "ACPI\\INTC"),
            ("ACPI\\VEN_MSFT&DEV_0101", "ACPI\\VEN_MSFT"),
            ("root\\echo", "ROOT"),
            ("*pnp0c0a", "no bus"),
        ] {
            assert_eq!(vendor(id), expected);
        }
    }
}
