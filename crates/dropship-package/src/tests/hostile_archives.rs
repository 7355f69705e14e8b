//! Kit packages whose archive or signature part is arranged to cost much, or to hold bytes that nothing covers.

use std::io::{Cursor, Read, Write};

use zip::{ZipArchive, ZipWriter};

use super::{bytes, policy};
use crate::inspect::inspect_counted;
use crate::{Inspection, Kind, Verdict, Work, inspect_bytes};

type ArchiveParts = Vec<(String, Vec<u8>)>;

const SIGNATURE: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90.psdsxs";

/// The parts of the good kit package.
fn parts() -> ArchiveParts {
    let mut archive = ZipArchive::new(Cursor::new(bytes("hlkx/good.hlkx"))).unwrap();
    let read = |index: usize| {
        let mut part = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        (part.name().unwrap().into_owned(), content)
    };
    (0..12).map(read).collect()
}

/// The part whose name ends with `name`.
fn part<'p>(parts: &'p mut ArchiveParts, name: &str) -> &'p mut Vec<u8> {
    &mut parts.iter_mut().find(|(part, _)| part.ends_with(name)).unwrap().1
}

fn replace(parts: &mut ArchiveParts, name: &str, from: &str, to: &str) {
    let content = part(parts, name);
    let text = String::from_utf8(content.clone()).unwrap();
    assert!(text.contains(from), "{name}");
    *content = text.replacen(from, to, 1).into_bytes();
}

fn deflated(parts: &ArchiveParts) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// How an archive is written.
#[derive(Default)]
struct ArchiveLayout {
    /// Bytes after the data of each entry.
    gap: &'static [u8],
    /// Extra fields of the entries' own headers.
    extra: Vec<u8>,
    /// A record after the data: with its mark, with lengths of 8 bytes.
    record: Option<(bool, bool)>,
    comment: &'static [u8],
    /// Differs in the entries' own headers.
    time: u32,
    flags: u16,
    /// Changes the checksum in records.
    checksum_change: u32,
}

/// Writes an archive of stored parts.
fn stored(parts: &ArchiveParts, shape: &ArchiveLayout) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let put = |out: &mut Vec<u8>, numbers: &[(u32, usize)]| {
        numbers.iter().for_each(|(number, width)| out.extend_from_slice(&number.to_le_bytes()[..*width]));
    };
    for (name, content) in parts {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let (at, length, sum) = (out.len() as u32, content.len() as u32, crc.sum());
        let flags = if shape.record.is_some() { 8 } else { 0 };
        let own_header = if shape.record.is_some() { (0, 0) } else { (sum, length) };
        out.extend_from_slice(b"PK\x03\x04");
        put(&mut out, &[(45, 2), (flags | u32::from(shape.flags), 2), (0, 2), (shape.time, 4)]);
        put(&mut out, &[(own_header.0, 4), (own_header.1, 4), (own_header.1, 4), (name.len() as u32, 2)]);
        put(&mut out, &[(shape.extra.len() as u32, 2)]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&shape.extra);
        out.extend_from_slice(content);
        if let Some((has_mark, is_long)) = shape.record {
            out.extend_from_slice(if has_mark { b"PK\x07\x08" } else { b"" });
            let zeros: &[(u32, usize)] = if is_long { &[(0, 4)] } else { &[] };
            put(&mut out, &[(sum ^ shape.checksum_change, 4), (length, 4)]);
            put(&mut out, zeros);
            put(&mut out, &[(length, 4)]);
            put(&mut out, zeros);
        }
        out.extend_from_slice(shape.gap);
        directory.extend_from_slice(b"PK\x01\x02");
        put(
            &mut directory,
            &[(45, 2), (45, 2), (flags, 2), (0, 2), (0, 4), (sum, 4), (length, 4), (length, 4)],
        );
        put(&mut directory, &[(name.len() as u32, 2), (0, 2), (shape.comment.len() as u32, 2)]);
        put(&mut directory, &[(0, 2), (0, 2), (0, 4), (at, 4)]);
        directory.extend_from_slice(name.as_bytes());
        directory.extend_from_slice(shape.comment);
    }
    let (at, count) = (out.len() as u32, parts.len() as u32);
    let length = directory.len() as u32;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06");
    put(&mut out, &[(0, 4), (count, 2), (count, 2), (length, 4), (at, 4), (0, 2)]);
    out
}

