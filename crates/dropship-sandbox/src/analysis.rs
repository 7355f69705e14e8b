//! What was uploaded: looked at once, after the commit, as the service's first steps do.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use cab::Cabinet;
use zip::ZipArchive;

use super::app::App;
use super::blobs::Content;
use super::hlkx;
use super::inf::{self, Inf};
use super::lock;
use super::quirks::Quirk;

/// The largest INF that is read.
const MAX_INF: u64 = 8 << 20;

/// The result of looking at an upload.
#[derive(Debug)]
pub(super) struct Analysis {
    /// The step at which the workflow fails, and why.
    pub(super) failure: Option<Failure>,
    pub(super) shape: Shape,
    pub(super) infs: Vec<PackageInf>,
    /// The operating system codes that the package itself names.
    pub(super) codes: Vec<String>,
}

/// A step that fails and what it says.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) step: &'static str,
    pub(super) message: String,
}

/// What kind of file was uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Nothing,
    Cab,
    Zip,
}

/// An INF of the package.
#[derive(Debug)]
pub(super) struct PackageInf {
    /// The driver's folder in the package, empty at its root.
    pub(super) folder: String,
    /// The file's name.
    pub(super) name: String,
    pub(super) inf: Inf,
}

/// What the product asks of the package.
#[derive(Debug, Clone)]
struct Ask {
    attestation: bool,
    signatures: Vec<String>,
    strict: bool,
}

impl Analysis {
    fn failed(shape: Shape, step: &'static str, message: impl Into<String>) -> Self {
        Self {
            failure: Some(Failure { step, message: message.into() }),
            shape,
            infs: Vec::new(),
            codes: Vec::new(),
        }
    }
}

/// Looks at what a committed submission holds, unless that was done; `None` if it is not committed.
pub(super) async fn settle(app: &Arc<App>, pid: u64, sid: u64) -> Option<Arc<Analysis>> {
    let (cell, blob, ask) = {
        let world = lock(&app.world);
        let product = world.products.get(&pid)?;
        let sub = product.submissions.get(&sid)?;
        sub.committed?;
        let ask = Ask {
            attestation: product.is_attestation(),
            signatures: product.signatures(),
            strict: app.has(Quirk::StrictPackages),
        };
        (Arc::clone(&sub.analysis), sub.blobs.initial.clone(), ask)
    };
    let look = || async {
        let content = app.blobs.content(&blob);
        let looked = tokio::task::spawn_blocking(move || look_at(content.as_deref(), &ask)).await;
        Arc::new(looked.unwrap_or_else(|_| {
            Analysis::failed(Shape::Nothing, "packageInfoValidation", "The package could not be read.")
        }))
    };
    Some(Arc::clone(cell.get_or_init(look).await))
}

/// Looks at what all committed submissions of a product hold.
pub(super) async fn settle_all(app: &Arc<App>, pid: u64) {
    let ids: Vec<u64> = {
        let world = lock(&app.world);
        world
            .products
            .get(&pid)
            .map(|product| product.submissions.keys().copied().collect())
            .unwrap_or_default()
    };
    for sid in ids {
        settle(app, pid, sid).await;
    }
}

fn look_at(content: Option<&Content>, ask: &Ask) -> Analysis {
    let Some(content) = content.filter(|content| content.piece.len > 0) else {
        let message =
            "The package was not found or is empty. Upload the package before you commit the submission.";
        return Analysis::failed(Shape::Nothing, "packageInfoValidation", message);
    };
    let path = &content.piece.path;
    let mut analysis = match shape(path) {
        Ok(Shape::Cab) => cab_contents(path, content.piece.len, ask.strict),
        Ok(Shape::Zip) => zip_contents(path),
        Ok(Shape::Nothing) => {
            let message = "The package is neither a cabinet nor an HLKX or HCKX file.";
            Analysis::failed(Shape::Nothing, "packageInfoValidation", message)
        }
        Err(error) => Analysis::failed(
            Shape::Nothing,
            "packageInfoValidation",
            format!("The package could not be read: {error}."),
        ),
    };
    // Such a product is accepted, and its commit too; it fails later, always.
    if analysis.failure.is_none()
        && ask.attestation
        && ask.signatures.iter().any(|code| code.to_ascii_uppercase().contains("SERVER"))
    {
        let message = "Attestation signing is not available for server operating systems.".to_owned();
        analysis.failure = Some(Failure { step: "validation", message });
    }
    analysis
}

/// The shape that a file's first bytes promise.
pub(super) fn shape(path: &Path) -> io::Result<Shape> {
    let mut magic = [0_u8; 4];
    match File::open(path)?.read_exact(&mut magic) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Shape::Nothing),
        other => other?,
    }
    Ok(match &magic {
        b"MSCF" => Shape::Cab,
        b"PK\x03\x04" => Shape::Zip,
        _ => Shape::Nothing,
    })
}

