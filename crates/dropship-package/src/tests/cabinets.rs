//! Builds cabinets for tests, without compression and without a signature.

use std::collections::BTreeMap;

use super::{policy, sources};
use crate::{Facts, Finding, Inspection, Kind, Level, Policy, Trust, TrustSources, inspect_bytes};

/// The INF of a good driver for amd64.
pub(super) const INF: &str = "[Version]\r\nSignature=\"$WINDOWS NT$\"\r\nClass=System\r\n\
    ClassGuid={4d36e97d-e325-11ce-bfc1-08002be10318}\r\nProvider=%P%\r\nCatalogFile=d.cat\r\n\
    DriverVer=06/21/2025,1.2.3.4\r\nPnpLockdown=1\r\n[Manufacturer]\r\n%P%=M,NTamd64.10.0...19041\r\n\
    [M.NTamd64.10.0...19041]\r\n%D%=I,PCI\\VEN_1&DEV_2\r\n[Strings]\r\nP=\"Contoso\"\r\nD=\"Device\"\r\n";

/// Files by path.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// A PE image with a machine.
pub(super) fn image(machine: u16) -> Vec<u8> {
    let mut image = b"MZ".to_vec();
    image.resize(60, 0);
    image.extend_from_slice(&64u32.to_le_bytes());
    image.extend_from_slice(b"PE\0\0");
    image.extend_from_slice(&machine.to_le_bytes());
    image
}

/// A cabinet without compression.
pub(super) fn cabinet(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        entries.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        entries.extend_from_slice(&(data.len() as u32).to_le_bytes());
        entries.extend_from_slice(&[0; 6]);
        entries.extend_from_slice(&0x80u16.to_le_bytes());
        entries.extend_from_slice(name.replace('/', "\\").as_bytes());
        entries.push(0);
        data.extend_from_slice(bytes);
    }
    let blocks: Vec<&[u8]> = data.chunks(0x8000).collect();
    let data_at = 36 + 8 + entries.len();
    let length = data_at + blocks.len() * 8 + data.len();
    let mut out = b"MSCF\0\0\0\0".to_vec();
    out.extend_from_slice(&(length as u32).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&44u32.to_le_bytes());
    out.extend_from_slice(&[0, 0, 0, 0, 3, 1, 1, 0]);
    out.extend_from_slice(&(files.len() as u16).to_le_bytes());
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&(data_at as u32).to_le_bytes());
    out.extend_from_slice(&(blocks.len() as u16).to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&entries);
    for block in blocks {
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&(block.len() as u16).to_le_bytes());
        out.extend_from_slice(&(block.len() as u16).to_le_bytes());
        out.extend_from_slice(block);
    }
    assert_eq!(out.len(), length);
    out
}

/// The files of a valid driver with this INF.
pub(super) fn driver(folder: &str, inf: &str) -> Files {
    let file = |name: &str, bytes: Vec<u8>| (format!("{folder}/{name}"), bytes);
    vec![
        file("d.inf", inf.as_bytes().to_vec()),
        file("d.sys", image(0x8664)),
        file("d.pdb", vec![1]),
        file("d.cat", vec![1]),
    ]
}

pub(super) fn unsigned_policy() -> Policy {
    let sources = TrustSources { allow_unsigned: true, ..sources() };
    Policy { signers: Trust::from_pem(&sources).unwrap(), ..policy() }
}

/// The valid driver and one more file with this path and text.
pub(super) fn driver_with(name: &str, inf: &str) -> Files {
    [driver("Drv", INF), vec![(name.to_owned(), inf.as_bytes().to_vec())]].concat()
}

/// Inspects a cabinet of these files with these levels.
pub(super) fn inspection(files: &[(String, Vec<u8>)], levels: &[(&str, Level)]) -> Inspection {
    let levels =
        levels.iter().map(|(check, level)| ((*check).to_owned(), *level)).collect::<BTreeMap<_, _>>();
    let mut inspection = inspect_bytes(&cabinet(files), Kind::Cab, &Policy { levels, ..unsigned_policy() });
    inspection.findings.retain(|finding| finding.check != "unsigned");
    inspection
}

/// Findings of this level or above.
pub(super) fn findings(files: &[(String, Vec<u8>)], least: Level) -> Vec<Finding> {
    let findings = inspection(files, &[]).findings;
    findings.into_iter().filter(|finding| finding.level >= least).collect()
}

/// Checks with an error or a warning.
pub(super) fn found(files: &[(String, Vec<u8>)]) -> Vec<String> {
    findings(files, Level::Warn).into_iter().map(|finding| finding.check).collect()
}

/// Checks with an error.
pub(super) fn errors(files: &[(String, Vec<u8>)]) -> Vec<String> {
    findings(files, Level::Error).into_iter().map(|finding| finding.check).collect()
}

pub(super) fn facts(files: &[(String, Vec<u8>)]) -> Facts {
    inspection(files, &[]).facts.unwrap()
}
