//! The preflight rules: cabinets that each break one rule.

use std::collections::BTreeMap;

use super::cabinets::{
    Files, INF, cabinet, driver, driver_with, facts, found, image, inspection, unsigned_policy,
};
use super::checks;
use crate::{Kind, Level, RequestFacts, Verdict, inspect_bytes, preflight_with};

#[test]
fn good_driver_has_no_finding() {
    assert_eq!(found(&driver("Drv", INF)), Vec::<String>::new());
}

#[test]
fn driver_that_breaks_one_rule_has_its_finding() {
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
        ("shared-folder", driver_with("Drv/x.inf", &second)),
        ("dot-path", plus("./Drv/readme.txt")),
        ("dot-path", plus(".\\Drv\\readme.txt")),
        ("duplicate-name", plus("././drv/D.CAT")),
        ("bad-path", plus(".//server/x.bin")),
        ("bad-path", plus("Drv/./x.bin")),
        ("inf-not-in-root", driver("Drv/x64", INF)),
        ("inf-not-in-root", driver_with("Other/a/b/x.inf", &second)),
        ("inf-no-devices", with("[M.NTamd64.10.0...19041]", "[M.NTamd64]")),
        ("inf-no-devices", with(",PCI\\VEN_1&DEV_2", "")),
        ("inf-no-devices", with("%P%=M,NTamd64.10.0...19041", "")),
        ("inf-no-devices", with("%P%=M,NTamd64.10.0...19041", "%P%=M,NTamd64.10.0...19041,NTarm64")),
        ("inf-driverver-short", with("1.2.3.4", "2.06.00")),
        ("inf-driverver-future", with("06/21/2025", "06/02/2026")),
        ("inf-driverver-future", with("06/21/2025", "06/03/2026")),
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
fn folder_name_in_another_case_is_the_same_folder() {
    let mut files = driver("Drv", INF);
    files[1].0 = "drv/d.sys".into();
    files[2].0 = "DRV/d.pdb".into();
    assert_eq!(found(&files), Vec::<String>::new());
    let commented = INF.replace("[Strings]", "; built from d.inx, $ARCH$\r\n[Strings]");
    assert_eq!(found(&driver("Drv", &commented)), Vec::<String>::new());
}

#[test]
fn cabinet_that_cannot_be_unpacked_is_malformed() {
    let files = driver("Drv", INF);
    let good = cabinet(&files);
    let at = u32::from_le_bytes(good[36..40].try_into().unwrap()) as usize;
    let errors = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut package = good.clone();
        change(&mut package);
        let inspection = inspect_bytes(&package, Kind::Cab, &unsigned_policy());
        checks(&inspection, Level::Error).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(errors(&|_| ()), Vec::<String>::new());
    assert_eq!(errors(&|bytes| bytes[at] = 1), ["malformed"], "a wrong checksum");
    assert_eq!(errors(&|bytes| bytes[at + 6] ^= 1), ["malformed"], "two lengths");
    assert_eq!(errors(&|bytes| bytes[42] = 1), ["malformed"], "stored data marked as MSZIP");
    assert_eq!(errors(&|bytes| bytes[42] = 2), Vec::<String>::new(), "Quantum is valid but not read");
    assert_eq!(errors(&|bytes| bytes[40] = 0), ["malformed"], "no blocks");
    assert_eq!(errors(&|bytes| bytes.push(0)), ["malformed"], "bytes after its end");
}

#[test]
fn level_of_the_operator_decides_the_verdict() {
    let files = driver("Drv", &INF.replace("PnpLockdown=1", ""));
    let verdict = |level: Level| inspection(&files, &[("inf-pnp-lockdown", level)]).verdict;
    assert_eq!(verdict(Level::Error), Verdict::Reject);
    assert_eq!(verdict(Level::Off), Verdict::Accept);
}

#[test]
fn primitive_driver_without_hardware_ids_has_no_finding() {
    let (head, tail) = INF.split_once("[Manufacturer]").unwrap();
    let strings = tail.split_once("[Strings]").unwrap().1;
    for decoration in ["", ".NTamd64"] {
        let inf = format!("{head}[DefaultInstall{decoration}]\r\nCopyFiles=x\r\n[Strings]{strings}");
        assert_eq!(found(&driver("Drv", &inf)), Vec::<String>::new());
    }
}

#[test]
fn request_that_the_package_cannot_meet_has_its_finding() {
    let facts = facts(&driver("Drv", INF));
    let findings_for = |attestation: bool, codes: &[&str], retail_windows_update: bool| -> Vec<String> {
        let os_codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        let request = RequestFacts { attestation, os_codes: &os_codes, retail_windows_update };
        preflight_with(&facts, &request, &BTreeMap::new()).into_iter().map(|finding| finding.check).collect()
    };
    assert_eq!(findings_for(true, &["WINDOWS_v100_X64_CO_FULL"], false), Vec::<String>::new());
    assert_eq!(findings_for(true, &["WINDOWS_v100_SERVER_X64_RS5_FULL"], false), ["attestation-server"]);
    assert_eq!(findings_for(true, &["WINDOWS_v63_X64"], false), ["attestation-old-windows"]);
    assert_eq!(findings_for(true, &[], true), ["attestation-retail"]);
    assert_eq!(findings_for(false, &["WINDOWS_v100_SERVER_X64_RS5_FULL"], true), Vec::<String>::new());
    assert_eq!(findings_for(false, &["WINDOWS_v100_ARM64_CO_FULL"], false), ["request-architecture"]);
}