fn refused(package: &[u8], reason: &str) -> Work {
    let (inspection, work) = inspect_counted(package, Kind::Hlkx, &policy());
    assert_eq!(inspection.verdict, Verdict::Reject, "{reason}");
    assert!(inspection.reasons().contains(reason), "{reason}: {}", inspection.reasons());
    work
}

fn accepted(package: &[u8]) -> Inspection {
    let inspection = inspect_bytes(package, Kind::Hlkx, &policy());
    assert_eq!(inspection.verdict, Verdict::Accept, "{}", inspection.reasons());
    inspection
}

#[test]
fn archives_of_signing_tools_are_accepted() {
    // The reserve of System.IO.Packaging: id 0xa220, length, mark 0xa028, initial length, zeros.
    let padding = [&[0x20, 0xa2, 0x14, 0, 0x28, 0xa0, 0x10, 0][..], &[0; 16]].concat();
    let padded = accepted(&stored(&parts(), &ArchiveLayout { extra: padding, ..ArchiveLayout::default() }));
    assert!(padded.facts.unwrap().hlkx.is_some_and(|facts| facts.tests.is_some()));
    for record in [(false, false), (true, false), (false, true), (true, true)] {
        accepted(&stored(&parts(), &ArchiveLayout { record: Some(record), ..ArchiveLayout::default() }));
    }
    let mut folders = parts();
    folders.insert(1, ("hck/".to_owned(), Vec::new()));
    accepted(&stored(&folders, &ArchiveLayout::default()));
}

#[test]
fn archive_with_bytes_of_no_part_is_refused() {
    let shaped = |shape: ArchiveLayout| stored(&parts(), &shape);
    refused(&shaped(ArchiveLayout { gap: b"x", ..ArchiveLayout::default() }), "bytes between its entries");
    let record = Some((true, false));
    refused(
        &shaped(ArchiveLayout { gap: b"more", record, ..ArchiveLayout::default() }),
        "record after an entry's data",
    );
    refused(
        &shaped(ArchiveLayout { gap: b"x", record, ..ArchiveLayout::default() }),
        "bytes between its entries",
    );
    refused(
        &shaped(ArchiveLayout { record, checksum_change: 1, ..ArchiveLayout::default() }),
        "record after an entry's data",
    );
    refused(
        &shaped(ArchiveLayout { comment: b"hello", ..ArchiveLayout::default() }),
        "an entry has a comment",
    );
    refused(&shaped(ArchiveLayout { time: 77, ..ArchiveLayout::default() }), "does not match the directory");
    refused(
        &shaped(ArchiveLayout { flags: 0x800, ..ArchiveLayout::default() }),
        "does not match the directory",
    );
    // Two entries of the directory for one place.
    let mut package = stored(&parts(), &ArchiveLayout::default());
    let names: Vec<usize> =
        (0..package.len() - 4).filter(|at| package[*at..].starts_with(b"PK\x01\x02")).collect();
    let first = package[names[2] + 42..names[2] + 46].to_vec();
    package[names[3] + 42..names[3] + 46].copy_from_slice(&first);
    assert_ne!(inspect_bytes(&package, Kind::Hlkx, &policy()).verdict, Verdict::Accept);
}

