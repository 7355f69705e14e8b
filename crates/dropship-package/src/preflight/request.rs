//! Checks a package against what is requested for it.

use std::collections::BTreeMap;

use super::super::checks::{Check, Report};
use super::super::facts::{Facts, Kind};
use super::super::verdict::{Finding, Level};
use super::names::{several, shown};

/// The parts of a request that a package can contradict.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// True if the product is for attestation.
    pub attestation: bool,
    /// Codes of the signatures that are requested, such as `WINDOWS_v100_X64_CO_FULL`.
    pub os_codes: &'a [String],
    /// True if a label publishes to Windows Update without limits: neither to a test ring nor to a partner.
    pub retail_windows_update: bool,
}

/// Checks a package against a request. `levels` are those of [`Policy::levels`](crate::Policy::levels).
#[must_use]
pub fn preflight_with(
    facts: &Facts,
    request: &RequestFacts<'_>,
    levels: &BTreeMap<String, Level>,
) -> Vec<Finding> {
    let mut report = Report::new(levels, &crate::budget::UNMETERED);
    if request.attestation {
        attestation(&mut report, facts, request);
    }
    architectures(&mut report, facts, request);
    report.into_findings()
}

fn attestation(report: &mut Report<'_>, facts: &Facts, request: &RequestFacts<'_>) {
    let codes = || request.os_codes.iter().map(String::as_str);
    let server: Vec<&str> = codes().filter(|code| code.to_ascii_uppercase().contains("SERVER")).collect();
    if !server.is_empty() {
        let message = format!(
            "attestation does not sign for Windows Server: {}; the dashboard accepts such a request and fails later: \
             remove these from the requested signatures, or submit HLK results",
            several(server)
        );
        report.add(Check::AttestationServer, message);
    }
    let old = |code: &&str| !code.to_ascii_uppercase().starts_with("WINDOWS_V100");
    let old: Vec<&str> = codes().filter(old).collect();
    if !old.is_empty() {
        let message = format!(
            "attestation is for Windows 10 and later: {}; remove these from the requested signatures",
            several(old)
        );
        report.add(Check::AttestationOld, message);
    }
    if request.retail_windows_update {
        let message = "attestation-signed drivers are not published to retail Windows Update; target a test ring or another \
                       partner, or submit HLK results";
        report.add(Check::AttestationRetail, message);
    }
    if facts.kind == Kind::Hlkx {
        let message =
            "attestation needs a .cab, but the package has HLK results; choose another test harness for it";
        report.add(Check::AttestationHlkx, message);
    }
}

/// The architecture in a code, if it names one.
fn architecture(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_uppercase();
    let has_part = |expected: &str| code.split('_').any(|part| part == expected);
    [("X64", "amd64"), ("ARM64", "arm64"), ("X86", "x86"), ("IA64", "ia64"), ("ARM", "arm")]
        .into_iter()
        .find_map(|(part, architecture)| has_part(part).then_some(architecture))
}

fn architectures(report: &mut Report<'_>, facts: &Facts, request: &RequestFacts<'_>) {
    if facts.architectures.is_empty() {
        return;
    }
    for code in request.os_codes {
        if let Some(requested) =
            architecture(code).filter(|requested| !facts.architectures.contains(*requested))
        {
            let provided: Vec<&str> = facts.architectures.iter().map(String::as_str).collect();
            let message = format!(
                "{} asks for a signature for {requested}, but the package is for {}; correct the requested signatures",
                shown(code),
                provided.join(", ")
            );
            report.add(Check::RequestArchitecture, message);
        }
    }
}
