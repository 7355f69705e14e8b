//! How the process was started.

/// Whether standard error is connected to the journal. `JOURNAL_STREAM` contains its device and inode (systemd.exec(5)).
#[must_use]
pub fn stderr_is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = rustix::fs::fstat(std::io::stderr()) else { return false };
    stream == format!("{}:{}", stderr.st_dev, stderr.st_ino)
}

/// Whether systemd started this process as part of a unit (systemd.exec(5)).
#[must_use]
pub fn is_unit() -> bool {
    std::env::var_os("INVOCATION_ID").is_some()
}
