//! The pre-flight rules: each broken alone in a cabinet made for it.

use std::collections::BTreeMap;

use super::{checks, policy, sources};
use crate::{Kind, Level, Policy, RequestFacts, Trust, TrustSources, Verdict, inspect_bytes, preflight_with};

const INF: &str = "[Version]\r\nSignature=\"$WINDOWS NT$\"\r\nClass=System\r\n\
    ClassGuid={4d36e97d-e325-11ce-bfc1-08002be10318}\r\nProvider=%P%\r\nCatalogFile=d.cat\r\n\
    DriverVer=06/21/2025,1.2.3.4\r\nPnpLockdown=1\r\n[Manufacturer]\r\n%P%=M,NTamd64.10.0...19041\r\n\
    [M.NTamd64.10.0...19041]\r\n%D%=I,PCI\\VEN_1&DEV_2\r\n[Strings]\r\nP=\"Contoso\"\r\nD=\"Device\"\r\n";

/// Files by path.
type Files = Vec<(String, Vec<u8>)>;

/// A PE image with a machine.
fn image(machine: u16) -> Vec<u8> {
    let mut image = b"MZ".to_vec();
    image.resize(60, 0);
    image.extend_from_slice(&64u32.to_le_bytes());
    image.extend_from_slice(b"PE\0\0");
    image.extend_from_slice(&machine.to_le_bytes());
    image
}

