//! Files that the user of a command names. Links are followed; a FIFO or device would block the command, or never end.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading. Blocks on no FIFO.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if it is no regular file; otherwise, when it cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_files_are_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).expect("a FIFO");
        let zero = folder.path().join("zero");
        std::os::unix::fs::symlink("/dev/zero", &zero).expect("a link");
        for path in [fifo.as_path(), &zero, Path::new("/dev/null"), folder.path()] {
            let error = open(path).expect_err("refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}", path.display());
        }
        std::fs::write(folder.path().join("file"), "x").expect("written");
        std::os::unix::fs::symlink("file", folder.path().join("link")).expect("a link");
        assert_eq!(
            io::read_to_string(open(&folder.path().join("link")).expect("opened")).expect("read"),
            "x"
        );
    }
}
