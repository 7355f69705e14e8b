//! Cabinets that their signer arranged to cost much, and cabinets that anyone can arrange.

use super::super::kits::certificate::{Certificate, SEQUENCE, certificate, der, name, oid, purpose};
use super::super::kits::signer::KitSigner;
use super::cabinet::{Cabinet, Entry, Folder};
use super::lzx;
use super::signed_data::{SignedData, attribute};

/// Name of a cabinet, its bytes, and a part of the reason for which it is rejected; none if it is accepted.
pub type Hostile = (&'static str, Vec<u8>, Option<&'static str>);

const INF: &str = "[Version]\nSignature=\"$WINDOWS NT$\"\nClass=System\nClassGuid={4d36e97d-e325-11ce-bfc1-08002be10318}\n\
                   Provider=Contoso\nCatalogFile=a.cat\nDriverVer=01/02/2024,1.2.3.4\n[Manufacturer]\nM=Std,NTamd64\n[Std.NTamd64]\n\
                   D=I,ROOT\\ECHO\n";

/// A plain driver, with more files in folders of their own.
fn driver(more: impl IntoIterator<Item = (Entry, Option<Folder>)>) -> Cabinet {
    let mut cabinet = Cabinet { folders: vec![Folder::stored(INF.as_bytes())], ..Cabinet::default() };
    cabinet.files = vec![Entry::new("Echo\\a.inf", INF.len(), 0), Entry::new("Echo\\a.cat", 0, 0)];
    for (mut file, folder) in more {
        if let Some(folder) = folder {
            file.folder = u16::try_from(cabinet.folders.len()).expect("few");
            cabinet.folders.push(folder);
        }
        cabinet.files.push(file);
    }
    cabinet
}

/// An image with these bytes for the offset of its header.
fn image(header_at: u32, length: usize) -> Vec<u8> {
    let mut image = vec![0xff; length];
    image[..2].copy_from_slice(b"MZ");
    image[0x3c..0x40].copy_from_slice(&header_at.to_le_bytes());
    image
}