#[test]
fn signature_with_content_that_it_does_not_cover_is_refused() {
    let changed = |name: &str, from: &str, to: &str| {
        let mut parts = parts();
        replace(&mut parts, name, from, to);
        deflated(&parts)
    };
    let object = |content: &str| changed(SIGNATURE, "</Signature>", &format!("{content}</Signature>"));
    refused(&object("<Object Id='more'><Manifest/></Object>"), "does not cover");
    refused(
        &object(
            "<Object><TimeStamp><Comment>x</Comment><EncodedTime>MAA=</EncodedTime></TimeStamp></Object>",
        ),
        "does not cover",
    );
    refused(
        &object("<Object><TimeStamp><EncodedTime>MAA=</EncodedTime></TimeStamp></Object>"),
        "does not cover",
    );
    refused(&object("text"), "does not cover");
    refused(&object("<!-- comment -->"), "does not cover");
    refused(&object("<Other/>"), "does not cover");
    let mut origin = parts();
    part(&mut origin, "origin.psdsor").extend_from_slice(b"content");
    refused(&deflated(&origin), "origin");
    let mut certificate = parts();
    part(&mut certificate, "1002.cer").push(0);
    refused(&deflated(&certificate), "not exactly the one that signed");
    let second = "<Relationship Type=\"http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/certificate\" \
                  Target=\"/package/services/digital-signature/certificate/more.cer\" Id=\"Rcer2\" /></Relationships>";
    for content in [&b"no certificate"[..], &[0x30, 0x80, 0, 0]] {
        let mut certificates = parts();
        replace(&mut certificates, "psdsxs.rels", "</Relationships>", second);
        let name = "package/services/digital-signature/certificate/more.cer";
        certificates.push((name.to_owned(), content.to_vec()));
        refused(&deflated(&certificates), "not exactly the one that signed");
    }
}

#[test]
fn package_with_a_bad_signature_costs_no_part() {
    let mut parts = parts();
    replace(&mut parts, SIGNATURE, "<SignatureValue>g", "<SignatureValue>h");
    let big = part(&mut parts, "7c9e6679-7425-40de-944b-e07fc1f90ae7");
    *big = vec![0; 40 << 20];
    let package = deflated(&parts);
    let work = refused(&package, "does not fit the certificate");
    assert!(work.unpacked < 64 << 10 && work.hashed < 64 << 10 && work.verified <= 8, "{work:?}");
    assert!(work.read < 3 * package.len() as u64, "{work:?}");
}

#[test]
fn part_of_a_signed_package_is_read_and_hashed_once() {
    let package = bytes("hlkx/good.hlkx");
    let unpacked: usize = parts().iter().map(|(_, content)| content.len()).sum();
    let (inspection, work) = inspect_counted(&package, Kind::Hlkx, &policy());
    assert_eq!(inspection.verdict, Verdict::Accept);
    // The relationships of the package are read to find the signature as well.
    assert!(work.unpacked <= unpacked as u64 + 4096, "{work:?}, {unpacked}");
    assert!(work.hashed <= unpacked as u64 + 4096, "{work:?}, {unpacked}");
    assert!(work.verified <= 8, "{work:?}");
}

#[test]
fn repeated_references_are_refused() {
    let mut parts = parts();
    let text = String::from_utf8(part(&mut parts, SIGNATURE).clone()).unwrap();
    let start = text.find("<Reference URI=\"/hck/data/0f8f").unwrap();
    let reference = &text[start..start + text[start..].find("</Reference>").unwrap() + 12];
    let many = text.replacen(reference, &reference.repeat(1000), 1);
    *part(&mut parts, SIGNATURE) = many.into_bytes();
    let work = refused(&deflated(&parts), "twice with the same transform");
    assert!(work.hashed < 1 << 20 && work.verified == 0, "{work:?}");
    // References to the object itself.
    let start = text.find("<Reference Type=").unwrap();
    let reference = &text[start..start + text[start..].find("</Reference>").unwrap() + 12];
    let many = text.replacen(reference, &reference.repeat(1000), 1);
    *part(&mut parts, SIGNATURE) = many.into_bytes();
    refused(&deflated(&parts), "refers to an object twice");
}