fn cab_contents(path: &Path, len: u64, strict: bool) -> Analysis {
    let unreadable = |error: io::Error| {
        Analysis::failed(
            Shape::Cab,
            "packageInfoValidation",
            format!("The cabinet could not be extracted: {error}."),
        )
    };
    let header = match File::open(path).and_then(|mut file| cab_header(&mut file)) {
        Ok(header) => header,
        Err(error) => return unreadable(error),
    };
    if header.size > len {
        let message = format!("The cabinet is {len} bytes long; its header says {}.", header.size);
        return Analysis::failed(Shape::Cab, "packageInfoValidation", message);
    }
    if strict && !header.signed {
        return Analysis::failed(
            Shape::Cab,
            "validation",
            "SignatureValidationFailed: the cabinet is not signed.",
        );
    }
    match File::open(path).and_then(Cabinet::new).and_then(|mut cabinet| read_cab(&mut cabinet, strict)) {
        Ok(analysis) => analysis,
        Err(error) => unreadable(error),
    }
}

struct CabHeader {
    size: u64,
    signed: bool,
}

/// The size that a cabinet's header states, and whether it points to a signature.
fn cab_header(file: &mut File) -> io::Result<CabHeader> {
    let mut head = [0_u8; 60];
    let got = file.take(60).read(&mut head)?;
    let word = |at: usize| {
        head.get(at..at + 4).map_or(0, |b| b.iter().rev().fold(0_u64, |n, b| (n << 8) | u64::from(*b)))
    };
    if got < 36 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // Flag 4: a reserved area follows; a signed cabinet's is 20 bytes with the signature's size in it.
    let reserved = word(30) & 4 != 0 && word(36) & 0xffff >= 20;
    Ok(CabHeader { size: word(8), signed: reserved && word(48) > 0 })
}

/// The names of a cabinet's files.
pub(super) fn cab_names<R: Read + Seek>(cabinet: &Cabinet<R>) -> Vec<String> {
    cabinet
        .folder_entries()
        .flat_map(|folder| folder.file_entries().map(|file| file.name().to_owned()))
        .collect()
}

fn read_cab(cabinet: &mut Cabinet<File>, strict: bool) -> io::Result<Analysis> {
    let names = cab_names(cabinet);
    if strict && names.iter().any(|name| !name.contains(['\\', '/'])) {
        return Ok(Analysis::failed(Shape::Cab, "validation", "The cabinet has files at its root."));
    }
    let mut infs = Vec::new();
    for name in names.iter().filter(|name| is_inf(name)) {
        let mut bytes = Vec::new();
        cabinet.read_file(name)?.take(MAX_INF).read_to_end(&mut bytes)?;
        infs.push(package_inf(name, &bytes));
    }
    if infs.is_empty() {
        return Ok(Analysis::failed(Shape::Cab, "validation", "The package does not contain an INF file."));
    }
    Ok(Analysis { failure: None, shape: Shape::Cab, infs, codes: Vec::new() })
}

fn zip_contents(path: &Path) -> Analysis {
    let opened = File::open(path).and_then(|file| ZipArchive::new(file).map_err(io::Error::other));
    match opened.and_then(|mut archive| read_zip(&mut archive)) {
        Ok((infs, codes)) => Analysis { failure: None, shape: Shape::Zip, infs, codes },
        Err(error) => Analysis::failed(
            Shape::Zip,
            "packageInfoValidation",
            format!("The package could not be opened: {error}."),
        ),
    }
}

/// INFs among the parts: by their names or, since an HLKX names its parts by GUIDs, by what they hold.
fn read_zip(archive: &mut ZipArchive<File>) -> io::Result<(Vec<PackageInf>, Vec<String>)> {
    let mut infs = Vec::new();
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(io::Error::other)?;
        let name = part.name().map_err(io::Error::other)?.into_owned();
        if !(is_inf(&name) || name.to_ascii_lowercase().starts_with("hck/data/")) || part.size() > MAX_INF {
            continue;
        }
        let mut bytes = Vec::new();
        part.take(MAX_INF).read_to_end(&mut bytes)?;
        if is_inf(&name) {
            infs.push(package_inf(&name, &bytes));
        } else if looks_like_inf(&bytes) {
            let (folder, stem) = name.rsplit_once('/').unwrap_or(("", &name));
            infs.push(package_inf(&format!("{folder}/{stem}.inf"), &bytes));
        }
    }
    let described = hlkx::read(archive);
    if infs.is_empty() {
        infs.extend(described.inf);
    }
    Ok((infs, described.codes))
}

fn looks_like_inf(bytes: &[u8]) -> bool {
    let inf = inf::read(bytes);
    !inf.class.is_empty() && !inf.version.is_empty()
}

fn is_inf(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".inf")
}

fn package_inf(path: &str, bytes: &[u8]) -> PackageInf {
    let path = path.replace('\\', "/");
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    PackageInf { folder: folder.to_owned(), name: name.to_owned(), inf: inf::read(bytes) }
}
