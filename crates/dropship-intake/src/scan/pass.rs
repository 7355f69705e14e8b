//! One pass over a folder. Finds the oldest files that the receiver does not know yet, in bounded memory.

use std::collections::{BinaryHeap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use dropship_shared_folder::SharedFolder;
use rustix::fs::{AtFlags, FileType, RawDir, statat};

use crate::candidates::Candidates;
use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;
use crate::ignored::IgnoredFiles;
use crate::known_files::KnownFiles;
use crate::names::{NameClass, is_temporary};
use crate::open::{folder_below, is_absent};
use crate::{FileTime, FolderState, Identity};

/// Maximum number of files that one pass finds. Another pass continues after the last of them.
pub(crate) const MAX_FOUND: usize = 4096;

/// Maximum number of directories of a folder that are read and watched.
const MAX_DIRS: usize = 65_536;

/// Maximum number of issues that a pass reports: others may create any number of subfolders that cannot be read.
const MAX_ISSUES: usize = 16;

/// Size in bytes of the buffer for directory entries, which is on the stack: for some hundred entries, of which each needs a system
/// call of its own.
const ENTRIES_BUFFER: usize = 8 * 1024;

/// Position in the order of a scan: oldest first, then by path.
pub(crate) type ScanCursor = (FileTime, PathBuf);

/// The state of a folder that is kept between scans.
#[derive(Debug, Default)]
pub(crate) struct FolderMemory {
    pub(crate) candidates: Candidates,
    pub(crate) known: KnownFiles,
}

/// The result of a pass.
#[derive(Debug, Default)]
pub(super) struct PassOutcome {
    /// Unknown files after the given cursor, oldest first.
    pub(super) found: Vec<ScanCursor>,
    /// There are more than these.
    pub(super) has_more: bool,
    /// Files that `exclude` leaves out.
    pub(super) ignored: IgnoredFiles,
    /// Directories that were read.
    pub(super) dirs: HashSet<PathBuf>,
    /// Devices of these, that of the folder first.
    pub(super) devs: Vec<u64>,
    /// Directories that could not be read or watched.
    pub(super) issues: Vec<FolderIssue>,
    /// A directory could not be watched.
    pub(super) is_unwatched: bool,
    /// A directory could not be read to its end.
    pub(super) is_broken: bool,
}

impl PassOutcome {
    fn report(&mut self, issue: FolderIssue) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(issue);
        }
    }
}

/// Reads `start` and, in a recursive folder, its subfolders. Watches each directory before reading it. Blocks on the file
/// system.
pub(super) fn run(
    context: &FolderContext,
    memory: &mut FolderMemory,
    start: &Path,
    after: Option<&ScanCursor>,
    number: u64,
) -> PassOutcome {
    let mut walk = PassWalk {
        context,
        candidates: &memory.candidates,
        known: &mut memory.known,
        after,
        number,
        unread: vec![start.to_owned()],
        collector: PassCollector::default(),
    };
    while let Some(dir) = walk.unread.pop() {
        walk.visit(&dir);
    }
    walk.collector.finish()
}

/// Keeps the oldest files that a pass finds.
#[derive(Default)]
struct PassCollector {
    outcome: PassOutcome,
    oldest: BinaryHeap<ScanCursor>,
}

impl PassCollector {
    fn add(&mut self, file: ScanCursor) {
        self.oldest.push(file);
        if self.oldest.len() > MAX_FOUND {
            self.oldest.pop();
            self.outcome.has_more = true;
        }
    }

    fn finish(self) -> PassOutcome {
        PassOutcome { found: self.oldest.into_sorted_vec(), ..self.outcome }
    }
}

/// A pass under way.
struct PassWalk<'a> {
    context: &'a FolderContext,
    candidates: &'a Candidates,
    known: &'a mut KnownFiles,
    after: Option<&'a ScanCursor>,
    number: u64,
    /// Directories to read.
    unread: Vec<PathBuf>,
    collector: PassCollector,
}

