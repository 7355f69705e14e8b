//! The form of a line: sixteen hex digits of CRC-64, a space, JSON, a line feed.

use std::cmp::Ordering;

use crate::entry::{LINE_VERSION, Line};
use crate::error::StoreError;

/// Length of the checksum in hex digits.
const CHECKSUM_DIGITS: usize = 16;

/// CRC-64/NVME.
pub(crate) fn crc64(bytes: &[u8]) -> u64 {
    let mut sum = crc64fast_nvme::Digest::new();
    sum.write(bytes);
    sum.sum64()
}

/// Appends the line to `out`.
pub(crate) fn write(line: &Line, out: &mut Vec<u8>) -> Result<(), StoreError> {
    let json = serde_json::to_vec(line)
        .map_err(|error| StoreError::Damaged { what: format!("a line cannot be written: {error}") })?;
    out.extend_from_slice(format!("{:016x} ", crc64(&json)).as_bytes());
    out.extend_from_slice(&json);
    out.push(b'\n');
    Ok(())
}

/// Why a line cannot be read; the text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineFault {
    /// It differs from the line that was written.
    Damaged(String),
    /// It is intact, and has an older form.
    Older(String),
    /// It is intact, and has a newer form.
    Newer(String),
}

/// The number of an intact line, without parsing the line.
pub(crate) fn seq_of(text: &[u8]) -> Option<u64> {
    let json = verified_json(text).ok()?;
    let rest = json.strip_prefix(br#"{"v":"#.as_slice())?;
    let rest = &rest[rest.iter().position(|byte| *byte == b',')?..];
    let digits = rest.strip_prefix(br#","seq":"#.as_slice())?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// The JSON of a line whose checksum fits.
fn verified_json(text: &[u8]) -> Result<&[u8], LineFault> {
    let damaged = |what: &str| LineFault::Damaged(what.to_owned());
    let (checksum, json) =
        text.split_at_checked(CHECKSUM_DIGITS).ok_or_else(|| damaged("the line is cut short"))?;
    let json = json.strip_prefix(b" ").ok_or_else(|| damaged("the line has no checksum"))?;
    let checksum = std::str::from_utf8(checksum).ok().and_then(|hex| u64::from_str_radix(hex, 16).ok());
    if checksum == Some(crc64(json)) { Ok(json) } else { Err(damaged("the checksum of the line is wrong")) }
}

/// Reads a line without its line feed.
pub(crate) fn read(text: &[u8]) -> Result<Line, LineFault> {
    let json = verified_json(text)?;
    let mismatch = |v| format!("line version {v}; this program reads version {LINE_VERSION}");
    let of_this_version = |v: u32| match v.cmp(&LINE_VERSION) {
        Ordering::Less => Err(LineFault::Older(mismatch(v))),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(LineFault::Newer(mismatch(v))),
    };
    version(json).map_or(Ok(()), of_this_version)?;
    let line: Line = serde_json::from_slice(json).map_err(|error| {
        LineFault::Newer(format!("a line of version {LINE_VERSION} that cannot be parsed: {error}"))
    })?;
    of_this_version(line.v)?;
    Ok(line)
}

/// The version of a line, read without its entries: those of another version may not parse.
fn version(json: &[u8]) -> Option<u32> {
    let rest = json.strip_prefix(br#"{"v":"#.as_slice())?;
    let end = rest.iter().position(|byte| *byte == b',')?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

/// Reads a line with this JSON and the checksum of it, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn read_again(json: &[u8]) {
    let text = [format!("{:016x} ", crc64(json)).as_bytes(), json].concat();
    let Ok(line) = read(&text) else { return };
    let mut written = Vec::new();
    assert!(write(&line, &mut written).is_ok(), "a line can be written");
    assert_eq!(
        read(written.strip_suffix(b"\n").unwrap_or_default()),
        Ok(line),
        "a written line reads the same"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;

    #[test]
    fn line_of_another_version_is_refused_however_it_is_written() {
        for (version, is_older) in [(LINE_VERSION - 1, true), (LINE_VERSION + 1, false)] {
            for begin in ["{", " { "] {
                let json =
                    format!(r#"{begin}"v":{version},"seq":1,"at":"2026-11-01T00:00:00Z","entries":[]}}"#);
                let text = format!("{:016x} {json}", crc64(json.as_bytes()));
                let bad = read(text.as_bytes()).expect_err("another version");
                assert_eq!(matches!(bad, LineFault::Older(_)), is_older, "{json}: {bad:?}");
            }
        }
    }

    #[test]
    fn line_reads_back_and_no_changed_byte_passes() {
        let entries = vec![Entry::Setting { key: "pause".into(), value: Some("all\n".into()) }];
        let at = jiff::Timestamp::from_second(1_790_000_000).expect("time");
        let line = Line { synced: Some(0), ..Line::new(7, at, entries) };
        let mut text = Vec::new();
        write(&line, &mut text).expect("written");
        assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 1);
        let text = &text[..text.len() - 1];
        assert_eq!(read(text), Ok(line));
        assert_eq!(seq_of(text), Some(7), "read without parsing the line");
        for at in 0..text.len() {
            let mut changed = text.to_vec();
            changed[at] ^= 1;
            read(&changed).expect_err("a changed byte");
            read(&text[..at]).expect_err("a cut line");
        }
    }

    #[test]
    fn checksum_is_crc64_nvme() {
        // The check value of CRC-64/NVME in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc64(b"123456789"), 0xae8b_1486_0a79_9888);
    }
}
