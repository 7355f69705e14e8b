//! Computes the digests of the parts of an archive from its bytes in their order.

use std::io;

use ring::digest::{Context, SHA256};

use super::archive::Archive;
use super::directory::{ArchiveEntry, u16_at};
use super::part_digests::PartDigests;
use crate::budget::WorkKind;
use crate::input::Input;

/// Parts that unpack to more than this many times their length are not unpacked before their signature is checked: their author
/// would decide the cost.
const RATIO: u32 = 8;

/// Length of the header of an entry without name and extra fields.
const HEADER: usize = 30;

/// The entries whose digests can be computed before the signature is checked, in the order of their data.
pub(crate) fn entries_to_preview(input: Input<'_>) -> io::Result<Vec<ArchiveEntry>> {
    let mut entries = Archive::listed(input)?.map(|archive| archive.entries).unwrap_or_default();
    entries.retain(|entry| entry.size <= entry.packed.saturating_mul(RATIO));
    entries.sort_unstable_by_key(|entry| entry.header_at);
    Ok(entries)
}

/// Computes the digests of these entries. Those that are damaged have none.
pub(crate) fn preview_parts(input: Input<'_>, entries: &[ArchiveEntry]) -> io::Result<PartDigests> {
    let archive = Archive::of_input(input);
    let mut digests = PartDigests::of_archive(input.len());
    for entry in entries {
        let head_at = u64::from(entry.header_at);
        let head = input.read_up_to(head_at, HEADER)?;
        let (Some(name), Some(extra)) = (u16_at(&head, 26), u16_at(&head, 28)) else { continue };
        let skipped = (HEADER as u64).saturating_add(u64::from(name)).saturating_add(u64::from(extra));
        let entry = ArchiveEntry { data_at: head_at.saturating_add(skipped), ..entry.clone() };
        if entry.data_at.saturating_add(u64::from(entry.packed)) > input.len() {
            continue;
        }
        archive.charge(WorkKind::Hashed, u64::from(entry.size))?;
        let mut context = Context::new(&SHA256);
        if archive.stream(&entry, |part| context.update(part))?.is_ok() {
            digests.insert(&entry, context.finish());
        }
    }
    Ok(digests)
}
