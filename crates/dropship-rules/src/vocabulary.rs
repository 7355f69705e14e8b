//! Words that Microsoft's documentation lists. None of these lists is closed: the service takes newer
//! words before they are documented, so an unknown one is a warning and never an error.
//!
//! Sources: "Get product data" (OS codes, OS families, product types) and "Limit driver distribution"
//! (floors); the 25H2 and 26H1 codes were met in public clients.

/// OS codes, from the oldest to the newest.
pub use dropship_hardware::OS_CODES;

/// OS family codes.
pub const OS_FAMILIES: &[&str] = &[
    "WindowsMe",
    "Windows2000",
    "Windows98",
    "WindowsNT40",
    "WindowsXP",
    "WindowsServer2003",
    "WindowsVista",
    "Windows2008Server",
    "WindowsHomeServer",
    "Windows7",
    "Windows2008ServerR2",
    "WindowsServerSolutions",
    "Windows8",
    "Windows8Server",
    "Windows81",
    "Windows81Server",
    "Windows_v100",
    "Windows_v100Server",
    "Windows_v100_RS1",
    "Windows_v100Server_RS1",
    "Windows_v100_RS2",
    "Windows_v100Server_RS2",
    "Windows_v100_RS3",
    "Windows_v100Server_RS3",
    "Windows_v100_RS4",
    "Windows_v100Server_RS5",
    "Windows_v100_RS5",
    "Windows_v100_19H1",
    "Windows_v100_VB",
    "Windows_v100Server_FE",
    "Windows_v100_CO",
    "Windows_v100_NI",
    "Windows_v100_GE",
    "Windows_v100Server_GE",
    "Windows_v100_25H2",
    "Windows_v100_26H1",
];

/// Product types.
pub const PRODUCT_TYPES: &[&str] = &[
    "Unclassified",
    "3D Printer",
    "Accelerometer Sensor",
    "All In One",
    "All In One with Touch",
    "Audio Device",
    "Audio Processing Objects",
    "Bluetooth Controller",
    "Bluetooth Controller Non USB",
    "Camera",
    "Camera Sensor",
    "Cluster",
    "Compute Accelerator MCDM 2.7",
    "Compute Accelerator MCDM 3.1",
    "Compute Accelerator MCDM 3.2",
    "Convertible Tablet",
    "Desktop",
    "Digital Media Renderer",
    "Digital Media Server",
    "Digital Still Cameras",
    "Digital Video Cameras",
    "Distribution Scan Management Enabled Devices",
    "Enterprise WSD Multi-Function Printer",
    "Finger Print Reader",
    "Game Controller",
    "Generic Controller",
    "Generic Portable Device",
    "Graphics Adapter MCDM2.7",
    "Graphics Adapter MCDM2.8",
    "Graphics Adapter MCDM2.9",
    "Graphics Adapter MCDM3.0",
    "Graphics Adapter WDDM1.0",
    "Graphics Adapter WDDM1.1",
    "Graphics Adapter WDDM1.2",
    "Graphics Adapter WDDM1.2 DisplayOnly",
    "Graphics Adapter WDDM1.2 RenderOnly",
    "Graphics Adapter WDDM1.3",
    "Graphics Adapter WDDM1.3 DisplayOnly",
    "Graphics Adapter WDDM1.3 RenderOnly",
    "Graphics Adapter WDDM2.0",
    "Graphics Adapter WDDM2.0 Display Only",
    "Graphics Adapter WDDM2.0 Render Only",
    "Graphics Adapter WDDM2.1",
    "Graphics Adapter WDDM2.1 Display Only",
    "Graphics Adapter WDDM2.1 Render Only",
    "Graphics Adapter WDDM2.2",
    "Graphics Adapter WDDM2.2 Display Only",
    "Graphics Adapter WDDM2.2 Render Only",
    "Graphics Adapter WDDM2.3",
    "Graphics Adapter WDDM2.3 Display Only",
    "Graphics Adapter WDDM2.3 Render Only",
    "Graphics Adapter WDDM2.4",
    "Graphics Adapter WDDM2.4 Display Only",
    "Graphics Adapter WDDM2.4 Render Only",
    "Graphics Adapter WDDM2.4 VM",
    "Graphics Adapter WDDM2.5",
    "Graphics Adapter WDDM2.5 Display Only",
    "Graphics Adapter WDDM2.5 Render Only",
    "Graphics Adapter WDDM2.5 VM",
    "Graphics Adapter WDDM2.6",
    "Graphics Adapter WDDM2.6 Display Only",
    "Graphics Adapter WDDM2.6 Render Only",
    "Graphics Adapter WDDM2.6 VM",
    "Graphics Adapter WDDM2.7",
    "Graphics Adapter WDDM2.7 Display Only",
    "Graphics Adapter WDDM2.7 Render Only",
    "Graphics Adapter WDDM2.7 VM",
    "Graphics Adapter WDDM2.8",
    "Graphics Adapter WDDM2.8 Display Only",
    "Graphics Adapter WDDM2.8 Render Only",
    "Graphics Adapter WDDM2.8 VM",
    "Graphics Adapter WDDM2.9",
    "Graphics Adapter WDDM2.9 Display Only",
    "Graphics Adapter WDDM2.9 Render Only",
    "Graphics Adapter WDDM2.9 VM",
    "Graphics Adapter WDDM3.0",
    "Graphics Adapter WDDM3.0 Display Only",
    "Graphics Adapter WDDM3.0 Render Only",
    "Graphics Adapter WDDM3.0 VM",
    "Graphics Adapter WDDM3.1",
    "Graphics Adapter WDDM3.1 Display Only",
    "Graphics Adapter WDDM3.1 Render Only",
    "Graphics Adapter WDDM3.1 VM",
    "Graphics Adapter WDDM3.2",
    "Graphics Adapter WDDM3.2 Display Only",
    "Graphics Adapter WDDM3.2 Render Only",
    "Graphics Adapter WDDM3.2 VM",
    "Graphics Tablet",
    "Gyroscope Sensor",
    "Hard Drive",
    "Hardware Multifunction Transforms",
    "Keyboard",
    "Keyboard Video Mouse Switch",
    "LAN",
    "LAN (Server)",
    "LAN CS",
    "LAN Virtual Machine (Server)",
    "Laptop",
    "Laptop with Touch",
    "LCD",
    "Light Sensor",
    "Location Sensor",
    "Media Player",
    "Mobile Broadband CDMA",
    "Mobile Broadband GSM",
    "Mobile Phone",
    "Monitor",
    "Motherboard",
    "Motion Sensor Fusion",
    "Multi-Function Printer",
    "Near Field Proximity",
    "Network Media Device",
    "NFC",
    "NFC Smart Card Reader",
    "Optical Drive",
    "Pen Digitizer",
    "Pointing Drawing",
    "PrecisionTouchpad",
    "Presence Sensor",
    "Printer",
    "Projector",
    "Removable Storage",
    "Router",
    "Scanner",
    "SDIO Controller",
    "Server",
    "Server Virtualization Validation Program",
    "Signature Tablet",
    "Smart Cards",
    "Smartcard Reader",
    "Storage Array",
    "Storage Controller",
    "Storage Spaces Adapter",
    "Storage Spaces Drive",
    "Tablet",
    "Touch",
    "Touch Monitor",
    "TPM20",
    "Ultra-Mobile PC",
    "Ultra-Mobile PC with Touch",
    "USB Controller",
    "USB Hub",
    "WebCam",
    "WLAN",
    "WLAN CSB",
    "WSD Multi-Function Printer",
    "WSD Printer",
    "WSD Scanner",
];

