//! OS codes: a list that grows with Windows, so nothing is refused for not being in it.

use super::open::note_unknown;

/// OS codes that the documentation lists, and those that the service is known to take besides.
///
/// Source: "Get product data", list of operating system codes; the last four from public clients.
pub const OS_CODES: &[&str] = &[
    "WINDOWS_ME",
    "WINDOWS_98",
    "WINDOWS_2000",
    "WINDOWS_NT40",
    "WINDOWS_XP",
    "WINDOWS_XP_IA64",
    "WINDOWS_XP_X64",
    "WINDOWS_XP_MEDIA_CENTER",
    "WINDOWS_2003",
    "WINDOWS_2003_IA64",
    "WINDOWS_2003_X64",
    "WINDOWS_VISTA",
    "WINDOWS_VISTA_X64",
    "WINDOWS_2008_SERVER",
    "WINDOWS_2008_SERVER_IA64",
    "WINDOWS_2008_SERVER_X64",
    "WINDOWS_HOME_SERVER",
    "WINDOWS_7",
    "WINDOWS_7_X64",
    "WINDOWS_2008_SERVER_R2_IA64",
    "WINDOWS_2008_SERVER_R2_X64",
    "WINDOWS_SERVER_SOLUTIONS_X64",
    "WINDOWS_8",
    "WINDOWS_8_X64",
    "WINDOWS_8_ARM",
    "WINDOWS_8_SERVER_X64",
    "WINDOWS_v63",
    "WINDOWS_v63_X64",
    "WINDOWS_v63_ARM",
    "WINDOWS_v63_SERVER_X64",
    "WINDOWS_v100_TH1_FULL",
    "WINDOWS_v100_X64_TH1_FULL",
    "WINDOWS_v100_SERVER_X64_TH1_FULL",
    "WINDOWS_v100_TH2_FULL",
    "WINDOWS_v100_X64_TH2_FULL",
    "WINDOWS_v100_SERVER_X64_TH2_FULL",
    "WINDOWS_v100_RS1_FULL",
    "WINDOWS_v100_X64_RS1_FULL",
    "WINDOWS_v100_SERVER_X64_RS1_FULL",
    "WINDOWS_v100_RS2_FULL",
    "WINDOWS_v100_X64_RS2_FULL",
    "WINDOWS_v100_RS3_FULL",
    "WINDOWS_v100_X64_RS3_FULL",
    "WINDOWS_v100_ARM64_RS3_FULL",
    "WINDOWS_v100_RS4_FULL",
    "WINDOWS_v100_X64_RS4_FULL",
    "WINDOWS_v100_ARM64_RS4_FULL",
    "WINDOWS_v100_SERVER_X64_RS5_FULL",
    "WINDOWS_v100_RS5_FULL",
    "WINDOWS_v100_X64_RS5_FULL",
    "WINDOWS_v100_19H1_FULL",
    "WINDOWS_v100_X64_19H1_FULL",
    "WINDOWS_v100_ARM64_19H1_FULL",
    "WINDOWS_v100_VB_FULL",
    "WINDOWS_v100_X64_VB_FULL",
    "WINDOWS_v100_ARM64_VB_FULL",
    "WINDOWS_v100_SERVER_X64_FE_FULL",
    "WINDOWS_v100_SERVER_ARM64_FE_FULL",
    "WINDOWS_v100_X64_CO_FULL",
    "WINDOWS_v100_ARM64_CO_FULL",
    "WINDOWS_v100_X64_NI_FULL",
    "WINDOWS_v100_ARM64_NI_FULL",
    "WINDOWS_v100_X64_GE_FULL",
    "WINDOWS_v100_ARM64_GE_FULL",
    "WINDOWS_v100_SERVER_X64_GE_FULL",
    "WINDOWS_v100_SERVER_ARM64_GE_FULL",
    "WINDOWS_v100_X64_25H2_FULL",
    "WINDOWS_v100_ARM64_25H2_FULL",
    "WINDOWS_v100_X64_26H1_FULL",
    "WINDOWS_v100_ARM64_26H1_FULL",
];

/// Whether the code is in [`OS_CODES`], case-blind.
#[must_use]
pub fn is_known_os_code(code: &str) -> bool {
    OS_CODES.iter().any(|known| known.eq_ignore_ascii_case(code.trim()))
}

/// Logs codes that are not in the list, each once.
pub(super) fn note<'a>(codes: impl IntoIterator<Item = &'a String>) {
    for code in codes {
        if !is_known_os_code(code) {
            note_unknown("OS code", code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_known_in_any_case() {
        assert!(is_known_os_code("windows_V100_x64_ge_full"));
        assert!(is_known_os_code("WINDOWS_v100_ARM64_26H1_FULL"));
        assert!(!is_known_os_code("WINDOWS_v100_X86_TH2_FULL"));
    }
}