fn shapes(scale: usize) -> Vec<(&'static str, Cabinet, Option<&'static str>)> {
    let named = |names: &[&str]| driver(names.iter().map(|name| (Entry::new(name, 0, 0), None)));
    let many = |count: usize, name: &dyn Fn(usize) -> String| {
        driver((0..count).map(|number| (Entry::new(&name(number), 0, 0), None)))
    };
    let sys = |number: usize, size| Entry::new(&format!("Echo\\{number}.sys"), size, 0);
    let folders = |count: usize, folder: &dyn Fn(usize) -> Folder| {
        driver((0..count).map(|number| (sys(number, 1), Some(folder(number)))))
    };
    let empty_blocks = Folder { blocks: vec![(Vec::new(), 0); 0xffff / scale], ..Folder::default() };
    let window = |blocks| Folder { compression: 3 | 21 << 8, blocks, ..Folder::default() };
    let trees = lzx::many_trees(60 / scale);
    let unpacked = trees.iter().map(|(_, length)| usize::from(*length)).sum();
    let trees = Folder { compression: 3 | 15 << 8, blocks: trees, ..Folder::default() };
    let mszip = Folder {
        compression: 1,
        blocks: vec![(b"CK\x03\0".to_vec(), 0); 0xffff / scale],
        ..Folder::default()
    };
    let stated = |at: u32, count: u16| Folder { stated: Some((at, count)), ..Folder::default() };
    let images = [0, 0x3c, 4095, 4096, u32::MAX, 0x7fff_ffff, 0x8000_0000].map(|at| image(at, 5000));
    let images = images.into_iter().chain([b"MZ".to_vec(), vec![0; 4096]]).enumerate();
    let images = images.map(|(number, image)| (sys(number, image.len()), Some(Folder::stored(&image))));
    let mut backwards =
        folders(1000, &|number| Folder::stored(&[u8::try_from(number % 256).expect("small")]));
    backwards.folders.reverse();
    let last = u16::try_from(backwards.folders.len() - 1).expect("few");
    backwards.files.iter_mut().for_each(|file| file.folder = last - file.folder);
    let mut overlap = driver([]);
    overlap.files.push(Entry { offset: 1, ..Entry::new("Echo\\b.inf", 100, 0) });
    let catalog = [&[0x30, 0x80][..], &[0x31, 0x80].repeat(2_000_000)].concat();
    // The budget for what is unpacked ends with many of them, and a folder with few.
    let unread = if scale == 1 { None } else { Some("cannot be unpacked") };
    vec![
        ("good.cab", driver([]), None),
        ("files.cab", many(65_500 / scale, &|number| format!("Echo\\{number}.bin")), None),
        ("parts.cab", many(32_000 / scale, &|number| format!("Echo\\{}{number}", "a\\".repeat(120))), None),
        (
            "names.cab",
            many(65_500 / scale, &|number| format!("Echo\\{number}{}", "a\\".repeat(120))),
            Some(if scale == 1 { "more than 8 MiB" } else { "have empty parts" }),
        ),
        ("infs.cab", many(65_000 / scale, &|number| format!("Echo\\{number}.inf")), Some("has no [Version]")),
        ("folders.cab", folders(65_000 / scale, &|_| Folder::default()), Some("cannot be unpacked")),
        ("windows.cab", folders(2048, &|_| window(vec![(vec![0; 40], 32)])), None),
        ("trees.cab", driver([(sys(0, unpacked), Some(trees))]), None),
        ("blocks.cab", driver((0..8).map(|number| (sys(number, 1), Some(empty_blocks.clone())))), unread),
        ("mszip.cab", driver((0..8).map(|number| (sys(number, 1), Some(mszip.clone())))), unread),
        ("shared.cab", folders(3, &|_| stated(100, 1)), Some("two of its folders share their data")),
        (
            "beyond.cab",
            folders(3, &|number| stated(u32::MAX - u32::try_from(number).expect("small"), 0xffff)),
            Some("cannot be unpacked"),
        ),
        ("overlap.cab", overlap, Some("two of its files share")),
        ("backwards.cab", backwards, None),
        (
            "long.cab",
            driver([(Entry { size: u32::MAX, offset: u32::MAX, ..sys(0, 0) }, None)]),
            Some("cannot be unpacked"),
        ),
        ("images.cab", driver(images), None),
        (
            "catalog.cab",
            driver([(Entry::new("Echo\\b.cat", catalog.len(), 0), Some(Folder::stored(&catalog)))]),
            None,
        ),
        ("reserve.cab", Cabinet { reserve: vec![1; 60_000], ..driver([]) }, Some("reserve holds data")),
        ("zeros.cab", Cabinet { reserve: vec![0; 60_000], ..driver([]) }, None),
        ("folder-reserve.cab", Cabinet { reserves: [255, 0], ..driver([]) }, Some("folders have a reserve")),
        (
            "data-reserve.cab",
            Cabinet { reserves: [0, 255], ..driver([]) },
            Some("data blocks have a reserve"),
        ),
        ("set.cab", Cabinet { flags: 3, ..driver([]) }, Some("one of a set")),
        (
            "up.cab",
            named(&["..\\..\\..\\etc\\cron.d\\x", "Echo\\..\\..\\x.inf"]),
            Some("lead out of the package"),
        ),
        (
            "absolute.cab",
            named(&["\\etc\\x", "/etc/x", "C:\\x", "\\\\server\\x"]),
            Some("paths that are absolute"),
        ),
        (
            "control.cab",
            named(&["Echo\\\x1b]0;x\x07.bin", "Echo\\a\nb.bin", "Echo\\\r.inf"]),
            Some("control characters"),
        ),
    ]
}

/// A certificate of an invented authority: subject and issuer have the same name.
fn authority(number: u16) -> Vec<u8> {
    let constraints = der(
        SEQUENCE,
        &[&oid(&[0x55, 0x1d, 0x13]), &[1, 1, 0xff], &der(4, &[&der(SEQUENCE, &[&[1, 1, 0xff]])])],
    );
    let point = [&[4][..], &[7; 62], &number.to_be_bytes()].concat();
    let [name, serial] = [name("N"), [&[1][..], &number.to_be_bytes()].concat()];
    certificate(&Certificate {
        issuer: &name,
        subject: &name,
        serial: &serial,
        point: &point,
        extensions: &[constraints],
    })
}

/// Signed by a certificate with this subject and these extensions, that an authority `N` is said to have issued.
fn issued<'s>(
    signer: &'s KitSigner,
    subject: &[u8],
    extensions: &[Vec<u8>],
    others: Vec<Vec<u8>>,
) -> SignedData<'s> {
    use ring::signature::KeyPair as _;
    let point = signer.key.public_key().as_ref();
    let leaf = certificate(&Certificate { issuer: &name("N"), subject, serial: &[5], point, extensions });
    let certificates = [vec![leaf], others].concat();
    SignedData { issuer: name("N"), serial: vec![5], certificates, ..SignedData::of(signer) }
}

