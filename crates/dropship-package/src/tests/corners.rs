//! Packages with one small fault each, which must be refused for that fault.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::{bytes, checks, fixture, policy};
use crate::inspect::inspect_counted;
use crate::{Cancellation, Kind, Level, Verdict, inspect, inspect_bytes, inspect_hashed};

fn cab(change: impl FnOnce(&mut Vec<u8>)) -> Vec<String> {
    let mut package = bytes("cab/good-signed-ts.cab");
    change(&mut package);
    let inspection = inspect_bytes(&package, Kind::Cab, &policy());
    assert_ne!(inspection.verdict, Verdict::Accept);
    checks(&inspection, Level::Error).into_iter().map(str::to_owned).collect()
}

#[test]
fn cabinet_with_uncovered_bytes_is_refused() {
    assert_eq!(cab(|bytes| bytes.push(0)), ["malformed"]);
    assert_eq!(cab(|bytes| bytes[34] = 1), ["multi-cabinet", "digest-mismatch"]);
    assert_eq!(cab(|bytes| bytes[30] |= 1)[0], "multi-cabinet");
    assert_eq!(cab(|bytes| bytes[52] = 1), ["malformed"]);
    assert_eq!(cab(|bytes| bytes[39] = 1)[0], "cab-reserve");
    assert_eq!(cab(|bytes| bytes[44] -= 1), ["malformed"]);
    assert_eq!(cab(|bytes| *bytes.last_mut().unwrap() = 1), ["signature-malformed"]);
    assert_eq!(cab(|bytes| bytes[10351..].fill(0)), ["signature-malformed"]);
    assert_eq!(cab(|bytes| bytes[44..52].fill(0)), ["unsigned"]);
    assert_eq!(cab(|bytes| bytes[32] ^= 1), ["digest-mismatch"]);
}

/// A cabinet of folders that share the same data blocks, each with an INF after all of them.
fn bomb(folders: u16, blocks: u16, block: &[u8], unpacked: u16) -> Vec<u8> {
    let files: Vec<u8> = (0..folders)
        .flat_map(|folder| {
            let mut entry = 10u32.to_le_bytes().to_vec();
            entry.extend_from_slice(&0x7000_0000u32.to_le_bytes());
            entry.extend_from_slice(&folder.to_le_bytes());
            entry.extend_from_slice(&[0; 6]);
            entry.extend_from_slice(format!("D\\{folder}.inf\0").as_bytes());
            entry
        })
        .collect();
    let files_at = 36 + 8 * u32::from(folders);
    let data_at = files_at + files.len() as u32;
    let mut out = b"MSCF".to_vec();
    let length = data_at as usize + usize::from(blocks) * (8 + block.len());
    for number in [0, length as u32, 0, files_at, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&[3, 1]);
    for number in [folders, folders, 0, 0, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for _ in 0..folders {
        out.extend_from_slice(&data_at.to_le_bytes());
        out.extend_from_slice(&blocks.to_le_bytes());
        out.extend_from_slice(&1u16.to_le_bytes());
    }
    out.extend_from_slice(&files);
    for _ in 0..blocks {
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&(block.len() as u16).to_le_bytes());
        out.extend_from_slice(&unpacked.to_le_bytes());
        out.extend_from_slice(block);
    }
    assert_eq!(out.len(), length);
    out
}

#[test]
fn decompression_bomb_stops_at_the_budget() {
    // An empty deflate stream, and one of 32768 zeros.
    let empty = b"CK\x03\x00".to_vec();
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    let mut zeros = b"CK".to_vec();
    zeros.reserve(1024);
    compress.compress_vec(&[0; 0x8000], &mut zeros, flate2::FlushCompress::Finish).unwrap();
    for (block, unpacked) in [(empty, 0), (zeros, 0x8000)] {
        let package = bomb(1, 60_000, &block, unpacked);
        let (inspection, work) = inspect_counted(&package, Kind::Cab, &policy());
        let found = checks(&inspection, Level::Warn);
        assert!(found.contains(&"contents-unread"), "{found:?}");
        assert!(work.unpacked <= 65 * package.len() as u64 + (65 << 20), "{work:?}");
        assert!(work.read <= 3 * package.len() as u64 + (1 << 20), "{work:?}");
        // Each folder would unpack the same data again.
        let package = bomb(2000, 60_000, &block, unpacked);
        let (inspection, work) = inspect_counted(&package, Kind::Cab, &policy());
        assert!(inspection.reasons().contains("two of its folders share their data"));
        assert_eq!(work.unpacked, 0, "{work:?}");
    }
}

