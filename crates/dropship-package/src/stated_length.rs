//! How long a package is by its own header, to refuse a much longer file before it is read.

use std::fs::File;
use std::io;

use crate::cab::header::Header;
use crate::completeness::{HEAD, find_zip_end};
use crate::facts::Kind;
use crate::input::Input;

/// Length of an archive's end record with the longest comment.
const LONGEST_END: usize = 22 + 0xffff;

/// The length in bytes that a package has by its own header or end record; `None` if it has none.
///
/// # Errors
/// The file cannot be read.
pub fn stated_length(file: &File, kind: Kind) -> io::Result<Option<u64>> {
    let input = Input::file(file)?;
    match kind {
        Kind::Cab => {
            let head = input.read_up_to(0, HEAD)?;
            let header = Header::read(&head).filter(|_| head.starts_with(b"MSCF"));
            Ok(header.map(|header| header.file_length()))
        }
        Kind::Hlkx => {
            let tail = input.read_up_to(input.len().saturating_sub(LONGEST_END as u64), LONGEST_END)?;
            let end = find_zip_end(&tail).and_then(|at| tail.get(at..));
            Ok(end.and_then(|end| {
                let number = |at: usize| {
                    let four = end.get(at..at.checked_add(4)?)?.try_into().ok()?;
                    Some(u64::from(u32::from_le_bytes(four)))
                };
                // The directory's length and offset; the end record follows it.
                number(12)?.checked_add(number(16)?)?.checked_add(end.len() as u64)
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn package_states_its_own_length_whatever_follows_or_precedes_it() {
        let cab: &[u8] = include_bytes!("../tests/fixtures/cab/good-signed-ts.cab");
        let hlkx: &[u8] = include_bytes!("../tests/fixtures/hlkx/good.hlkx");
        let of = |parts: &[&[u8]], kind| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&parts.concat()).unwrap();
            stated_length(&file, kind).unwrap()
        };
        let zeros = vec![0; 100_000];
        assert_eq!(of(&[cab, &zeros], Kind::Cab), Some(cab.len() as u64));
        assert_eq!(of(&[&zeros, hlkx], Kind::Hlkx), Some(hlkx.len() as u64));
        assert_eq!(of(&[hlkx], Kind::Hlkx), Some(hlkx.len() as u64));
        for kind in [Kind::Cab, Kind::Hlkx] {
            assert_eq!(of(&[&zeros], kind), None);
            assert_eq!(of(&[], kind), None);
        }
    }
}
