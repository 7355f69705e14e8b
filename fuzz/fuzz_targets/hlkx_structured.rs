//! Kit packages that are valid archives with a changed structure. The work of their inspection must stay linear in their
//! length.
#![no_main]

use std::io::{Cursor, Read, Write};
use std::sync::LazyLock;

use dropship_fuzz::POLICY;
use dropship_package::{Kind, Work};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

type Parts = Vec<(String, Vec<u8>)>;

const GOOD: &[u8] = include_bytes!("../../crates/dropship-package/tests/fixtures/hlkx/good.hlkx");

static PARTS: LazyLock<Parts> = LazyLock::new(|| {
    let mut archive = ZipArchive::new(Cursor::new(GOOD)).expect("the fixture is an archive");
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).expect("an entry");
            let mut content = Vec::new();
            part.read_to_end(&mut content).expect("content");
            (part.name().expect("a name").into_owned(), content)
        })
        .collect()
});

/// The largest amount that is counted at once.
const STEP: u64 = 32 << 20;

/// Repeats the `index`th element of this name in a part.
fn repeat(content: &mut Vec<u8>, element: &str, index: usize, times: usize) {
    let Ok(text) = std::str::from_utf8(content) else { return };
    let (open, close) = (format!("<{element} "), format!("</{element}>"));
    let Some((start, _)) = text.match_indices(&open).nth(index) else { return };
    let end = text[start..].find(&close).map(|end| start + end + close.len());
    let end = end.or_else(|| text[start..].find("/>").map(|end| start + end + 2));
    let Some(end) = end else { return };
    let repeated = text[start..end].repeat(times);
    *content = [&text[..start], &repeated, &text[end..]].concat().into_bytes();
}

/// Applies one change, chosen by three bytes.
fn change(parts: &mut Parts, [kind, which, amount]: [u8; 3]) {
    let (index, times) = (usize::from(which) % parts.len(), usize::from(amount));
    match kind % 10 {
        0 => repeat(&mut parts[index].1, "Reference", times % 8, 1 + times * 16),
        1 => repeat(&mut parts[index].1, "Relationship", times % 8, 1 + times * 16),
        2 => repeat(&mut parts[index].1, "Override", times % 4, 1 + times * 16),
        3 => repeat(&mut parts[index].1, "Object", 0, 1 + times),
        4 => parts[index].1.resize(times << 12, which),
        5 => parts.push((format!("hck/data/{which}-{amount}"), vec![amount; times << 8])),
        6 => drop(parts.remove(index).1),
        7 => parts[index].1.extend(std::iter::repeat_n(b"<a>".as_slice(), times * 64).flatten()),
        8 => {
            let (_, content) = &mut parts[index];
            let at = (times * 251) % content.len().max(1);
            if let Some(byte) = content.get_mut(at) {
                *byte ^= 1 << (kind / 10 % 8);
            }
        }
        _ => {
            let other = times % parts.len();
            parts.swap(index, other);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut parts = PARTS.clone();
    let (changes, _) = data.as_chunks::<3>();
    for bytes in changes.iter().take(8) {
        if !parts.is_empty() {
            change(&mut parts, *bytes);
        }
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (index, (name, content)) in parts.iter().enumerate() {
        let method = match data.first().is_some_and(|first| first >> (index % 8) & 1 == 1) {
            true => CompressionMethod::Stored,
            false => CompressionMethod::Deflated,
        };
        if writer.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method)).is_err()
            || writer.write_all(content).is_err()
        {
            return;
        }
    }
    let Ok(package) = writer.finish() else { return };
    let package = package.into_inner();
    let (_, work) = dropship_package::fuzzing::inspect_counted(&package, Kind::Hlkx, &POLICY);
    // Work is counted in steps, so the last one may go beyond the limit.
    let most = Work::limit(package.len() as u64);
    assert!(work.read <= most.read + STEP, "{work:?} of {most:?}");
    assert!(work.hashed <= most.hashed + STEP, "{work:?} of {most:?}");
    assert!(work.unpacked <= most.unpacked + STEP, "{work:?} of {most:?}");
    assert!(work.verified <= most.verified + 1, "{work:?} of {most:?}");
});
