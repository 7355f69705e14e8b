//! The downloads of a submission, created from its upload on the first request.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cab::Cabinet;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::app::App;
use crate::blob::store::ScratchFile;
use crate::lock::lock;
use crate::package::analysis::{analyze, cab_names, format};
use crate::package::metadata::{self, MetadataDownload};
use crate::package::package_facts::{PackageFacts, UploadFormat};
use crate::state::BlobKind;

/// Creates a download of a submission. Incomplete and completed driver metadata replace what was there.
pub(crate) async fn create(
    app: &Arc<App>,
    pid: u64,
    sid: u64,
    kind: BlobKind,
    download: MetadataDownload,
) -> io::Result<()> {
    let missing = || io::Error::other("the submission is gone");
    let analysis = analyze(app, pid, sid).await.ok_or_else(missing)?;
    let (name, upload, codes, triple, refused) = {
        let state = lock(&app.state);
        let product = state.products.get(&pid).ok_or_else(missing)?;
        let sub = product.submissions.get(&sid).ok_or_else(missing)?;
        let upload = app.blobs.content(&sub.blobs.initial);
        let triple = format!("{}_{pid}_{sid}", product.seller());
        let refused: Vec<String> =
            sub.labels.values().filter_map(|label| Some(label.refused.as_ref()?.why.clone())).collect();
        (sub.blobs.name(kind).to_owned(), upload, product.signatures(), triple, refused)
    };
    let quirks = app.quirks();
    let path = app.blobs.scratch_path();
    let write = move || -> io::Result<ScratchFile> {
        match kind {
            BlobKind::Signed => {
                let upload = upload.ok_or_else(missing)?;
                signed_zip(&upload.scratch.path, path, analysis.format, &triple)
            }
            BlobKind::Metadata => {
                let metadata = metadata::build(&analysis, &codes, sid, quirks);
                write(path, metadata::file(metadata, download, quirks).as_bytes())
            }
            BlobKind::Error => write(path, error_report(&analysis, &refused).as_bytes()),
            BlobKind::Shell | BlobKind::Initial => shell(path, &triple),
        }
    };
    let scratch = tokio::task::spawn_blocking(write).await.map_err(io::Error::other)??;
    if download == MetadataDownload::Usual {
        app.blobs.put_new(&name, scratch, app.clock.wall());
    } else {
        app.blobs.put(&name, scratch, app.clock.wall());
    }
    Ok(())
}

fn write(path: PathBuf, bytes: &[u8]) -> io::Result<ScratchFile> {
    std::fs::write(&path, bytes)?;
    Ok(ScratchFile { path, len: bytes.len() as u64 })
}

fn error_report(analysis: &PackageFacts, labels: &[String]) -> String {
    let submission = analysis
        .failure
        .iter()
        .map(|failure| format!("Step: {}\r\nResult: failed\r\n\r\n{}\r\n", failure.step, failure.message));
    let labels = labels.iter().map(|why| format!("Shipping label: failed\r\n\r\n{why}\r\n"));
    submission.chain(labels).collect()
}

/// Writes `drivers/<folder>/…` with the uploaded files, and catalogs that contain the ids of the submission.
fn signed_zip(upload: &Path, path: PathBuf, format: UploadFormat, triple: &str) -> io::Result<ScratchFile> {
    let mut zip = ZipWriter::new(File::create(&path)?);
    let mut names = match format {
        UploadFormat::Cab => copy_cab(upload, &mut zip)?,
        _ => copy_zip(upload, &mut zip)?,
    };
    names.sort();
    names.dedup();
    for name in names {
        entry(&mut zip, &name)?;
        write!(zip, "This stands for a catalog that Microsoft signed.\r\nSubmission ID = {triple}\r\n")?;
    }
    let len = zip.finish().map_err(io::Error::other)?.metadata()?.len();
    Ok(ScratchFile { path, len })
}

/// The same for a file of any format. A file that is not a package is added unchanged.
pub(crate) fn any_zip(upload: &Path, path: PathBuf, named: &str) -> io::Result<ScratchFile> {
    match format(upload)? {
        UploadFormat::Nothing => {
            let mut zip = ZipWriter::new(File::create(&path)?);
            entry(&mut zip, "drivers/package.bin")?;
            io::copy(&mut File::open(upload)?, &mut zip)?;
            let len = zip.finish().map_err(io::Error::other)?.metadata()?.len();
            Ok(ScratchFile { path, len })
        }
        format => signed_zip(upload, path, format, named),
    }
}