/// A cabinet without compression, as plain as they come.
fn cabinet(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
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

/// A good driver folder, with another INF.
fn driver(folder: &str, inf: &str) -> Files {
    let file = |name: &str, bytes: Vec<u8>| (format!("{folder}/{name}"), bytes);
    vec![
        file("d.inf", inf.as_bytes().to_vec()),
        file("d.sys", image(0x8664)),
        file("d.pdb", vec![1]),
        file("d.cat", vec![1]),
    ]
}

fn unsigned_policy() -> Policy {
    let sources = TrustSources { allow_unsigned: true, ..sources() };
    Policy { signers: Trust::from_pem(&sources).unwrap(), ..policy() }
}

/// Checks that are found in a cabinet of these files, besides that it is not signed.
fn found(files: &[(String, Vec<u8>)]) -> Vec<String> {
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let inspection = inspect_bytes(&cabinet(&files), Kind::Cab, &unsigned_policy());
    let mut found: Vec<String> = checks(&inspection, Level::Warn).into_iter().map(str::to_owned).collect();
    found.retain(|check| check != "unsigned");
    found
}

#[test]
fn a_good_driver_breaks_no_rule() {
    assert_eq!(found(&driver("Drv", INF)), Vec::<String>::new());
}

#[test]
fn each_rule_is_seen_alone() {
    let with = |from: &str, to: &str| {
        assert!(INF.contains(from), "{from}");
        driver("Drv", &INF.replace(from, to))
    };
    let extension = INF
        .replace("Class=System", "Class=Extension\r\nExtensionId={11111111-2222-3333-4444-555555555555}")
        .replace("4d36e97d-e325-11ce-bfc1-08002be10318", "e2f84ce7-8efa-411c-aa69-97454ca4cb57");
    let two = |a: &str, b: &str| {
        let other = driver("Other", b).into_iter().map(|(name, bytes)| (name.replace("/d.", "/e."), bytes));
        [driver("Drv", a), other.collect()].concat()
    };
    let second = INF.replace("d.cat", "e.cat");
    let plus = |name: &str| [driver("Drv", INF), vec![(name.to_owned(), vec![1])]].concat();
    let cases: Vec<(&str, Files)> = vec![
        ("root-files", plus("readme.txt")),
        ("bad-path", plus("Drv/../x.bin")),
        ("bad-path", plus("//server/x.bin")),
        ("bad-path", plus("C:/x.bin")),
        ("duplicate-name", plus("drv/D.CAT")),
        ("folder-name-special", driver("Drv#1", INF)),
        ("folder-name-long", driver(&"a".repeat(40), INF)),
        ("path-long", plus(&format!("Drv/{}", "a".repeat(156)))),
        ("no-inf", plus("Empty/x.bin")),
        ("shared-folder", [driver("Drv", INF), vec![("Drv/x.inf".into(), INF.as_bytes().to_vec())]].concat()),
        ("mixed-architectures", two(INF, &second.replace("NTamd64", "NTarm64"))),
        ("cat-shared", two(INF, INF)),
        ("cat-missing", with("d.cat", "x.cat")),
        ("inf-malformed", with("Signature", "Signatur")),
        ("inf-malformed", with("$WINDOWS NT$", "$WINDOWS$")),
        ("inf-encoding", with("Contoso", "Contös")),
        ("inf-incomplete", with("Provider=%P%", "")),
        ("inf-incomplete", with("Class=System", "")),
        ("inf-driverver", with("DriverVer=06/21/2025,1.2.3.4", "")),
        ("inf-driverver", with("1.2.3.4", "0.0.0.0")),
        ("inf-driverver", with("1.2.3.4", "1.2.3.70000")),
        ("inf-driverver", with("06/21/2025", "21/06/2025")),
        ("inf-driverver", with("06/21/2025", "06/21/25")),
        ("inf-driverver", with("1.2.3.4", "1.2.3")),
        ("inf-driverver", with("1.2.3.4", "1.2.3.4.5")),
        ("inf-driverver", with("1.2.3.4", "1.2.3.+4")),
        ("inf-unstamped", with("[Strings]", "[Strings]\r\nx=\"$ARCH$\"")),
        ("inf-unstamped", with("[Strings]", "[Wdf]\r\nKmdfLibraryVersion=$KMDFVERSION$\r\n[Strings]")),
        ("cat-missing", with("CatalogFile=d.cat", "CatalogFile=d.cat\r\nCatalogFile.NTarm64=other.cat")),
        ("inf-no-catalog", with("CatalogFile=d.cat", "")),
        ("inf-pnp-lockdown", with("PnpLockdown=1", "PnpLockdown=0")),
        ("inf-undefined-string", with("Provider=%P%", "Provider=%Q%")),
        ("extension-id-missing", with("Class=System", "Class=Extension")),
        ("extension-broad", driver("Drv", &extension.replace("&DEV_2", ""))),
        ("extension-several", two(&extension, &extension.replace("d.cat", "e.cat"))),
        ("file-signing-cab", vec![("boot.efi".into(), image(0x8664))]),
        ("binary-architecture", {
            let mut files = driver("Drv", INF);
            files[1].1 = image(0xaa64);
            files
        }),
        ("pdb-missing", driver("Drv", INF).into_iter().filter(|(name, _)| !name.ends_with("pdb")).collect()),
    ];
    for (expected, files) in cases {
        let found = found(&files);
        assert!(found.iter().any(|check| check == expected), "{expected}: {found:?}");
        assert!(found.len() <= 3, "{expected}: {found:?}");
    }
    let plain = INF.replace(",NTamd64.10.0...19041", "").replace(".NTamd64.10.0...19041", "");
    assert!(found(&driver("Drv", &plain)).contains(&"inf-undecorated".to_owned()));
}

#[test]
fn names_that_differ_in_case_are_one_folder() {
    let mut files = driver("Drv", INF);
    files[1].0 = "drv/d.sys".into();
    files[2].0 = "DRV/d.pdb".into();
    assert_eq!(found(&files), Vec::<String>::new());
    let commented = INF.replace("[Strings]", "; built from d.inx, $ARCH$\r\n[Strings]");
    assert_eq!(found(&driver("Drv", &commented)), Vec::<String>::new());
}

#[test]
fn a_cabinet_that_cannot_be_unpacked_is_malformed() {
    let files = driver("Drv", INF);
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let good = cabinet(&files);
    let at = u32::from_le_bytes(good[36..40].try_into().unwrap()) as usize;
    let judged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut package = good.clone();
        change(&mut package);
        let inspection = inspect_bytes(&package, Kind::Cab, &unsigned_policy());
        checks(&inspection, Level::Error).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(judged(&|_| ()), Vec::<String>::new());
    assert_eq!(judged(&|bytes| bytes[at] = 1), ["malformed"], "a wrong checksum");
    assert_eq!(judged(&|bytes| bytes[at + 6] ^= 1), ["malformed"], "two lengths");
    assert_eq!(judged(&|bytes| bytes[42] = 1), ["malformed"], "MSZIP that is none");
    assert_eq!(judged(&|bytes| bytes[42] = 2), Vec::<String>::new(), "Quantum is not read, nothing more");
    assert_eq!(judged(&|bytes| bytes[40] = 0), ["malformed"], "no blocks");
    assert_eq!(judged(&|bytes| bytes.push(0)), ["malformed"], "bytes after its end");
}

#[test]
fn levels_are_the_operators() {
    let files = driver("Drv", &INF.replace("PnpLockdown=1", ""));
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let verdict = |level: Level| {
        let levels = BTreeMap::from([("inf-pnp-lockdown".to_owned(), level)]);
        inspect_bytes(&cabinet(&files), Kind::Cab, &Policy { levels, ..unsigned_policy() }).verdict
    };
    assert_eq!(verdict(Level::Error), Verdict::Reject);
    assert_eq!(verdict(Level::Off), Verdict::Accept);
}

#[test]
fn a_primitive_driver_needs_no_hardware_ids() {
    let (head, tail) = INF.split_once("[Manufacturer]").unwrap();
    let strings = tail.split_once("[Strings]").unwrap().1;
    for decoration in ["", ".NTamd64"] {
        let inf = format!("{head}[DefaultInstall{decoration}]\r\nCopyFiles=x\r\n[Strings]{strings}");
        assert_eq!(found(&driver("Drv", &inf)), Vec::<String>::new());
    }
}

#[test]
fn requests_are_checked_against_the_package() {
    let files = driver("Drv", INF);
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let inspection = inspect_bytes(&cabinet(&files), Kind::Cab, &unsigned_policy());
    let facts = inspection.facts.unwrap();
    let asked = |attestation: bool, codes: &[&str], retail_windows_update: bool| -> Vec<String> {
        let os_codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        let request = RequestFacts { attestation, os_codes: &os_codes, retail_windows_update };
        preflight_with(&facts, &request, &BTreeMap::new()).into_iter().map(|finding| finding.check).collect()
    };
    assert_eq!(asked(true, &["WINDOWS_v100_X64_CO_FULL"], false), Vec::<String>::new());
    assert_eq!(asked(true, &["WINDOWS_v100_SERVER_X64_RS5_FULL"], false), ["attestation-server"]);
    assert_eq!(asked(true, &["WINDOWS_v63_X64"], false), ["attestation-old-windows"]);
    assert_eq!(asked(true, &[], true), ["attestation-retail"]);
    assert_eq!(asked(false, &["WINDOWS_v100_SERVER_X64_RS5_FULL"], true), Vec::<String>::new());
    assert_eq!(asked(false, &["WINDOWS_v100_ARM64_CO_FULL"], false), ["request-architecture"]);
}