/// Floors and ceilings, from the oldest to the newest.
pub const FLOORS: &[&str] =
    &["TH", "RS1", "RS2", "RS3", "RS4", "RS5", "19H1", "VB", "FE", "CO", "NI", "MN", "GE"];

/// Where an OS stands among its kind: the newer, the higher. `None` for a code of unknown age.
#[must_use]
pub fn os_rank(code: &str) -> Option<usize> {
    const RELEASES: &[&str] = &[
        "TH1", "TH2", "RS1", "RS2", "RS3", "RS4", "RS5", "19H1", "VB", "FE", "CO", "NI", "GE", "25H2", "26H1",
    ];
    let upper = code.to_ascii_uppercase();
    match upper.strip_prefix("WINDOWS_V100_") {
        Some(rest) => {
            let release = rest.strip_suffix("_FULL").unwrap_or(rest).rsplit('_').next()?;
            let rank = RELEASES.iter().position(|name| *name == release)?;
            Some(OS_CODES.len() + rank)
        }
        None => OS_CODES.iter().position(|known| known.eq_ignore_ascii_case(&upper)),
    }
}

/// Whether a code is of Windows 10 or later, where CHIDs are allowed.
#[must_use]
pub fn is_windows_10_or_later(code: &str) -> bool {
    code.get(..12).is_some_and(|head| head.eq_ignore_ascii_case("WINDOWS_v100"))
}

/// Whether a code is of a server system. Windows Server 2003 does not say so in its codes.
#[must_use]
pub fn is_server(code: &str) -> bool {
    let upper = code.to_ascii_uppercase();
    upper.contains("SERVER") || upper.starts_with("WINDOWS_2003")
}

/// Where a floor or ceiling stands; `None` for one of unknown age.
#[must_use]
pub fn floor_rank(floor: &str) -> Option<usize> {
    const ORDER: &[&str] = &[
        "TH", "RS1", "RS2", "RS3", "RS4", "RS5", "19H1", "VB", "FE", "CO", "NI", "MN", "GE", "25H2", "26H1",
    ];
    let floor = match floor {
        "NineteenH1" => "19H1",
        other => other,
    };
    ORDER.iter().position(|known| known.eq_ignore_ascii_case(floor))
}

