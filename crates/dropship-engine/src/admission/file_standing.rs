//! Why a file in a drop folder has no job yet, for `dropship wait FILE`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::file_record::FileRecord;
use super::state::Admission;
use dropship_config::model::Folder;
use dropship_glob::Glob;
use dropship_intake::{FileReceiver, Identity, NameClass, NameFilter, metadata_below, open_below};
use dropship_job::JobId;
use dropship_package::{Completeness, Kind, completeness_of_file};
use dropship_shared_folder::hung_places;
use dropship_store::{KnownFile, StoreError, path_key};

/// Maximum time to examine a file.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The state of a file, as the daemon sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStanding {
    /// Name of the folder that contains the file.
    pub folder: Option<String>,
    /// Whether the daemon still has to decide about the file in its present state.
    pub is_awaited: bool,
    /// Why the file has no job, or not yet.
    pub why: String,
    /// Its job, if the daemon has decided about the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

impl Admission {
    /// The state of the file at a path, as the daemon sees it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn file_standing(&self, path: &Path) -> Result<FileStanding, StoreError> {
        let active = self.active();
        let path_text = path.display();
        let Some((folder, path)) =
            active.config.folders_here().find_map(|folder| Some((folder, below(folder, path)?)))
        else {
            let folders = active.config.folders_here();
            let folders: Vec<_> =
                folders.map(|folder| format!("`{}` ({})", folder.name, folder.path.display())).collect();
            let why = format!(
                "no folder contains {path_text}; the folders are {}; drop the package there, or use `dropship submit`",
                folders.join(", ")
            );
            return Ok(FileStanding { why, ..FileStanding::default() });
        };
        let standing = |is_awaited: bool, why: String| FileStanding {
            folder: Some(folder.name.clone()),
            is_awaited,
            why,
            job: None,
        };
        if let Some(why) = why_never_taken(folder, &path) {
            return Ok(standing(false, format!("{path_text} is never taken: {why}")));
        }
        let (root, file_path) = (folder.path.clone(), path.clone());
        let file = hung_places::within(&folder.path, MAX_WAIT, move || examine(&root, &file_path)).flatten();
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                let (is_awaited, why) = match error.kind() {
                    io::ErrorKind::NotFound => (
                        false,
                        format!("there is no file {path_text}; the daemon may have moved or deleted it"),
                    ),
                    io::ErrorKind::InvalidInput | io::ErrorKind::NotADirectory => {
                        (false, format!("{path_text} is not a regular file, or is below a link"))
                    }
                    _ => (true, format!("the daemon cannot read {path_text}: {error}")),
                };
                return Ok(standing(is_awaited, why));
            }
        };
        let known = self.store.known_file(&folder.name, &path_key(&path))?;
        let is_unchanged =
            |known: &KnownFile| FileRecord::parse(&known.identity).is_unchanged(&file.identity, None);
        if let Some(known) = known.filter(is_unchanged) {
            let why = format!("the daemon has decided about {path_text}");
            return Ok(FileStanding { job: Some(known.job), ..standing(false, why) });
        }
        let why = self.why_waiting(folder, &file);
        Ok(standing(true, format!("{path_text} in folder `{}` is not taken yet: {why}", folder.name)))
    }

    /// Why a file that can be taken was not taken yet.
    fn why_waiting(&self, folder: &Folder, file: &ExaminedFile) -> String {
        if let Err(full) = self.capacity(&folder.name) {
            return full.reason;
        }
        match &file.completeness {
            Err(error) => format!("the daemon cannot read it: {error}"),
            Ok(Some(Completeness::Incomplete { have, need })) => {
                format!("it is incomplete, with {have} of {need} bytes")
            }
            Ok(Some(Completeness::NotAPackage { reason })) => {
                format!("{reason}; it is rejected once it has not changed for {:?}", folder.settle)
            }
            Ok(_) if file.identity.size == 0 => "it is empty".to_owned(),
            Ok(_) => format!(
                "it waits until it has not changed for {:?} and no process writes to it",
                folder.settle
            ),
        }
    }
}

/// A regular file as it is now.
struct ExaminedFile {
    identity: Identity,
    /// By the header of the file; `None` if its name is not the name of a package.
    completeness: io::Result<Option<Completeness>>,
}

/// Examines the file at `path`, which others can replace at any time.
fn examine(root: &Path, path: &Path) -> io::Result<ExaminedFile> {
    let meta = metadata_below(root, path)?;
    if !meta.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let kind = path.file_name().and_then(|name| Kind::of_name(&name.to_string_lossy()));
    let read = |kind| completeness_of_file(&open_below(root, path)?.0, kind);
    Ok(ExaminedFile { identity: Identity::from(&meta), completeness: kind.map(read).transpose() })
}

/// The path of a file below a folder, as intake names it.
fn below(folder: &Folder, path: &Path) -> Option<PathBuf> {
    if let Ok(rest) = path.strip_prefix(&folder.path) {
        return Some(folder.path.join(rest));
    }
    let root = folder.path.clone();
    let real = hung_places::within(&folder.path, MAX_WAIT, move || fs::canonicalize(root)).ok()?.ok()?;
    path.strip_prefix(&real).ok().map(|rest| folder.path.join(rest))
}

/// Why no file of this name is ever taken.
fn why_never_taken(folder: &Folder, path: &Path) -> Option<String> {
    let levels = path.strip_prefix(&folder.path).ok()?.components().count().saturating_sub(1);
    if levels > folder.levels() {
        return Some(format!(
            "folder `{}` does not include subfolders of that depth (`recursive`)",
            folder.name
        ));
    }
    let name = path.file_name()?;
    let text = name.to_string_lossy();
    match NameFilter::new(&folder.include, &folder.exclude).ok()?.classify(name) {
        NameClass::Package => None,
        NameClass::Excluded => {
            let matches = |pattern: &&String| Glob::new(pattern).is_ok_and(|glob| glob.is_match(&text));
            let pattern = folder.exclude.iter().find(matches).map(String::as_str).unwrap_or_default();
            Some(format!("`exclude` of folder `{}` has `{pattern}`", folder.name))
        }
        NameClass::Other => {
            let include = folder.include.join("`, `");
            Some(format!(
                "`include` of folder `{}` has `{include}`, or the name is that of an unfinished file",
                folder.name
            ))
        }
    }
}