#[test]
fn transplanted_signature_is_a_digest_mismatch() {
    let other = bytes("cab/multi.cab");
    let at = u32::from_le_bytes(other[44..48].try_into().unwrap()) as usize;
    let found = cab(|bytes| {
        bytes.truncate(10351);
        bytes.extend_from_slice(&other[at..]);
        let size = (other.len() - at) as u32;
        bytes[48..52].copy_from_slice(&size.to_le_bytes());
    });
    assert_eq!(found, ["digest-mismatch"]);
}

#[test]
fn inspect_hashed_returns_the_digest_for_any_verdict() {
    for name in [
        "cab/good-signed.cab",
        "cab/truncated-data.cab",
        "cab/not-a-cab.cab",
        "hlkx/good.hlkx",
        "hlkx/truncated.hlkx",
    ] {
        let file = std::fs::File::open(fixture(name)).unwrap();
        let kind = Kind::of_name(name).unwrap();
        let (inspection, sha256) = inspect_hashed(&file, kind, &policy(), &Cancellation::default()).unwrap();
        let expected = ring::digest::digest(&ring::digest::SHA256, &bytes(name));
        assert_eq!(sha256, expected.as_ref(), "{name}");
        assert_eq!(inspection, inspect(&file, kind, &policy()).unwrap(), "{name}");
    }
}

/// Zips the good kit package again, with each part changed or dropped by `change`, and with more parts. That keeps the
/// signature valid, because it covers the parts and not the archive.
fn rezipped(
    change: impl Fn(&str, Vec<u8>) -> Option<(String, Vec<u8>)>,
    more: &[&str],
    options: SimpleFileOptions,
) -> (Verdict, Vec<String>) {
    let mut archive = ZipArchive::new(Cursor::new(bytes("hlkx/good.hlkx"))).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        let name = part.name().unwrap().into_owned();
        if let Some((name, content)) = change(&name, content) {
            writer.start_file(name, options).unwrap();
            writer.write_all(&content).unwrap();
        }
    }
    for name in more {
        writer.start_file(*name, options).unwrap();
    }
    let package = writer.finish().unwrap().into_inner();
    let inspection = inspect_bytes(&package, Kind::Hlkx, &policy());
    let errors = checks(&inspection, Level::Error).into_iter().map(str::to_owned).collect();
    (inspection.verdict, errors)
}

#[test]
fn changed_kit_package_is_refused() {
    type ChangedPart = Option<(String, Vec<u8>)>;
    let unchanged = |name: &str, content: Vec<u8>| -> ChangedPart { Some((name.to_owned(), content)) };
    let options = SimpleFileOptions::default();
    let reject = |checks: &[&str]| {
        (Verdict::Reject, checks.iter().map(|check| (*check).to_owned()).collect::<Vec<_>>())
    };
    let replaced = |part: &'static str, from: &'static str, to: &'static str| {
        move |name: &str, content: Vec<u8>| -> ChangedPart {
            if !name.ends_with(part) {
                return Some((name.to_owned(), content));
            }
            let text = String::from_utf8(content).unwrap();
            assert!(text.contains(from), "{part}");
            Some((name.to_owned(), text.replacen(from, to, 1).into_bytes()))
        }
    };
    let without = |part: &'static str| {
        move |name: &str, content: Vec<u8>| -> ChangedPart {
            (!name.ends_with(part)).then(|| (name.to_owned(), content))
        }
    };
    assert_eq!(rezipped(unchanged, &[], options), (Verdict::Accept, vec![]));
    assert_eq!(rezipped(unchanged, &["hck/data/evil"], options), reject(&["uncovered-part"]));
    assert_eq!(
        rezipped(unchanged, &["package/services/digital-signature/evil.cer"], options),
        reject(&["uncovered-part"])
    );
    assert_eq!(rezipped(unchanged, &["HCK/data/PackageInfo.XML"], options), reject(&["duplicate-name"]));
    assert_eq!(rezipped(unchanged, &[], options.large_file(true)), reject(&["hlkx-zip64"]));
    assert_eq!(
        rezipped(without("7c9e6679-7425-40de-944b-e07fc1f90ae7"), &[], options),
        reject(&["part-missing"])
    );
    assert_eq!(rezipped(without("1002.cer"), &[], options), reject(&["signature-invalid"]));
    assert_eq!(rezipped(without("origin.psdsor.rels"), &[], options), reject(&["unsigned"]));
    assert_eq!(rezipped(without("[Content_Types].xml"), &[], options), reject(&["malformed"]));
    assert_eq!(
        rezipped(replaced("PackageInfo.xml", "Passed=\"5\"", "Passed=\"6\""), &[], options),
        reject(&["digest-mismatch"])
    );
    assert_eq!(rezipped(replaced("_rels/.rels", "R9f3a01", "R9f3a02"), &[], options).0, Verdict::Reject);
    assert_eq!(
        rezipped(
            replaced(
                "[Content_Types].xml",
                "Extension=\"txt\" ContentType=\"application/octet\"",
                "Extension=\"txt\" ContentType=\"text/plain\""
            ),
            &[],
            options
        ),
        reject(&["content-type-changed"])
    );
    let signature = "a1b2c3d4e5f60718293a4b5c6d7e8f90.psdsxs";
    let manifest =
        rezipped(replaced(signature, "<SignatureProperty ", "<SignatureProperty x=\"y\" "), &[], options);
    assert_eq!(manifest, reject(&["signature-invalid"]));
    let value = rezipped(replaced(signature, "<SignatureValue>g", "<SignatureValue>h"), &[], options);
    assert_eq!(value, reject(&["signature-invalid"]));
    // A second object with the same id must not replace the signed one.
    let wrapped =
        "<Object Id=\"idPackageObject\"><Manifest/></Object><Object Id=\"idPackageObject\"><Manifest>";
    let twice = replaced(signature, "<Object Id=\"idPackageObject\"><Manifest>", wrapped);
    assert_eq!(rezipped(twice, &[], options), reject(&["signature-malformed"]));
}