fn signatures(signer: &KitSigner, scale: usize) -> Vec<(&'static str, SignedData<'_>, Option<&'static str>)> {
    let own = || SignedData::of(signer);
    let unsigned =
        |attributes: Vec<Vec<u8>>| SignedData { unsigned: Box::new(move |_| attributes.clone()), ..own() };
    let authorities = || (1..64).map(authority).collect::<Vec<_>>();
    let stamps = move |stamped: &[u8]| {
        let token = issued(signer, &name("T"), &[purpose(8)], authorities()).token(stamped);
        vec![token; 8]
    };
    let deep = |tag: u8| attribute(&[0x2a, 3], &[[tag, 0x80].repeat(100_000)]);
    let definite = (0..60).fold([5, 0].repeat(400_000 / scale), |inner, _| der(0x30, &[&inner]));
    let indefinite = (0..40).fold(vec![4; 3_000_000], |inner, depth| match depth {
        0 => der(4, &[&inner]),
        _ => [&[0x24, 0x80][..], &inner, &[0, 0]].concat(),
    });
    let same_key = |number: u16| {
        let extension = der(SEQUENCE, &[&oid(&[0x2a, 3]), &der(4, &[&number.to_be_bytes()])]);
        issued(signer, &name("S"), &[purpose(3), extension], Vec::new()).certificates.remove(0)
    };
    let long = der(SEQUENCE, &[&oid(&[0x2a, 3]), &der(4, &[&vec![0; 3_000_000]])]);
    let extensions = |count: u16| {
        (0..count)
            .map(|number| {
                der(
                    SEQUENCE,
                    &[
                        &oid(&[&[0x2a][..], &number.to_be_bytes().map(|b| b & 0x7f)].concat()),
                        &der(4, &[&[5, 0]]),
                    ],
                )
            })
            .collect::<Vec<_>>()
    };
    let of = |subject: &[u8], extensions: &[Vec<u8>]| issued(signer, subject, extensions, Vec::new());
    vec![
        // webpki tries all orders of authorities with one name.
        (
            "authorities.cab",
            issued(signer, &name("S"), &[purpose(3)], authorities()),
            Some("to be tried as issuers"),
        ),
        ("stamps.cab", SignedData { unsigned: Box::new(stamps), ..own() }, Some("to be tried as issuers")),
        ("deep.cab", unsigned(vec![deep(0x30)]), Some("cannot be read")),
        ("deep-string.cab", unsigned(vec![deep(0x24)]), Some("cannot be read")),
        ("elements.cab", unsigned(vec![attribute(&[0x2a, 3], &[definite])]), None),
        ("pieces.cab", unsigned(vec![attribute(&[0x2a, 3], &[indefinite])]), None),
        ("oid.cab", unsigned(vec![attribute(&[0x81; 3_000_000], &[vec![5, 0]])]), None),
        (
            "unsigned.cab",
            unsigned(vec![attribute(&[0x2a, 3], &[vec![5, 0]]); 300_000 / scale]),
            Some("too many"),
        ),
        (
            "values.cab",
            unsigned(vec![attribute(&[0x2a, 3], &vec![vec![5, 0]; 1_000_000 / scale])]),
            Some("too many"),
        ),
        ("signers.cab", SignedData { signers: 10_000 / scale, ..own() }, Some("too many")),
        (
            "certificates.cab",
            SignedData { certificates: vec![signer.certificate.clone(); 10_000 / scale], ..own() },
            Some("too many"),
        ),
        (
            "attributes.cab",
            SignedData {
                attributes: vec![attribute(&[0x2a, 3], &[der(4, &[&vec![0; 3_000_000]])])],
                ..own()
            },
            Some("more than 64 KiB of signed attributes"),
        ),
        // Each certificate of the name and the number of the signer is tried.
        (
            "candidates.cab",
            SignedData {
                attributes: vec![attribute(&[0x2a, 3], &[der(4, &[&vec![0; 60_000]])])],
                certificates: (0..63).map(same_key).collect(),
                ..of(&name("S"), &[purpose(3)])
            },
            Some("does not end at a root"),
        ),
        ("extension.cab", of(&name("S"), &[purpose(3), long]), Some("is damaged and cannot be read")),
        ("extensions.cab", of(&name("S"), &extensions(12_000)), Some("is damaged and cannot be read")),
        (
            "subject.cab",
            of(&name(&"\u{202e}\u{7}x".repeat(600_000)), &[purpose(3)]),
            Some("is damaged and cannot be read"),
        ),
    ]
}

/// The cabinets. Tests that have little time make those with fewer entries: `scale` divides the numbers, and is 1 for all of them.
pub fn cabinets(signer: &KitSigner, scale: usize) -> Vec<Hostile> {
    let shapes = shapes(scale).into_iter().map(|(name, cabinet, reason)| {
        (name, cabinet.signed(|digest| SignedData::of(signer).of_cabinet(digest)), reason)
    });
    let signatures = signatures(signer, scale)
        .into_iter()
        .map(|(name, data, reason)| (name, driver([]).signed(|digest| data.of_cabinet(digest)), reason));
    shapes.chain(signatures).collect()
}
