//! Kit packages that are valid archives with a changed structure: some with a signature that does not fit any more, others changed
//! first and signed then, so that everything behind the signature is read. The work of their inspection must stay linear in their
//! length.
#![no_main]

use std::io::{Cursor, Read, Write};
use std::sync::LazyLock;

use dropship_fuzz::kits::signer::{CONTENT_TYPES, Parts, Prepared, kit, reference, with_signature};
use dropship_fuzz::{POLICY, SIGNER};
use dropship_package::{Kind, Policy, Verdict, Work};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

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

/// A part in canonical form, with one element or attribute for each byte.
fn canonical(bytes: &[u8]) -> Vec<u8> {
    let (mut text, mut open) = ("<a>".to_owned(), 1);
    for byte in bytes {
        match byte % 4 {
            0 if open < 300 => {
                open += 1;
                text.push_str("<a>");
            }
            1 if open > 1 => {
                open -= 1;
                text.push_str("</a>");
            }
            2 => text.push_str(&"<b xmlns:p=\"urn:p\" p:c=\"&#xD;\"></b>".repeat(usize::from(*byte))),
            _ => text.push_str(&"<?p?>&amp;".repeat(usize::from(*byte))),
        }
    }
    text.push_str(&"</a>".repeat(open));
    text.into_bytes()
}

/// Changes a kit and signs it. Its manifest may have references that are repeated or of other parts.
fn signed(first: u8, changes: &[[u8; 3]]) -> Parts {
    let mut parts = kit();
    // A real description, which has more to change.
    let real = PARTS.iter().find(|(name, _)| name.ends_with("PackageInfo.xml")).expect("it has one");
    parts.iter_mut().filter(|(name, _)| *name == real.0).for_each(|(_, content)| content.clone_from(&real.1));
    for (index, bytes) in changes.iter().enumerate() {
        match bytes[0] % 4 {
            _ if parts.is_empty() => {}
            0 => parts.push((format!("x{index}.xml"), canonical(&changes.concat()))),
            _ => change(&mut parts, *bytes),
        }
    }
    let prepared = |name: &str| match name.starts_with('x') {
        true => Prepared::Canonical,
        false => Prepared::Raw,
    };
    let own = parts.iter().filter(|(name, _)| name != CONTENT_TYPES);
    let own: String = own.map(|(name, content)| reference(name, prepared(name), content)).collect();
    let mut references = own.into_bytes();
    if let [_, .., [kind, which, amount]] = changes
        && first & 2 == 2
    {
        let element = ["Reference", "Transform", "DigestMethod", "DigestValue"][usize::from(kind % 4)];
        repeat(&mut references, element, usize::from(*which), 1 + usize::from(*amount) * 8);
    }
    let (signer, _) = &*SIGNER;
    with_signature(&parts, signer.signature(&String::from_utf8_lossy(&references)))
}

fn inspected(parts: &Parts, first: u8, policy: &Policy) -> Option<Verdict> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (index, (name, content)) in parts.iter().enumerate() {
        let method = match first >> (index % 8) & 1 == 1 {
            true => CompressionMethod::Stored,
            false => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(name.as_str(), options).ok()?;
        writer.write_all(content).ok()?;
    }
    let package = writer.finish().ok()?.into_inner();
    let (inspection, work) = dropship_package::fuzzing::inspect_counted(&package, Kind::Hlkx, policy);
    // Work is counted in steps, so the last one may go beyond the limit.
    let most = Work::limit(package.len() as u64);
    assert!(work.read <= most.read + STEP, "{work:?} of {most:?}");
    assert!(work.hashed <= most.hashed + STEP, "{work:?} of {most:?}");
    assert!(work.unpacked <= most.unpacked + STEP, "{work:?} of {most:?}");
    assert!(work.verified <= most.verified + 1, "{work:?} of {most:?}");
    Some(inspection.verdict)
}

/// An unchanged kit is accepted, so the signatures are valid.
static IS_SOUND: LazyLock<bool> =
    LazyLock::new(|| inspected(&signed(0, &[]), 0, &SIGNER.1) == Some(Verdict::Accept));

fuzz_target!(|data: &[u8]| {
    assert!(*IS_SOUND, "a signed kit is not accepted");
    let Some((first, rest)) = data.split_first() else { return };
    let (changes, _) = rest.as_chunks::<3>();
    let changes = changes.get(..8).unwrap_or(changes);
    if first & 1 == 1 {
        inspected(&signed(*first, changes), *first, &SIGNER.1);
        return;
    }
    let mut parts = PARTS.clone();
    for bytes in changes {
        if !parts.is_empty() {
            change(&mut parts, *bytes);
        }
    }
    inspected(&parts, *first, &POLICY);
});