fn entry(zip: &mut ZipWriter<File>, name: &str) -> io::Result<()> {
    zip.start_file(name, SimpleFileOptions::default()).map_err(io::Error::other)
}

/// Path of a file in the signed package; `None` for a path that leads out of it.
fn path_in_zip_of(name: &str) -> Option<String> {
    let path = name.replace('\\', "/");
    // `find . | gcab` writes `./` before each name.
    let path = path.trim_start_matches("./");
    let safe = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    safe.then(|| format!("drivers/{path}"))
}

/// Copies the files of a cabinet. Returns the paths of the catalogs to write.
fn copy_cab(upload: &Path, zip: &mut ZipWriter<File>) -> io::Result<Vec<String>> {
    let mut cabinet = Cabinet::new(File::open(upload)?)?;
    let mut paths_in_zip = Vec::new();
    for name in cab_names(&cabinet) {
        let Some(path_in_zip) = path_in_zip_of(&name) else { continue };
        if !path_in_zip.to_ascii_lowercase().ends_with(".cat") {
            entry(zip, &path_in_zip)?;
            let size = cabinet.get_file_entry(&name).map_or(0, |file| u64::from(file.uncompressed_size()));
            let copied = io::copy(&mut cabinet.read_file(&name)?, zip)?;
            if copied != size {
                return Err(io::Error::other(format!(
                    "{name} in the cabinet ends after {copied} of {size} bytes"
                )));
            }
        }
        paths_in_zip.push(path_in_zip);
    }
    Ok(catalogues(&paths_in_zip))
}

/// The catalogs of the package, plus one for each folder with an INF but no catalog.
fn catalogues(paths: &[String]) -> Vec<String> {
    let has_extension = |path: &str, extension: &str| path.to_ascii_lowercase().ends_with(extension);
    let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let mut names: Vec<String> = paths.iter().filter(|path| has_extension(path, ".cat")).cloned().collect();
    for inf in paths.iter().filter(|path| has_extension(path, ".inf")) {
        if !names.iter().any(|name| folder(name) == folder(inf)) {
            let stem = inf.rsplit_once('.').map_or(inf.as_str(), |(stem, _)| stem);
            names.push(format!("{stem}.cat"));
        }
    }
    names
}

/// Copies the driver files of an HLKX: its data parts.
fn copy_zip(upload: &Path, zip: &mut ZipWriter<File>) -> io::Result<Vec<String>> {
    let mut archive = ZipArchive::new(File::open(upload)?).map_err(io::Error::other)?;
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(io::Error::other)?;
        let name = part.name().map_err(io::Error::other)?.into_owned();
        let lower = name.to_ascii_lowercase();
        let is_part = lower.starts_with("hck/data/") && !lower.ends_with(".xml");
        let is_driver = [".inf", ".sys", ".dll", ".exe", ".bin"].iter().any(|end| lower.ends_with(end));
        if part.is_dir() || !(is_part || is_driver) {
            continue;
        }
        let mut head = Vec::new();
        (&mut part).take(512).read_to_end(&mut head)?;
        let short = if is_part { name.rsplit('/').next().unwrap_or(&name) } else { &name };
        let Some(path_in_zip) = path_in_zip_of(&format!("package/{short}")) else {
            continue;
        };
        entry(zip, &path_in_zip)?;
        zip.write_all(&head)?;
        io::copy(&mut part, zip)?;
    }
    Ok(vec!["drivers/package/package.cat".to_owned()])
}

/// The shell package that a derived submission (driver update acceptable) starts from.
fn shell(path: PathBuf, triple: &str) -> io::Result<ScratchFile> {
    let mut zip = ZipWriter::new(File::create(&path)?);
    entry(&mut zip, "hck/data/PackageInfo.xml")?;
    write!(
        zip,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><PackageInfo shell=\"true\" submission=\"{triple}\"/>"
    )?;
    let len = zip.finish().map_err(io::Error::other)?.metadata()?.len();
    Ok(ScratchFile { path, len })
}