#[test]
fn kit_package_of_an_unknown_algorithm_names_it() {
    let unknown = |name: &str, content: Vec<u8>| {
        if !name.ends_with(".psdsxs") {
            return Some((name.to_owned(), content));
        }
        let text = String::from_utf8(content).unwrap().replace("#rsa-sha256", "#rsa-ripemd160");
        Some((name.to_owned(), text.into_bytes()))
    };
    let found = rezipped(unknown, &[], SimpleFileOptions::default());
    assert_eq!(found, (Verdict::Reject, vec!["signature-unsupported".to_owned()]));
}

#[test]
fn ambiguous_archive_is_refused() {
    let package = bytes("hlkx/good.hlkx");
    let errors_of = |package: &[u8]| {
        let inspection = inspect_bytes(package, Kind::Hlkx, &policy());
        let errors: Vec<String> = inspection
            .findings
            .iter()
            .filter(|f| f.level == Level::Error)
            .map(|f| f.message.clone())
            .collect();
        (inspection.verdict, errors.join(" "))
    };
    let refused = |package: &[u8], reason: &str| {
        let (verdict, errors) = errors_of(package);
        assert_eq!(verdict, Verdict::Reject, "{reason}: {errors}");
        assert!(errors.contains(reason), "{reason}: {errors}");
    };
    let end = package.len() - 22;
    assert!(package[end..].starts_with(b"PK\x05\x06"));
    refused(&[&package[..], b"more"].concat(), "bytes after its end record");
    let mut comment = [&package[..], b"more"].concat();
    comment[end + 20] = 4;
    refused(&comment, "it has a comment");
    // Only the header of the first entry marks Zip64.
    let mut lengths = package.clone();
    lengths[18..26].fill(0xff);
    refused(&lengths, "Zip64");
    let mut other = package;
    other[14] ^= 1;
    refused(&other, "does not match the directory");
}

#[test]
fn archive_with_bytes_in_front_is_refused() {
    let package = bytes("hlkx/good.hlkx");
    let shift = b"PK\x03\x04 something".len() as u32;
    let mut moved = [&b"PK\x03\x04 something"[..], &package].concat();
    let end = moved.len() - 22;
    let number = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut add = |at: usize| {
        let moved_to = number(&moved, at) + shift;
        moved[at..at + 4].copy_from_slice(&moved_to.to_le_bytes());
        moved_to as usize
    };
    let mut at = add(end + 16);
    while at < end {
        add(at + 42);
        let length = |field: usize| {
            usize::from(u16::from_le_bytes(package[at - shift as usize + field..][..2].try_into().unwrap()))
        };
        at += 46 + length(28) + length(30) + length(32);
    }
    let inspection = inspect_bytes(&moved, Kind::Hlkx, &policy());
    assert_eq!(inspection.verdict, Verdict::Reject);
    assert!(
        inspection.findings[0].message.contains("bytes before its first entry"),
        "{:?}",
        inspection.findings
    );
}