impl PassWalk<'_> {
    fn visit(&mut self, dir: &Path) {
        let read =
            watch(self.context, dir, &mut self.collector.outcome).and_then(|folder| self.read(dir, &folder));
        if let Err(error) = read {
            // A subfolder may have been removed or replaced in the meantime; the folder itself may not.
            if is_absent(&error) && dir != self.context.spec.path {
                return;
            }
            self.collector.outcome.is_broken = true;
            self.collector.outcome.report(FolderIssue::unreadable(dir, &error));
        }
    }

    fn read(&mut self, dir: &Path, folder: &SharedFolder) -> io::Result<()> {
        let opened = folder.readable()?;
        let mut buffer = [const { MaybeUninit::uninit() }; ENTRIES_BUFFER];
        let mut entries = RawDir::new(&opened, &mut buffer);
        // All paths are built in one buffer, so that known files cost no allocation.
        let mut path = dir.join("").into_os_string().into_vec();
        let prefix = path.len();
        while let Some(entry) = entries.next() {
            self.context.progress.advance();
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            let kind = entry.file_type();
            if name == "." || name == ".." {
                continue;
            }
            // Name and type are checked first, because they need no system call. Some file systems do not report the type.
            let class = match kind {
                FileType::RegularFile | FileType::Unknown => self.context.classify(name),
                _ => NameClass::Other,
            };
            let is_subfolder =
                matches!(kind, FileType::Directory | FileType::Unknown) && self.may_descend_into(dir, name);
            if class == NameClass::Other && !is_subfolder {
                continue;
            }
            path.truncate(prefix);
            path.extend_from_slice(name.as_bytes());
            let path = Path::new(OsStr::from_bytes(&path));
            if kind == FileType::Directory {
                self.descend(path);
                continue;
            }
            // The entry may have been replaced since, for example by a symbolic link.
            let stat = match statat(&opened, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(rustix::io::Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            match (FileType::from_raw_mode(stat.st_mode), class) {
                (FileType::RegularFile, NameClass::Package) => {
                    self.visit_package(folder, path, Identity::from(&stat));
                }
                (FileType::RegularFile, NameClass::Excluded) => {
                    self.collector.outcome.ignored.insert(path, Identity::from(&stat).ctime);
                }
                (FileType::Directory, _) if is_subfolder => self.descend(path),
                _ => {}
            }
        }
        Ok(())
    }

    fn may_descend_into(&self, dir: &Path, name: &OsStr) -> bool {
        self.context.may_descend(dir) && !is_temporary(name)
    }

    fn descend(&mut self, subfolder: &Path) {
        if self.collector.outcome.dirs.len() + self.unread.len() < MAX_DIRS {
            return self.unread.push(subfolder.to_owned());
        }
        let outcome = &mut self.collector.outcome;
        // The files in the others are not seen, which is no proof that they are gone.
        if !std::mem::replace(&mut outcome.is_broken, true) {
            let root = &self.context.spec.path;
            outcome.report(FolderIssue::degraded(
                format!("{} has more than {MAX_DIRS} subfolders; the others are not read", root.display()),
                "remove subfolders that are not needed, or set `recursive = false`",
            ));
        }
    }

    fn visit_package(&mut self, folder: &SharedFolder, path: &Path, identity: Identity) {
        let context = self.context;
        let sidecar = context.sidecar_path(path).and_then(|sidecar| {
            let meta = folder.metadata(sidecar.file_name()?).ok()?;
            meta.is_file().then(|| Identity::from(&meta))
        });
        if context.receiver.is_known(&context.spec.name, path, &identity, sidecar.as_ref()) {
            self.known.record_seen(&context.spec.path, path, identity.dev, self.number);
            return;
        }
        let is_waiting = self.candidates.get(path).is_some_and(|known| known.identity == identity);
        let file = (identity.mtime, path.to_owned());
        if !is_waiting && self.after.is_none_or(|after| file > *after) {
            self.collector.add(file);
        }
    }
}

/// Watches a directory and opens it. The caller reads it afterwards, so that no change is lost. Repeats if the directory is
/// replaced during the call.
///
/// The kernel is given a path for the watch. Should others replace a component of it for just that moment, another directory is
/// watched: its events are only hints, and no name of them is looked up outside of the folder.
fn watch(context: &FolderContext, dir: &Path, outcome: &mut PassOutcome) -> io::Result<SharedFolder> {
    let root = &context.spec.path;
    for _ in 0..3 {
        let folder = folder_below(root, dir)?;
        let (dev, ino) = folder.identity()?;
        let watched = context.watcher.ensure(dir, dev, ino, &context.pending);
        // A directory that was watched before is the same one, as in most scans.
        let was_watched = matches!(watched, Ok(false));
        if !was_watched && folder_below(root, dir)?.identity()? != (dev, ino) {
            continue;
        }
        match watched {
            Ok(true) => context.status().events_since = Some(FileTime::now()),
            Ok(false) => {}
            Err(issue) => {
                outcome.is_unwatched |= issue.state == FolderState::Polling;
                outcome.report(issue);
            }
        }
        if !outcome.devs.contains(&dev) {
            outcome.devs.push(dev);
        }
        outcome.dirs.insert(dir.to_owned());
        return Ok(folder);
    }
    Err(io::Error::other("it is replaced again and again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collector_keeps_the_oldest_files_in_order_and_reports_that_there_are_more() {
        let file = |secs| (FileTime { secs, nanos: 0 }, PathBuf::from(secs.to_string()));
        let max = i64::try_from(MAX_FOUND).unwrap();
        let mut collector = PassCollector::default();
        (0..2 * max).rev().for_each(|secs| collector.add(file(secs)));
        let outcome = collector.finish();
        assert_eq!(outcome.found, (0..max).map(file).collect::<Vec<_>>());
        assert!(outcome.has_more);
    }
}
