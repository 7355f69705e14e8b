//! The identity of a package's content.

use std::io::{Cursor, Read as _, Write as _};

use super::{bytes, policy};
use crate::{Kind, inspect_bytes};

fn content(package: &[u8], kind: Kind) -> Option<String> {
    inspect_bytes(package, kind, &policy()).facts.and_then(|facts| facts.content_sha256)
}

fn content_of(name: &str) -> String {
    let kind = Kind::of_name(name).unwrap();
    content(&bytes(name), kind).unwrap_or_else(|| panic!("{name} has no content"))
}

#[test]
fn cabinet_signed_or_stamped_again_has_the_same_content() {
    let all = |names: &[&str]| -> Vec<String> { names.iter().map(|name| content_of(name)).collect() };
    for names in [
        // Unsigned, by other keys, with and without a timestamp, with another digest, with a nested signature.
        &["cab/unsigned.cab", "cab/good-signed.cab", "cab/good-signed-ts.cab", "cab/good-signed-ec384.cab"][..],
        &["cab/good-signed.cab", "cab/sha1-digest.cab", "more/nested-signature.cab"],
        &["stamped/stamped.cab", "stamped/sha384.cab", "stamped/md5.cab", "stamped/counter-signed.cab"],
        // Other reserves.
        &["link/room-128.cab", "link/room-filled.cab", "link/room-6144.cab", "link/room-20.cab"],
    ] {
        let names: Vec<_> = names.iter().copied().filter(|name| super::fixture(name).exists()).collect();
        let found = all(&names);
        assert!(found.iter().all(|content| *content == found[0]), "{names:?}: {found:#?}");
    }
    let others = ["cab/good-signed.cab", "cab/ext.cab", "cab/noinf.cab", "cab/stored-signed.cab"];
    let distinct: std::collections::BTreeSet<_> = all(&others).into_iter().collect();
    assert_eq!(distinct.len(), others.len());
}

#[test]
fn content_of_a_cabinet_with_the_usual_reserve_is_its_authenticode_digest() {
    let package = bytes("cab/good-signed.cab");
    let header = crate::cab::header::Header::read(&package).unwrap();
    let mut signed = Vec::new();
    for range in header.signed_ranges() {
        signed.extend_from_slice(&package[range.start as usize..range.end as usize]);
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, &signed);
    assert_eq!(content_of("cab/good-signed.cab"), crate::hex(digest.as_ref()));
}

/// Zips the entries of a package again: another compression, order and date.
fn zipped_again(package: &[u8], change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(package)).unwrap();
    let mut again = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in (0..archive.len()).rev() {
        let mut entry = archive.by_index(index).unwrap();
        let (name, mut part) = (entry.name().unwrap().into_owned(), Vec::new());
        entry.read_to_end(&mut part).unwrap();
        let Some(part) = change(&name, part) else { continue };
        let options = zip::write::SimpleFileOptions::default();
        again.start_file(name, options.compression_method(zip::CompressionMethod::Stored)).unwrap();
        again.write_all(&part).unwrap();
    }
    again.finish().unwrap().into_inner()
}

#[test]
fn kit_package_zipped_again_has_the_same_content() {
    let package = bytes("hlkx/good.hlkx");
    let again = zipped_again(&package, |_, part| Some(part));
    assert_ne!(package, again);
    assert_eq!(content(&again, Kind::Hlkx).as_ref(), Some(&content_of("hlkx/good.hlkx")));
    // One that lacks a signed part has another content, and is rejected.
    let less = zipped_again(&package, |name, part| (!name.contains("PackageInfo")).then_some(part));
    assert_ne!(content(&less, Kind::Hlkx), Some(content_of("hlkx/good.hlkx")));
}
