//! Kit packages that their signer arranged to cost much.

use super::signer::{
    CONTENT_TYPES, KitSigner, ORIGIN, PACKAGE_INFO, Parts, Prepared, RELATIONSHIPS, SIGNATURE,
    digest_elements, kit, link, links, reference, with_signature,
};

/// Name of a kit, its parts, and a part of the reason for which it is rejected; none if it is accepted.
pub type Hostile = (&'static str, Parts, Option<&'static str>);

/// Number of parts, near the number that a manifest can list: it may have 4 MiB.
const MANY: usize = 12_000;

/// Parts that are canonical XML already, and are signed as such.
fn is_canonical(name: &str) -> Prepared {
    if name.ends_with(".xml") && name != PACKAGE_INFO { Prepared::Canonical } else { Prepared::Raw }
}

/// A signed kit with other content in `PackageInfo.xml`.
fn info(signer: &KitSigner, text: &str) -> Parts {
    let mut parts = kit();
    parts.iter_mut().filter(|(name, _)| name == PACKAGE_INFO).for_each(|(_, content)| *content = text.into());
    signer.signed(&parts, is_canonical)
}

/// A signed kit with more parts.
fn more(signer: &KitSigner, more: impl IntoIterator<Item = (String, Vec<u8>)>) -> Parts {
    let mut parts = kit();
    parts.extend(more);
    signer.signed(&parts, is_canonical)
}

/// A kit whose signed manifest has these references besides those of its parts.
fn references(signer: &KitSigner, more: &str) -> Parts {
    let parts = kit();
    let own = parts.iter().filter(|(name, _)| name != CONTENT_TYPES);
    let own: String = own.map(|(name, content)| reference(name, Prepared::Raw, content)).collect();
    with_signature(&parts, signer.signature(&format!("{own}{more}")))
}

/// The kits. Those with many parts are left out of the tests that have little time.
pub fn kits(signer: &KitSigner, with_many_parts: bool) -> Vec<Hostile> {
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("<Package>{}{inner}{}</Package>", open.repeat(depth), close.repeat(depth))
    };
    let codes: String = (0..15_000).map(|number| format!("<Code Name=\"W{number}\"/>")).collect();
    let prefixes: String = (0..32).map(|number| format!(" xmlns:p{number:02}=\"urn:{number}\"")).collect();
    let elements = format!("<a{prefixes}>{}</a>", "<b></b>".repeat(50_000)).into_bytes();
    let instructions = ("<?a?>\n".repeat(50_000) + "<a></a>").into_bytes();
    let text = |content: &str| vec![("x.xml".to_owned(), content.as_bytes().to_vec())];
    let repeated = reference(RELATIONSHIPS, Prepared::Raw, b"").repeat(2);
    let missing = |count: usize| -> String {
        let of =
            |number: usize| format!("<Reference URI=\"/m/{number}\">{}</Reference>", digest_elements(b""));
        (0..count).map(of).collect()
    };
    let transform = "<Transforms><Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"></Transform></Transforms>";
    let unknown = format!("<Reference URI=\"/x.bin\">{transform}{}</Reference>", digest_elements(b""));
    let mut kits: Vec<Hostile> = vec![
        ("good.hlkx", more(signer, []), None),
        // Each instance counted everything below it, and each list of codes those of all lists in it.
        (
            "instances.hlkx",
            info(signer, &nested("<ProductInstance>", "", "</ProductInstance>", 100_000)),
            Some("nested"),
        ),
        (
            "codes.hlkx",
            info(signer, &nested("<ProductInstance><Codes>", &codes, "</Codes></ProductInstance>", 120)),
            None,
        ),
        ("entities.hlkx", info(signer, "<!DOCTYPE a [<!ENTITY b \"&b;\">]><a>&b;</a>"), Some("DTD")),
        (
            "encoding.hlkx",
            info(signer, "\u{feff}<?xml version=\"1.0\" encoding=\"utf-32\"?><Package>"),
            Some("cannot be used"),
        ),
        ("instructions.hlkx", more(signer, text(&String::from_utf8_lossy(&instructions))), None),
        (
            "prefixes.hlkx",
            more(signer, (0..3).map(|number| (format!("p{number}.xml"), elements.clone()))),
            None,
        ),
        ("depth.hlkx", more(signer, text(&("<a>".repeat(50_000) + &"</a>".repeat(50_000)))), Some("x.xml")),
        ("twice.hlkx", references(signer, &repeated), Some("twice with the same transform")),
        ("missing.hlkx", references(signer, &missing(500)), Some("parts that were signed are missing")),
        ("transform.hlkx", references(signer, &unknown), Some("is not one that packages use")),
    ];
    // The certificate of the signature is the signature, whose certificate is the origin.
    let certificate =
        "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/certificate";
    let (folder, name) = SIGNATURE.rsplit_once('/').unwrap_or_default();
    let mut cycle = more(signer, []);
    let cycled = links(&[link("C", certificate, SIGNATURE), link("D", certificate, ORIGIN)]);
    cycle.push((format!("{folder}/_rels/{name}.rels"), cycled.into_bytes()));
    kits.push(("cycle.hlkx", cycle, Some("not exactly the one that signed")));
    if with_many_parts {
        let parts = || (0..MANY).map(|number| (format!("parts/{number}.bin"), Vec::new()));
        kits.push(("parts.hlkx", more(signer, parts()), None));
        let mut uncovered = more(signer, []);
        uncovered.extend(parts());
        kits.push(("uncovered.hlkx", uncovered, Some("parts that no signature covers")));
        kits.push((
            "absent.hlkx",
            references(signer, &missing(MANY)),
            Some("parts that were signed are missing"),
        ));
    }
    kits
}
