//! One pass over a folder: the oldest files that the desk does not know yet, in bounded memory.

use std::collections::{BinaryHeap, HashSet};
use std::ffi::OsString;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::candidates::Candidates;
use super::health::Trouble;
use super::known::Known;
use super::names::is_temporary;
use super::shared::Shared;
use super::{Identity, Stamp};

/// Most files that one pass brings; a folder with more is passed over again, from there on.
pub(super) const CHUNK: usize = 4096;

/// Oldest first, then by name: also how far a look has come.
pub(super) type Age = (Stamp, PathBuf);

/// What one folder remembers between looks.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) candidates: Candidates,
    pub(super) known: Known,
}

/// What a pass found.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Unknown files after the given age, oldest first.
    pub(super) found: Vec<Age>,
    /// There are more than were brought.
    pub(super) more: bool,
    /// Directories that were read.
    pub(super) dirs: HashSet<PathBuf>,
    /// Devices that they lie on.
    pub(super) devs: Vec<u64>,
    /// Directories that could not be read, or watched.
    pub(super) troubles: Vec<Trouble>,
    /// Every directory was read to its end.
    pub(super) complete: bool,
}

/// Goes through `start` and, if the folder is recursive, what lies below; each directory is watched first.
///
/// Blocks on the file system.
pub(super) fn pass(
    shared: &Shared,
    memory: &mut Memory,
    start: &Path,
    after: Option<&Age>,
    look: u64,
) -> Pass {
    let mut pass = Pass { complete: true, ..Pass::default() };
    let mut oldest = BinaryHeap::<Age>::new();
    let mut stack = vec![start.to_owned()];
    while let Some(dir) = stack.pop() {
        if let Err(error) = read(shared, memory, &dir, after, look, &mut pass, &mut oldest, &mut stack) {
            // A subfolder that went away meanwhile is no trouble, the folder itself is.
            if error.kind() == io::ErrorKind::NotFound && dir != shared.spec.path {
                continue;
            }
            pass.complete = false;
            pass.troubles.push(Trouble::unreadable(&dir, &error));
        }
    }
    pass.found = oldest.into_sorted_vec();
    pass
}

#[expect(clippy::too_many_arguments, reason = "the state of one pass, passed down one level")]
fn read(
    shared: &Shared,
    memory: &mut Memory,
    dir: &Path,
    after: Option<&Age>,
    look: u64,
    pass: &mut Pass,
    oldest: &mut BinaryHeap<Age>,
    stack: &mut Vec<PathBuf>,
) -> io::Result<()> {
    watch(shared, dir, pass)?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        match sort(shared, dir, &entry)? {
            Entry::Directory => stack.push(entry.path()),
            Entry::File(path, meta) => {
                let identity = Identity::from(&meta);
                let sidecar = shared.sidecar(&path);
                if shared.desk.knows(&shared.spec.name, &path, &identity, sidecar.as_ref()) {
                    memory.known.seen(&shared.spec.path, &path, identity.dev, look);
                    continue;
                }
                let age = (identity.mtime, path);
                let waits = memory.candidates.get(&age.1).is_some_and(|known| known.identity == identity);
                if waits || after.is_some_and(|after| age <= *after) {
                    continue;
                }
                oldest.push(age);
                if oldest.len() > CHUNK {
                    oldest.pop();
                    pass.more = true;
                }
            }
            Entry::Other => {}
        }
    }
    Ok(())
}

/// Watches first and looks then, so nothing falls in between; again if the directory was replaced meanwhile.
fn watch(shared: &Shared, dir: &Path, pass: &mut Pass) -> io::Result<()> {
    for _ in 0..3 {
        let meta = std::fs::metadata(dir)?;
        let watched = shared.watcher.ensure(dir, meta.dev(), meta.ino(), &shared.hints);
        let after = std::fs::metadata(dir)?;
        if (after.dev(), after.ino()) != (meta.dev(), meta.ino()) {
            continue;
        }
        match watched {
            Ok(true) => shared.status().told_since = Some(Stamp::now()),
            Ok(false) => {}
            Err(trouble) => pass.troubles.push(trouble),
        }
        if !pass.devs.contains(&meta.dev()) {
            pass.devs.push(meta.dev());
        }
        pass.dirs.insert(dir.to_owned());
        return Ok(());
    }
    Err(io::Error::other("it is being replaced all the time"))
}

enum Entry {
    Directory,
    File(PathBuf, Metadata),
    Other,
}

/// Names first: what cannot be a package costs no system call.
fn sort(shared: &Shared, dir: &Path, entry: &DirEntry) -> io::Result<Entry> {
    let name: OsString = entry.file_name();
    let kind = match entry.file_type() {
        Ok(kind) => kind,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entry::Other),
        Err(error) => return Err(error),
    };
    if kind.is_dir() {
        let wanted = shared.may_descend(dir) && !is_temporary(&name);
        return Ok(if wanted { Entry::Directory } else { Entry::Other });
    }
    if !kind.is_file() || !shared.takes(&name) {
        return Ok(Entry::Other);
    }
    // Does not follow links: the type may have changed since.
    match entry.metadata() {
        Ok(meta) if meta.is_file() => Ok(Entry::File(entry.path(), meta)),
        Ok(_) => Ok(Entry::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Entry::Other),
        Err(error) => Err(error),
    }
}
