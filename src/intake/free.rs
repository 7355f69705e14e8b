//! Free space that the store keeps.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Keeps so much of a disk free.
#[derive(Debug, Clone)]
pub struct Free {
    path: PathBuf,
    keep: u64,
}

/// There is less than what is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    path: PathBuf,
    free: u64,
    keep: u64,
    need: u64,
}

impl Free {
    /// Keeps `keep` bytes free on the disk that `path` lies on.
    #[must_use]
    pub fn new(path: &Path, keep: u64) -> Self {
        Self { path: path.to_owned(), keep }
    }

    /// Is there room for `need` bytes, and then still as much as is to be kept?
    ///
    /// # Errors
    /// When the disk cannot be asked.
    pub fn check(&self, need: u64) -> io::Result<Result<(), Shortage>> {
        let disk = rustix::fs::statvfs(&self.path)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let short = free < self.keep.saturating_add(need);
        Ok(if short {
            Err(Shortage { path: self.path.clone(), free, keep: self.keep, need })
        } else {
            Ok(())
        })
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1 << 20;
        let (free, keep, need) = (self.free / MIB, self.keep.div_ceil(MIB), self.need.div_ceil(MIB));
        write!(
            f,
            "{} has {free} MiB free, but {keep} MiB are to be kept ([store] min_free)",
            self.path.display()
        )?;
        if need > 0 {
            write!(f, " and the package needs {need} MiB")?;
        }
        f.write_str(": free some, lower min_free, or move [store] path; intake goes on by itself")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_says_of_what_and_what_to_do() {
        let here = std::env::temp_dir();
        assert_eq!(Free::new(&here, 0).check(0).unwrap(), Ok(()));
        let why = Free::new(&here, u64::MAX).check(1).unwrap().unwrap_err().to_string();
        assert!(why.contains("min_free") && why.contains("the package needs 1 MiB"), "{why}");
        assert!(Free::new(Path::new("/nowhere/at/all"), 0).check(0).is_err());
    }
}
