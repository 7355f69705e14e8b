//! SHA-256 digests as lower-case hexadecimal digits.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use dropship_shared_folder::named_file;

pub use dropship_package::hex;

/// The digest of bytes in memory.
#[must_use]
pub fn of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The first 64 bits of the digest of a name: a part of a key that contains no special characters, whatever the name contains.
#[must_use]
pub fn short(name: &str) -> String {
    hex(&Sha256::digest(name)[..8])
}

/// The digest of the JSON of a value, without building the text.
///
/// # Errors
/// When the value has no JSON form.
pub fn of_json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut hashing = Hashing(Sha256::new());
    serde_json::to_writer(&mut hashing, value)?;
    Ok(hex(&hashing.0.finalize()))
}

/// Hashes what is written.
struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The digest of a regular file.
///
/// # Errors
/// When it cannot be read, or is no regular file.
pub fn of_file(path: &Path) -> io::Result<String> {
    of_rest(&mut named_file::open(path)?)
}

/// The digest of all bytes that a reader still returns.
///
/// # Errors
/// When the reader fails.
pub fn of_rest(from: &mut dyn Read) -> io::Result<String> {
    copy(from, &mut io::sink()).map(|(digest, _)| digest)
}

/// Copies all bytes that a reader still returns. Returns their digest and number.
///
/// # Errors
/// When the reader or the writer fails.
pub fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<(String, u64)> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut size = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok((hex(&digest.finalize()), size)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        size += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_copy_and_file_have_the_same_digest() {
        // FIPS 180-2, B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(b"abc"), abc);
        let value = serde_json::json!({"b": [1, "x"], "a": null});
        assert_eq!(of_json(&value).unwrap(), of(value.to_string().as_bytes()));
        let large: Vec<u8> = (0..600_000_u32).map(|at| at as u8).collect();
        let mut copy = Vec::new();
        let copied = super::copy(&mut large.as_slice(), &mut copy).unwrap();
        assert_eq!((copied, copy == large), ((of(&large), 600_000), true));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "abc").unwrap();
        assert_eq!(of_file(&file).unwrap(), abc);
        assert!(of_file(&folder.path().join("none")).is_err());
    }
}