/// The floor that belongs to an OS code, as its rank; `None` for a code before Windows 10 or of unknown age.
#[must_use]
pub fn floor_rank_of_os(code: &str) -> Option<usize> {
    let upper = code.to_ascii_uppercase();
    let rest = upper.strip_prefix("WINDOWS_V100_")?;
    let release = rest.strip_suffix("_FULL").unwrap_or(rest).rsplit('_').next()?;
    match release {
        "TH1" | "TH2" => floor_rank("TH"),
        other => floor_rank(other),
    }
}

/// Whether a system is newer than a ceiling, which is an OS code or a release such as `NI`. `None` if the age of one of them
/// is unknown.
#[must_use]
pub fn is_above_ceiling(system: &str, ceiling: &str) -> Option<bool> {
    let release = |word: &str| floor_rank_of_os(word).or_else(|| floor_rank(word));
    match (release(system), release(ceiling)) {
        (Some(system), Some(ceiling)) => Some(system > ceiling),
        _ => Some(os_rank(system)? > os_rank(ceiling)?),
    }
}

/// Audiences that attestation-signed drivers may be published to, without spaces and in lower case.
///
/// Source: "Publishing restrictions" and "Attestation signing" (since 2023-03-01).
const TEST_AUDIENCES: &[&str] = &["testregistrykey", "surfacessrk", "testregistrykey/surfacessrk"];

/// Whether an audience is a test audience, by its name or its audience name.
#[must_use]
pub fn is_test_audience(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric() || *c == '/').collect();
    TEST_AUDIENCES.contains(&plain.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_systems_rank_higher() {
        let order = [
            "WINDOWS_XP",
            "WINDOWS_7_X64",
            "WINDOWS_v63_X64",
            "WINDOWS_v100_TH1_FULL",
            "WINDOWS_v100_X64_RS1_FULL",
            "WINDOWS_v100_ARM64_VB_FULL",
            "windows_v100_x64_ge_full",
            "WINDOWS_v100_X64_26H1_FULL",
        ];
        let ranks: Vec<_> = order.iter().map(|code| os_rank(code).expect(code)).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        assert_eq!(os_rank("WINDOWS_v100_X64_QQ_FULL"), None);
        assert_eq!(os_rank("WINDOWS_v100_X64_CO_FULL"), os_rank("WINDOWS_v100_ARM64_CO_FULL"));
    }

    #[test]
    fn floors_follow_their_systems() {
        assert_eq!(floor_rank_of_os("WINDOWS_v100_X64_TH2_FULL"), floor_rank("TH"));
        assert_eq!(floor_rank_of_os("WINDOWS_v100_X64_NI_FULL"), floor_rank("ni"));
        assert_eq!(floor_rank_of_os("WINDOWS_7"), None);
        let ranks: Vec<_> = FLOORS.iter().map(|floor| floor_rank(floor).expect(floor)).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "every known floor has a rank, in order: {ranks:?}");
        assert!(is_windows_10_or_later("WINDOWS_v100_RS1_FULL") && !is_windows_10_or_later("WINDOWS_8"));
    }

    #[test]
    fn system_above_its_ceiling_is_recognised() {
        let above = |system, ceiling| is_above_ceiling(system, ceiling);
        assert_eq!(above("WINDOWS_v100_X64_GE_FULL", "WINDOWS_v100_X64_CO_FULL"), Some(true));
        assert_eq!(above("WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_ARM64_CO_FULL"), Some(false));
        assert_eq!(above("WINDOWS_v100_X64_NI_FULL", "CO"), Some(true));
        assert_eq!(above("NI", "windows_v100_x64_ge_full"), Some(false));
        assert_eq!(above("WINDOWS_v63_X64", "WINDOWS_7_X64"), Some(true));
        assert_eq!(above("WINDOWS_v100_X64_QQ_FULL", "WINDOWS_v100_X64_CO_FULL"), None);
    }

    #[test]
    fn server_codes_of_every_age_are_recognised() {
        for server in ["WINDOWS_2003", "windows_2003_x64", "WINDOWS_2008_SERVER", "WINDOWS_HOME_SERVER"] {
            assert!(is_server(server), "{server}");
        }
        let servers = OS_CODES.iter().filter(|code| is_server(code)).count();
        let named = OS_CODES.iter().filter(|code| code.contains("SERVER") || code.contains("2003")).count();
        assert_eq!(servers, named);
        assert!(!is_server("WINDOWS_2000") && !is_server("WINDOWS_v100_X64_GE_FULL"));
    }

    #[test]
    fn test_audience_name_in_either_form_is_recognised() {
        for name in ["Test Registry Key", "Test_Registry_Key", "test registry key", "Surface SSRK"] {
            assert!(is_test_audience(name), "{name}");
        }
        for name in ["", "Retail", "My Test Registry Key 2"] {
            assert!(!is_test_audience(name), "{name}");
        }
    }
}
