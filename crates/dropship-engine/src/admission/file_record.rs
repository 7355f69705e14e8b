//! The record of an admitted file, by which it is recognised later.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use crate::digest;
use dropship_intake::{FileTime, Identity, Sidecar};

/// An admitted file. Its stored form is `STATE[@BIRTH][+SIDECAR[#DIGEST]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileRecord {
    /// Device, inode, size and times: equal while the file is unchanged.
    state: String,
    /// When the file was created, if its file system records that.
    birth: Option<String>,
    /// State and digest of the sidecar of a rejected package: another sidecar makes another package of the file.
    sidecar: Option<(String, String)>,
}

impl FileRecord {
    /// The record of a captured file.
    pub(super) fn new(identity: &Identity, birth: Option<FileTime>, sidecar: Option<&Sidecar>) -> Self {
        Self {
            state: text(identity),
            birth: birth.map(time),
            sidecar: sidecar.map(|sidecar| (text(&sidecar.identity), digest::of(&sidecar.bytes))),
        }
    }

    /// The record of the file with this metadata.
    pub(super) fn of_file(meta: &Metadata) -> Self {
        Self::new(&Identity::from(meta), FileTime::of_birth(meta), None)
    }

    /// Reads the stored form.
    pub(super) fn parse(stored: &str) -> Self {
        let (file, sidecar) =
            stored.split_once('+').map_or((stored, None), |(file, rest)| (file, Some(rest)));
        let (state, birth) = file.split_once('@').map_or((file, None), |(state, birth)| (state, Some(birth)));
        let sidecar = sidecar.map(|sidecar| sidecar.split_once('#').unwrap_or((sidecar, "")));
        Self {
            state: state.to_owned(),
            birth: birth.map(str::to_owned),
            sidecar: sidecar.map(|(state, digest)| (state.to_owned(), digest.to_owned())),
        }
    }

    /// The stored form.
    pub(super) fn stored(&self) -> String {
        let mut stored = self.state.clone();
        if let Some(birth) = &self.birth {
            stored += &format!("@{birth}");
        }
        if let Some((state, digest)) = &self.sidecar {
            stored += &format!("+{state}#{digest}");
        }
        stored
    }

    /// Whether file and sidecar are unchanged. A missing sidecar is not a change.
    pub(super) fn is_unchanged(&self, identity: &Identity, sidecar: Option<&Identity>) -> bool {
        let recorded_sidecar = self.sidecar.as_ref().map(|(state, _)| state);
        self.state == text(identity)
            && recorded_sidecar.zip(sidecar).is_none_or(|(recorded, now)| *recorded == text(now))
    }

    /// Whether both are the same file, in any state and under any name. The device is not compared: its number may differ
    /// after a restart. On a share the inode number may differ too, and elsewhere a new file may reuse it, so the time of
    /// creation decides where it is known.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        match (&self.birth, &other.birth) {
            (Some(one), Some(two)) => one == two,
            _ => self.inode() == other.inode(),
        }
    }

    /// Whether a sidecar beside the file has other content than it had.
    pub(super) fn has_other_sidecar(&self, sidecar: Option<&Sidecar>) -> bool {
        let recorded = self.sidecar.as_ref().map(|(_, digest)| digest.as_str());
        recorded.zip(sidecar).is_some_and(|(recorded, now)| recorded != digest::of(&now.bytes))
    }

    /// The inode number; `None` in a record that cannot be read.
    pub(super) fn inode(&self) -> Option<u64> {
        self.state.split(':').nth(1)?.parse().ok()
    }

    /// Whether the metadata is that of this file.
    pub(super) fn is_file(&self, meta: &Metadata) -> bool {
        meta.is_file() && meta.nlink() > 0 && self.is_same_file(&Self::of_file(meta))
    }
}

fn text(identity: &Identity) -> String {
    let Identity { dev, ino, size, mtime, ctime } = identity;
    format!("{dev}:{ino}:{size}:{}:{}", time(*mtime), time(*ctime))
}

fn time(time: FileTime) -> String {
    format!("{}.{:09}", time.secs, time.nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(ino: u64, ctime: i64) -> Identity {
        let time = |secs| FileTime { secs, nanos: 5 };
        Identity { dev: 1, ino, size: 3, mtime: time(1), ctime: time(ctime) }
    }

    fn sidecar(bytes: &[u8]) -> Sidecar {
        Sidecar { path: "/in/a.cab.toml".into(), identity: identity(9, 1), bytes: bytes.to_vec() }
    }

    #[test]
    fn record_reads_back() {
        let birth = Some(FileTime { secs: 7, nanos: 8 });
        for (birth, sidecar) in
            [(None, None), (birth, None), (None, Some(sidecar(b"x"))), (birth, Some(sidecar(b"")))]
        {
            let record = FileRecord::new(&identity(2, 1), birth, sidecar.as_ref());
            assert_eq!(FileRecord::parse(&record.stored()), record, "{}", record.stored());
        }
    }

    #[test]
    fn file_is_the_same_by_its_creation_or_else_by_its_inode() {
        let birth = |secs| Some(FileTime { secs, nanos: 0 });
        let record = |ino, ctime, birth| FileRecord::new(&identity(ino, ctime), birth, None);
        assert!(record(2, 1, None).is_same_file(&record(2, 9, None)));
        assert!(!record(2, 1, None).is_same_file(&record(3, 1, None)));
        assert!(record(2, 1, birth(4)).is_same_file(&record(2, 9, birth(4))));
        assert!(!record(2, 1, birth(4)).is_same_file(&record(2, 1, birth(5))), "the inode number is reused");
        assert!(record(2, 1, birth(4)).is_same_file(&record(3, 1, birth(4))), "a share numbers inodes again");
    }

    #[test]
    fn sidecar_differs_by_its_content() {
        let record = FileRecord::new(&identity(2, 1), None, Some(&sidecar(b"one")));
        assert!(!record.has_other_sidecar(Some(&sidecar(b"one"))) && !record.has_other_sidecar(None));
        assert!(record.has_other_sidecar(Some(&sidecar(b"two"))));
        assert!(!FileRecord::new(&identity(2, 1), None, None).has_other_sidecar(Some(&sidecar(b"two"))));
    }
}
