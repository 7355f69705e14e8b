//! Analyses an upload once, after the commit, like the first steps of the service's workflow.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use cab::Cabinet;
use zip::ZipArchive;

use crate::app::App;
use crate::blob::store::BlobContent;
use crate::lock::lock;
use crate::package::hlkx;
use crate::package::inf;
use crate::package::package_facts::{PackageFacts, PackageInf, StepFailure, UploadFormat};
use crate::quirks::Quirk;

/// Maximum number of bytes to read of an INF file.
const MAX_INF: u64 = 8 << 20;

/// Requirements of the product on the package.
#[derive(Debug, Clone)]
struct Requirements {
    is_attestation: bool,
    signatures: Vec<String>,
    is_strict: bool,
}

/// Analyses the upload of a committed submission, unless that was done before. `None` before the commit.
pub(crate) async fn analyze(app: &Arc<App>, pid: u64, sid: u64) -> Option<Arc<PackageFacts>> {
    let (cell, blob, requirements) = {
        let state = lock(&app.state);
        let product = state.products.get(&pid)?;
        let sub = product.submissions.get(&sid)?;
        sub.committed?;
        let requirements = Requirements {
            is_attestation: product.is_attestation(),
            signatures: product.signatures(),
            is_strict: app.has(Quirk::StrictPackages),
        };
        (Arc::clone(&sub.facts), sub.blobs.initial.clone(), requirements)
    };
    let read = || async {
        let content = app.blobs.content(&blob);
        let facts =
            tokio::task::spawn_blocking(move || read_package(content.as_deref(), &requirements)).await;
        Arc::new(facts.unwrap_or_else(|_| {
            PackageFacts::failed(
                UploadFormat::Nothing,
                "packageInfoValidation",
                "The package could not be read.",
            )
        }))
    };
    Some(Arc::clone(cell.get_or_init(read).await))
}

/// Analyses the uploads of all committed submissions of a product.
pub(crate) async fn analyze_all(app: &Arc<App>, pid: u64) {
    let ids: Vec<u64> = {
        let state = lock(&app.state);
        state
            .products
            .get(&pid)
            .map(|product| product.submissions.keys().copied().collect())
            .unwrap_or_default()
    };
    for sid in ids {
        analyze(app, pid, sid).await;
    }
}

fn read_package(content: Option<&BlobContent>, requirements: &Requirements) -> PackageFacts {
    let Some(content) = content.filter(|content| content.scratch.len > 0) else {
        let message =
            "The package was not found or is empty. Upload the package before you commit the submission.";
        return PackageFacts::failed(UploadFormat::Nothing, "packageInfoValidation", message);
    };
    let path = &content.scratch.path;
    let mut facts = match format(path) {
        Ok(UploadFormat::Cab) => cab_contents(path, content.scratch.len, requirements.is_strict),
        Ok(UploadFormat::Zip) => zip_contents(path),
        Ok(UploadFormat::Nothing) => {
            let message = "The package is neither a cabinet nor an HLKX or HCKX file.";
            PackageFacts::failed(UploadFormat::Nothing, "packageInfoValidation", message)
        }
        Err(error) => PackageFacts::failed(
            UploadFormat::Nothing,
            "packageInfoValidation",
            format!("The package could not be read: {error}."),
        ),
    };
    // The service accepts such a product and its commit, and fails it in a later step.
    if facts.failure.is_none()
        && requirements.is_attestation
        && requirements.signatures.iter().any(|code| code.to_ascii_uppercase().contains("SERVER"))
    {
        let message = "Attestation signing is not available for server operating systems.".to_owned();
        facts.failure = Some(StepFailure { step: "validation", message });
    }
    facts
}

/// The format of a file by its first bytes.
pub(crate) fn format(path: &Path) -> io::Result<UploadFormat> {
    let mut magic = [0_u8; 4];
    match File::open(path)?.read_exact(&mut magic) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(UploadFormat::Nothing),
        other => other?,
    }
    Ok(match &magic {
        b"MSCF" => UploadFormat::Cab,
        b"PK\x03\x04" => UploadFormat::Zip,
        _ => UploadFormat::Nothing,
    })
}

fn cab_contents(path: &Path, len: u64, is_strict: bool) -> PackageFacts {
    let unreadable = |error: io::Error| {
        PackageFacts::failed(
            UploadFormat::Cab,
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
        return PackageFacts::failed(UploadFormat::Cab, "packageInfoValidation", message);
    }
    if is_strict && !header.is_signed {
        return PackageFacts::failed(
            UploadFormat::Cab,
            "validation",
            "SignatureValidationFailed: the cabinet is not signed.",
        );
    }
    match File::open(path).and_then(Cabinet::new).and_then(|mut cabinet| read_cab(&mut cabinet, is_strict)) {
        Ok(facts) => facts,
        Err(error) => unreadable(error),
    }
}

struct CabHeader {
    size: u64,
    is_signed: bool,
}

/// The size in a cabinet's header, and whether the header points to a signature.
fn cab_header(file: &mut File) -> io::Result<CabHeader> {
    let mut head = [0_u8; 60];
    let length = file.take(60).read(&mut head)?;
    let word = |at: usize| {
        head.get(at..at + 4).map_or(0, |b| b.iter().rev().fold(0_u64, |n, b| (n << 8) | u64::from(*b)))
    };
    if length < 36 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // Flag 4: a reserved area follows. In a signed cabinet it has 20 bytes and contains the size of the signature.
    let reserved = word(30) & 4 != 0 && word(36) & 0xffff >= 20;
    Ok(CabHeader { size: word(8), is_signed: reserved && word(48) > 0 })
}

/// The names of a cabinet's files.
pub(crate) fn cab_names<R: Read + Seek>(cabinet: &Cabinet<R>) -> Vec<String> {
    cabinet
        .folder_entries()
        .flat_map(|folder| folder.file_entries().map(|file| file.name().to_owned()))
        .collect()
}

fn read_cab(cabinet: &mut Cabinet<File>, is_strict: bool) -> io::Result<PackageFacts> {
    let names = cab_names(cabinet);
    if is_strict && names.iter().any(|name| !name.contains(['\\', '/'])) {
        return Ok(PackageFacts::failed(
            UploadFormat::Cab,
            "validation",
            "The cabinet has files at its root.",
        ));
    }
    let mut infs = Vec::new();
    for name in names.iter().filter(|name| is_inf(name)) {
        let mut bytes = Vec::new();
        cabinet.read_file(name)?.take(MAX_INF).read_to_end(&mut bytes)?;
        infs.push(package_inf(name, &bytes));
    }
    if infs.is_empty() {
        return Ok(PackageFacts::failed(
            UploadFormat::Cab,
            "validation",
            "The package does not contain an INF file.",
        ));
    }
    Ok(PackageFacts { failure: None, format: UploadFormat::Cab, infs, codes: Vec::new() })
}

fn zip_contents(path: &Path) -> PackageFacts {
    let opened = File::open(path).and_then(|file| ZipArchive::new(file).map_err(io::Error::other));
    match opened.and_then(|mut archive| read_zip(&mut archive)) {
        Ok((infs, codes)) => PackageFacts { failure: None, format: UploadFormat::Zip, infs, codes },
        Err(error) => PackageFacts::failed(
            UploadFormat::Zip,
            "packageInfoValidation",
            format!("The package could not be opened: {error}."),
        ),
    }
}

/// Finds INF files by name. An HLKX names its parts by GUIDs, so these are recognised by their content.
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
