//! Where captured packages are if several nodes share them without a common folder.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use dropship_job::JobId;

/// Objects on storage that all nodes reach. Names are those of `names.rs`. Methods block.
///
/// While the storage does not respond, methods fail with [`io::ErrorKind::NotConnected`].
#[expect(clippy::missing_errors_doc, reason = "all methods have the same errors, named above once")]
pub trait PackageObjects: Debug + Send + Sync {
    /// The address, for messages.
    fn place(&self) -> String;

    /// Why the storage does not respond, while it does not.
    fn away(&self) -> Option<String>;

    /// Writes a file as a new object; returns when it was read again. If there is one of the name, it has the same bytes; otherwise
    /// this fails with [`io::ErrorKind::InvalidData`].
    fn put_new(&self, name: &str, file: &Path) -> io::Result<()>;

    /// Writes a small object, in place of one of its name.
    fn put(&self, name: &str, bytes: Vec<u8>) -> io::Result<()>;

    /// Writes what `change` makes of a small object (`None`: there is none), and reads it again. If another node writes it in between,
    /// `change` is called again. Returns whether it was written: not if `change` returns `None`.
    fn update(&self, name: &str, max_bytes: u64, change: &mut ObjectChange<'_>) -> io::Result<bool>;

    /// A small object; `None`: there is none.
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Small objects, each with at most so many bytes. One that does not exist, or is longer, is `None`.
    fn get_many(&self, names: &[String], max_bytes: u64) -> io::Result<Vec<Option<Vec<u8>>>>;

    /// Writes an object to a file. One with more than `max_bytes` bytes is cut off.
    fn fetch(&self, name: &str, to: File, max_bytes: u64) -> io::Result<CopyFacts>;

    /// Reads an object; [`io::ErrorKind::NotFound`]: there is none.
    fn facts(&self, name: &str) -> io::Result<CopyFacts>;

    /// The folders: ids of jobs, and that of the deliveries.
    fn folders(&self) -> io::Result<Vec<String>>;

    /// The folders below this one that have an object of this name; an empty name is the whole place.
    fn folders_with(&self, below: &str, name: &str) -> io::Result<Vec<String>>;

    /// The names of the objects in a folder, without the folder, and when each was written.
    fn names(&self, folder: &str) -> io::Result<Vec<(String, SystemTime)>>;

    /// Deletes an object, if there is one.
    fn delete(&self, name: &str) -> io::Result<()>;

    /// Deletes all objects in a folder.
    fn delete_folder(&self, folder: &str) -> io::Result<()>;
}

/// The new bytes of an object, from those that it has; none to leave it as it is.
pub type ObjectChange<'a> = dyn FnMut(Option<&[u8]>) -> io::Result<Option<Vec<u8>>> + 'a;

/// Digest and size of a captured copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFacts {
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// Names of objects.
pub(super) mod names {
    use super::JobId;

    pub(crate) fn package(job: &JobId) -> String {
        format!("{job}/package")
    }

    /// A plan is never changed: a new one has another digest.
    pub(crate) fn plan(job: &JobId, digest: &str) -> String {
        format!("{job}/plan-{digest}.json")
    }

    pub(crate) fn rejected(job: &JobId) -> String {
        format!("{job}/rejected.json")
    }

    pub(crate) fn metadata(job: &JobId) -> String {
        format!("{job}/driver-metadata.json")
    }

    /// The digest in the name of a plan.
    pub(crate) fn digest_of_plan(name: &str) -> Option<&str> {
        name.strip_prefix("plan-")?.strip_suffix(".json")
    }
}
