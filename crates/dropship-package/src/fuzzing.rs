//! Each reader on its own, for the fuzz targets.

use super::hlkx::xml_round;
use super::signature::authenticode::Authenticode;
use super::{ber, inf, pe};

/// The reader of INFs.
pub fn read_inf(bytes: &[u8]) {
    let _facts = inf::read("Folder/name.inf", bytes);
}

/// The reader of PE headers.
pub fn read_pe(bytes: &[u8]) {
    let _machine = pe::machine(bytes);
}

/// The reader of XML parts, and their canonical form.
pub fn read_xml(bytes: &[u8]) {
    xml_round(bytes);
}

/// The reader of Authenticode signatures and of those nested in them, and the checks of both.
pub fn read_signature(bytes: &[u8], policy: &super::Policy) {
    let Ok((der, _)) = ber::to_der(bytes) else {
        return;
    };
    let Ok(signature) = Authenticode::read(&der) else {
        return;
    };
    let mut report = super::checks::Report::new(&policy.levels);
    let _signer = signature.check(&mut report, &[], policy);
    for nested in signature.nested().into_iter().flatten() {
        nested.check_nested(&mut report, &[]);
    }
}
