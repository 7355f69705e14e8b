//! Files that are too large to be read: larger than `[store] max_package`, or much longer than the package in them.

use std::fs::File;
use std::io::{self, Read};

use crate::digest;
use dropship_job::{ErrorKind, Fault};
use dropship_package::{Kind, stated_length};

/// Number of bytes by which a file may be longer than its package and still be read, so that the inspection names the cause.
const SURPLUS: u64 = 1 << 20;

/// Number of bytes at the start of a file that identify it together with its length.
const BEGINNING: u64 = 64 << 10;

/// Why a file of `size` bytes is not read, if it is too large. Reads a few bytes of it.
///
/// # Errors
/// The file cannot be read.
pub(super) fn check(file: &File, name: &str, size: u64, max: u64) -> io::Result<Option<Fault>> {
    let refused = |message: String| Some(Fault::new(ErrorKind::TooLarge, message));
    if size > max {
        return Ok(refused(format!(
            "`{name}` has {size} bytes, more than the {max} of `[store] max_package`; it was not read"
        )));
    }
    let Some(kind) = Kind::of_name(name) else { return Ok(None) };
    let stated = stated_length(file, kind)?.filter(|stated| size > stated.saturating_add(SURPLUS));
    Ok(stated.and_then(|stated| {
        refused(format!(
            "`{name}` has {size} bytes, but the package in it has {stated} by its own header; it was not read"
        ))
    }))
}

/// Identifies a file that is not read: the digest of its length and beginning. No package has this digest.
///
/// # Errors
/// The file cannot be read.
pub(super) fn identify(file: &File, size: u64) -> io::Result<String> {
    let mut bytes = format!("unread file of {size} bytes\n").into_bytes();
    file.take(BEGINNING).read_to_end(&mut bytes)?;
    Ok(digest::of(&bytes))
}
