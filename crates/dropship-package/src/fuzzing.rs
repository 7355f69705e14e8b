//! Entry points for the fuzz targets: each reader alone.

use super::hlkx::xml_round;
use super::signature::authenticode::Authenticode;
use super::{ber, inf, pe};

/// Reads an INF.
pub fn read_inf(bytes: &[u8]) {
    let _facts = inf::read("Folder/name.inf", bytes, &mut inf::InfBudget::default());
}

/// Reads a PE header.
pub fn read_pe(bytes: &[u8]) {
    let _machine = pe::machine(bytes);
}

/// Reads an XML part, and checks that its canonical form is stable.
pub fn read_xml(bytes: &[u8]) {
    xml_round(bytes);
}

/// Reads an Authenticode signature and the signatures nested in it, and checks both.
pub fn read_signature(bytes: &[u8], policy: &super::Policy) {
    let Ok((der, _)) = ber::to_der(bytes) else {
        return;
    };
    let Ok(signature) = Authenticode::read(&der) else {
        return;
    };
    let mut report = super::checks::Report::new(&policy.levels, &super::budget::UNMETERED);
    let _signer = signature.check(&mut report, &[], policy);
    for nested in signature.nested().into_iter().flatten() {
        nested.check_nested(&mut report, &[]);
    }
}

/// Inspects a package, and also returns the work of the inspection. [`Work::limit`](super::Work::limit) is the maximum for the
/// length of the package.
#[must_use]
pub fn inspect_counted(
    bytes: &[u8],
    kind: super::Kind,
    policy: &super::Policy,
) -> (super::Inspection, super::Work) {
    super::inspect::inspect_counted(bytes, kind, policy)
}
