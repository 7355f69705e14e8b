//! Copies a store in two calls: [`copy_entries`] copies the entries. Then the caller copies the files of the packages. Then
//! [`finish_copy`] ends the copy, by marks in the settings of both stores.

use crate::copying::error::CopyError;
use crate::copying::fingerprint::{EntryCounter, Fingerprint};
use crate::copying::marks::CopyMark;
use crate::copying::sender::EntrySender;
use crate::error::StoreError;
use crate::export::Exported;
use crate::store::Store;

/// A store that takes part in a copy. No other process uses it.
#[derive(Clone, Copy)]
pub struct CopySide<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Its folder or address, as an operator would type it.
    pub name: &'a str,
}

impl CopySide<'_> {
    fn source_error(&self, error: StoreError) -> CopyError {
        CopyError::Source { name: self.name.to_owned(), error }
    }

    fn target_error(&self, error: StoreError) -> CopyError {
        CopyError::Target { name: self.name.to_owned(), error }
    }
}

/// A copy that is equal to its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The content of both stores.
    pub content: Fingerprint,
    /// The number of entries that this call has copied. The target had the others already.
    pub added: u64,
}

/// Copies all entries, then compares both stores. The target stays marked as unfinished until [`finish_copy`].
///
/// # Errors
/// Every [`CopyError`]. After [`CopyError::Target`], call this again to continue the copy.
pub fn copy_entries(from: CopySide<'_>, to: CopySide<'_>) -> Result<Copied, CopyError> {
    let name = |side: CopySide<'_>| side.name.to_owned();
    match CopyMark::of(from.store).map_err(|error| from.source_error(error))? {
        Some(CopyMark::UnfinishedCopyOf(of)) => {
            return Err(CopyError::SourceUnfinished { name: name(from), of });
        }
        // A finished copy is finished again: it may have been interrupted at its very end.
        Some(CopyMark::MovedTo(other)) if other != to.name => {
            return Err(CopyError::SourceMoved { name: name(from), to: other });
        }
        _ => {}
    }
    let existing = Fingerprint::of(to.store).map_err(|error| to.target_error(error))?;
    let mark = CopyMark::of(to.store).map_err(|error| to.target_error(error))?;
    if !matches!(mark, Some(CopyMark::UnfinishedCopyOf(_))) {
        if existing.entries > 0 {
            let content = Fingerprint::of(from.store).map_err(|error| from.source_error(error))?;
            if content != existing {
                return Err(CopyError::OtherContent { name: name(to), content: existing });
            }
        }
        CopyMark::UnfinishedCopyOf(name(from)).set(to.store).map_err(|error| to.target_error(error))?;
    }
    let (expected, added) = transfer(from, to, &existing)?;
    let found = Fingerprint::of(to.store).map_err(|error| to.target_error(error))?;
    if found != expected {
        return Err(CopyError::Differs { name: name(to), found, expected });
    }
    Ok(Copied { content: expected, added })
}

/// Copies the entries after those that the target has. Returns the content of the source, and the number of copied entries.
fn transfer(
    from: CopySide<'_>,
    to: CopySide<'_>,
    existing: &Fingerprint,
) -> Result<(Fingerprint, u64), CopyError> {
    let other_state =
        || CopyError::OtherState { name: to.name.to_owned(), source_name: from.name.to_owned() };
    let (mut seen, mut sender) = (EntryCounter::default(), EntrySender::new(to.store));
    let mut failed = None;
    let mut step = |exported: Exported| -> std::io::Result<Option<CopyError>> {
        let is_copied = seen.entries() < existing.entries;
        let Some(size) = seen.add(&exported)? else { return Ok(None) };
        if is_copied {
            let is_same = seen.entries() < existing.entries || seen.fingerprint() == *existing;
            return Ok((!is_same).then(other_state));
        }
        Ok(sender.send(exported, size).err().map(|error| to.target_error(error)))
    };
    let read = from.store.export(&mut |exported| match step(exported)? {
        None => Ok(()),
        Some(error) => {
            failed = Some(error);
            Err(std::io::Error::other("the copy has failed"))
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    read.map_err(|error| from.source_error(error))?;
    if seen.entries() < existing.entries {
        return Err(other_state());
    }
    sender.finish().map_err(|error| to.target_error(error))?;
    Ok((seen.fingerprint(), sender.sent))
}

/// Ends a copy: daemons refuse the source from now on, and accept the target.
///
/// # Errors
/// [`CopyError::Source`] and [`CopyError::Target`], when a mark cannot be written. Then run the copy again to finish it.
pub fn finish_copy(from: CopySide<'_>, to: CopySide<'_>) -> Result<(), CopyError> {
    // The source first, so that daemons never accept both stores at the same time.
    CopyMark::MovedTo(to.name.to_owned()).set(from.store).map_err(|error| from.source_error(error))?;
    CopyMark::remove_all(to.store).map_err(|error| to.target_error(error))
}
