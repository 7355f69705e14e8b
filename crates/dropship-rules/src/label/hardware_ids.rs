//! Hardware ids that need another review. Source: "Publishing restrictions".

/// Enumerators and beginnings that are on the list, lower case.
const PREFIXES: &[&str] = &[
    "activcardbus",
    "circlass",
    "hid\\irdevice",
    "irbus",
    "ps2_",
    "midi",
    "pnp",
    "*pnp",
    "acp\\",
    "ian\\",
    "avm\\",
    "stream\\",
    "display\\",
    "hid_devi",
    "serial_m",
    "isapnp\\pnp",
    "serenum\\pnp",
    "bios\\pnp",
    "acpi\\pnp",
    "*dontuse",
    "serial_mouse",
    "root\\circlass",
    "storage\\volumesnapshot",
    "storage\\volume",
];

/// The warning about a hardware id in lower case.
pub(super) fn warning(id: &str) -> Option<String> {
    if let Some(prefix) = PREFIXES.iter().find(|prefix| id.starts_with(**prefix)) {
        return Some(format!("begins with `{prefix}`"));
    }
    let Some((bus, rest)) = id.split_once('\\') else {
        return Some("has no bus enumerator".to_owned());
    };
    if rest.starts_with("class")
        || rest.starts_with("cc_")
        || rest.contains("&cc_")
        || rest.contains("&class_")
    {
        return Some("names a device class".to_owned());
    }
    match bus {
        "pci" => pci(rest),
        "hdaudio" => (rest.split('&').count() == 2 && !rest.contains("dev_"))
            .then(|| "has two parts".to_owned())
            .or_else(|| (!rest.contains("dev_")).then(|| "names no device".to_owned())),
        "usb" => (rest.contains("vid_") && !rest.contains("pid_")).then(|| "names no product".to_owned()),
        "bthenum" => (rest.starts_with('{') && !rest.contains("vid"))
            .then(|| "names a service and no vendor".to_owned()),
        _ => None,
    }
}

/// The vendor of the subsystem, whose machine the device sits in: the last four digits of `SUBSYS_` on a PCI bus, the first
/// four on an HD Audio bus (learn.microsoft.com, "Identifiers for PCI devices" and "Identifiers for HDAUDIO devices").
pub(super) fn subsystem_vendor(id: &str) -> Option<String> {
    let id = id.to_lowercase();
    let (bus, _) = id.split_once('\\')?;
    let (_, rest) = id.split_once("subsys_")?;
    let digits = match bus {
        "pci" => rest.get(4..8),
        "hdaudio" | "intelaudio" => rest.get(0..4),
        _ => None,
    };
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some(digits.to_owned())
}

fn pci(rest: &str) -> Option<String> {
    if rest.starts_with("ven_0000") || rest.starts_with("ven_ffff") {
        return Some("names no real vendor".to_owned());
    }
    if !rest.contains("dev_") {
        return Some("names no device".to_owned());
    }
    (rest.split('&').count() == 2).then(|| "has only two parts, the vendor and the device".to_owned())
}

/// Whether an id is of a vendor and a device alone.
pub(super) fn is_two_part(id: &str) -> bool {
    id.split_once('\\').is_some_and(|(_, rest)| rest.split('&').count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsystem_vendor_is_found_at_the_position_of_its_bus() {
        let vendor = |id| subsystem_vendor(id);
        assert_eq!(vendor("PCI\\VEN_8086&DEV_1234&SUBSYS_07981028").as_deref(), Some("1028"));
        assert_eq!(vendor("HDAUDIO\\FUNC_01&VEN_10EC&DEV_0295&SUBSYS_10280798").as_deref(), Some("1028"));
        assert_eq!(vendor("USB\\VID_1234&PID_0001&SUBSYS_10280798"), None);
        assert_eq!(vendor("PCI\\VEN_8086&DEV_1234&SUBSYS_0798"), None);
    }

    #[test]
    fn doubtful_ids_are_reported() {
        for id in [
            "pci\\ven_8086&dev_1234",
            "pci\\ven_8086",
            "pci\\ven_ffff&dev_1&subsys_2",
            "pci\\cc_0403",
            "pci\\ven_8086&cc_0403",
            "usb\\vid_045e",
            "usb\\class_0e",
            "acpi\\pnp0a03",
            "*pnp0501",
            "noenumerator",
            "bthenum\\{0000110b-0000-1000-8000-00805f9b34fb}",
            "storage\\volume",
        ] {
            assert!(warning(id).is_some(), "{id}");
        }
        for id in [
            "pci\\ven_8086&dev_1234&subsys_00011028",
            "usb\\vid_045e&pid_0001",
            "root\\echo",
            "hdaudio\\func_01&ven_10ec&dev_0256",
            "acpi\\int33d0",
        ] {
            assert_eq!(warning(id), None, "{id}");
        }
    }
}
