//! One pass over a folder: the oldest files that the desk does not know yet, in bounded memory.

use std::collections::{BinaryHeap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, open, statat};

use super::candidates::Candidates;
use super::health::Trouble;
use super::known::{Known, Sightings};
use super::names::is_temporary;
use super::shared::Shared;
use super::stack::Stack;
use super::{Identity, Stamp};

/// Most files that one pass brings; a folder with more is passed over again, from there on.
pub(super) const CHUNK: usize = 4096;
/// Bytes of directory entries that the kernel is asked for at once.
const ENTRIES: usize = 64 * 1024;

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
    /// A directory could not be read to its end.
    pub(super) broken: bool,
}

/// Goes through `start` and, if the folder is recursive, what lies below; each directory is watched first.
///
/// Blocks on the file system. Two go through a tree at the same time: most of a look is the kernel's work.
pub(super) fn pass(
    shared: &Shared,
    memory: &mut Memory,
    start: &Path,
    after: Option<&Age>,
    look: u64,
) -> Pass {
    let walk = Walk {
        shared,
        candidates: &memory.candidates,
        known: Mutex::new(&mut memory.known),
        after,
        look,
        stack: Stack::of(start.to_owned()),
    };
    let mut one = Hand::default();
    // Alone until there is work for two.
    while walk.stack.len() == 1 {
        if let Some((dir, _done)) = walk.stack.take() {
            walk.go_through(&dir, &mut one);
        }
    }
    let mut other = Hand::default();
    if walk.stack.len() > 1 {
        std::thread::scope(|scope| {
            // Where no thread is to be had, one does it all.
            let another = std::thread::Builder::new().spawn_scoped(scope, || walk.run(&mut other));
            if let Err(error) = another {
                tracing::debug!(%error, "no second thread for a look");
            }
            walk.run(&mut one);
        });
    }
    one.join(other)
}

/// One pass under way.
struct Walk<'a> {
    shared: &'a Shared,
    candidates: &'a Candidates,
    known: Mutex<&'a mut Known>,
    after: Option<&'a Age>,
    look: u64,
    /// Directories that are still to be read.
    stack: Stack<PathBuf>,
}

/// What one of those who go through it has found.
#[derive(Default)]
struct Hand {
    pass: Pass,
    oldest: BinaryHeap<Age>,
}

impl Hand {
    fn put(&mut self, age: Age) {
        self.oldest.push(age);
        if self.oldest.len() > CHUNK {
            self.oldest.pop();
            self.pass.more = true;
        }
    }

    fn join(mut self, other: Self) -> Pass {
        other.oldest.into_iter().for_each(|age| self.put(age));
        let Self { mut pass, oldest } = self;
        pass.found = oldest.into_sorted_vec();
        pass.more |= other.pass.more;
        pass.dirs.extend(other.pass.dirs);
        // That of the folder itself stays the first.
        for dev in other.pass.devs {
            if !pass.devs.contains(&dev) {
                pass.devs.push(dev);
            }
        }
        pass.troubles.extend(other.pass.troubles);
        pass.broken |= other.pass.broken;
        pass
    }
}

impl Walk<'_> {
    fn run(&self, hand: &mut Hand) {
        while let Some((dir, _done)) = self.stack.take() {
            self.go_through(&dir, hand);
        }
    }

    fn go_through(&self, dir: &Path, hand: &mut Hand) {
        if let Err(error) = self.read(dir, hand) {
            // A subfolder that went away meanwhile is no trouble, the folder itself is.
            if error.kind() == io::ErrorKind::NotFound && dir != self.shared.spec.path {
                return;
            }
            hand.pass.broken = true;
            hand.pass.troubles.push(Trouble::unreadable(dir, &error));
        }
    }

    fn read(&self, dir: &Path, hand: &mut Hand) -> io::Result<()> {
        watch(self.shared, dir, &mut hand.pass)?;
        let opened = open(dir, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut buffer = Vec::with_capacity(ENTRIES);
        let mut entries = RawDir::new(&opened, buffer.spare_capacity_mut());
        let mut sightings = Sightings::new(&self.shared.spec.path);
        // One path for all: what is known costs no memory.
        let mut path = dir.join("").into_os_string().into_vec();
        let above = path.len();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            let kind = entry.file_type();
            if name == "." || name == ".." || !self.may_matter(dir, name, kind) {
                continue;
            }
            path.truncate(above);
            path.extend_from_slice(name.as_bytes());
            let path = Path::new(OsStr::from_bytes(&path));
            if kind == FileType::Directory {
                self.stack.put(path.to_owned());
                continue;
            }
            // Does not follow links: the type may have changed since.
            let stat = match statat(&opened, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(rustix::io::Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile if kind == FileType::RegularFile || self.shared.takes(name) => {
                    self.sort(path, Identity::from(&stat), &mut sightings, hand);
                }
                FileType::Directory if self.descends(dir, name) => self.stack.put(path.to_owned()),
                _ => {}
            }
        }
        self.record(&mut sightings);
        Ok(())
    }

    /// Names first: what cannot be a package costs no system call.
    fn may_matter(&self, dir: &Path, name: &OsStr, kind: FileType) -> bool {
        match kind {
            FileType::Directory => self.descends(dir, name),
            FileType::RegularFile => self.shared.takes(name),
            // Some file systems do not say.
            FileType::Unknown => self.descends(dir, name) || self.shared.takes(name),
            _ => false,
        }
    }

    fn descends(&self, dir: &Path, name: &OsStr) -> bool {
        self.shared.may_descend(dir) && !is_temporary(name)
    }

    fn sort(&self, path: &Path, identity: Identity, sightings: &mut Sightings<'_>, hand: &mut Hand) {
        let sidecar = self.shared.sidecar(path);
        if self.shared.desk.knows(&self.shared.spec.name, path, &identity, sidecar.as_ref()) {
            if sightings.put(path, identity.dev) {
                self.record(sightings);
            }
            return;
        }
        let waits = self.candidates.get(path).is_some_and(|known| known.identity == identity);
        let age = (identity.mtime, path.to_owned());
        if !waits && self.after.is_none_or(|after| age > *after) {
            hand.put(age);
        }
    }

    fn record(&self, sightings: &mut Sightings<'_>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).record(sightings, self.look);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_found_is_put_together_oldest_first_and_bounded() {
        let age = |secs| (Stamp { secs, nanos: 0 }, PathBuf::from(secs.to_string()));
        let (mut one, mut other) = (Hand::default(), Hand::default());
        let many = i64::try_from(CHUNK).unwrap();
        (0..many).for_each(|secs| one.put(age(2 * secs)));
        (0..many).for_each(|secs| other.put(age(2 * secs + 1)));
        (one.pass.devs, other.pass.devs) = (vec![9, 7], vec![3, 9]);
        let trouble = Trouble::polling("no watches", "raise the limit");
        (other.pass.broken, other.pass.troubles) = (true, vec![trouble.clone()]);
        let pass = one.join(other);
        assert_eq!(pass.found, (0..many).map(age).collect::<Vec<_>>());
        assert_eq!((pass.more, pass.broken, pass.devs), (true, true, vec![9, 7, 3]));
        assert_eq!(pass.troubles, [trouble]);
        let mut other = Hand::default();
        other.pass.more = true;
        assert!(Hand::default().join(other).more, "the other had to leave some");
    }
}
