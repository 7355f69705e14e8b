//! The archive that Microsoft returns: sound ones are accepted, hostile ones are refused at a bounded cost.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use zip::write::SimpleFileOptions;

use crate::{Cancellation, SignedArchiveFault, check_signed_archive};

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).expect("started");
        writer.write_all(content).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

fn checked(bytes: &[u8], names: &[&str]) -> Result<(), SignedArchiveFault> {
    check_signed_archive(Cursor::new(bytes), names.iter().copied(), &Cancellation::default())
}

/// Positions of the entries in the directory.
fn directory(bytes: &[u8]) -> Vec<usize> {
    let starts = bytes.windows(4).enumerate().filter(|(_, four)| four == b"PK\x01\x02");
    starts.map(|(at, _)| at).collect()
}

#[test]
fn sound_archive_with_the_inf_is_accepted_and_one_without_is_refused() {
    let sound =
        archive(&[("drivers\\Echo.inf", b"inf"), ("drivers/echo.sys", b"sys"), ("drivers/a..b", b"")]);
    assert_eq!(checked(&sound, &["echo.INF"]), Ok(()));
    assert_eq!(checked(&sound, &["other.inf"]), Err(SignedArchiveFault::Missing("other.inf".to_owned())));
    assert!(matches!(checked(b"nothing", &[]), Err(SignedArchiveFault::NotAnArchive(_))));
}

#[test]
fn bomb_is_refused_before_it_is_unpacked() {
    let bomb = archive(&[("zeros", &vec![0; 100 << 20])]);
    assert!(matches!(checked(&bomb, &[]), Err(SignedArchiveFault::Ratio { .. })));
    // The directory states a short length: what follows it is not unpacked.
    let mut understated = archive(&[("zeros", &vec![0; 1 << 20])]);
    let at = directory(&understated)[0];
    understated[at + 24..at + 28].copy_from_slice(&10u32.to_le_bytes());
    assert!(matches!(checked(&understated, &[]), Err(SignedArchiveFault::Damaged { .. })));
}

#[test]
fn overlapping_entries_are_refused() {
    // Both entries of the directory name the place of the first, whose data are quoted again and again.
    let mut twice = archive(&[("a", b"same"), ("b", b"same")]);
    let at = directory(&twice)[1];
    twice[at + 42..at + 46].fill(0);
    assert_eq!(checked(&twice, &[]), Err(SignedArchiveFault::Overlap));
    // An entry whose data reach into the next one.
    let mut long = archive(&[("a", b"same"), ("b", b"same")]);
    let at = directory(&long)[0];
    let packed = u32::from_le_bytes(long[at + 20..at + 24].try_into().expect("four"));
    long[at + 20..at + 24].copy_from_slice(&(packed + 20).to_le_bytes());
    assert_eq!(checked(&long, &[]), Err(SignedArchiveFault::Overlap));
}

#[test]
fn names_that_an_extraction_must_not_use_are_refused() {
    for name in
        ["../echo.inf", "a/../../b", "..\\b", "/etc/passwd", "\\\\host\\share", "C:\\b", "a\u{1b}[2J", "a\0b"]
    {
        let refused = checked(&archive(&[(name, b"x")]), &[]);
        let fault = refused.expect_err(&name.escape_debug().to_string());
        assert!(matches!(fault, SignedArchiveFault::Name { .. }), "{fault}");
        assert!(!fault.to_string().chars().any(char::is_control), "{fault}");
    }
    // The names in the directory count, whatever the entries' own headers say.
    let mut renamed = archive(&[("a", b"x"), ("b", b"y")]);
    let at = directory(&renamed)[1];
    renamed[at + 46] = b'a';
    assert_eq!(checked(&renamed, &[]), Err(SignedArchiveFault::Duplicate));
    let twice = checked(&archive(&[("A/b", b"x"), ("a\\B", b"y")]), &[]);
    assert!(matches!(twice, Err(SignedArchiveFault::Name { problem: "is used twice", .. })), "{twice:?}");
}

#[test]
fn too_many_entries_are_refused() {
    let names: Vec<String> = (0..66_000).map(|number| number.to_string()).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(checked(&archive(&entries), &[]), Err(SignedArchiveFault::Directory));
}

#[test]
fn directory_beyond_its_limit_is_not_read() {
    let long = "n".repeat(60_000);
    let names: Vec<String> = (0..300).map(|number| format!("{number}{long}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(checked(&archive(&entries), &[]), Err(SignedArchiveFault::Directory));
}

/// Cancels after a number of reads.
struct Cancelling<'a> {
    source: Cursor<&'a [u8]>,
    reads: usize,
    cancellation: Cancellation,
}

impl Read for Cancelling<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.reads.checked_sub(1) {
            Some(remaining) => self.reads = remaining,
            None => self.cancellation.cancel(),
        }
        self.source.read(buffer)
    }
}

impl Seek for Cancelling<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.source.seek(to)
    }
}

#[test]
fn cancelled_check_ends_wherever_it_is() {
    let sound = archive(&[("a", &[7; 100_000]), ("b", &[8; 100_000])]);
    for reads in 0..5 {
        let cancellation = Cancellation::default();
        let source = Cancelling { source: Cursor::new(&sound), reads, cancellation: cancellation.clone() };
        assert_eq!(
            check_signed_archive(source, [], &cancellation),
            Err(SignedArchiveFault::Cancelled),
            "{reads}"
        );
    }
}
