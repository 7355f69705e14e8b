//! The tables of known files.

use crate::error::StoreError;
use crate::tables::byte_map::ByteMap;
use crate::tables::codec::{KnownFile, decode, encode};
use crate::tables::key;
use crate::tables::overlay::Overlay;

/// A file holds the bytes of a job, in place of what was known of its path.
pub(super) fn put_file<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    folder: &str,
    path: &str,
    file: &KnownFile,
) -> Result<(), StoreError> {
    forget_file(tables, folder, path)?;
    tables.put(key::file(folder, path), encode(file)?);
    tables.put(key::by_digest(&file.sha256, folder, path), []);
    // Outlives the job's own lines: a package that stays in its folder is never new.
    tables.put(key::bytes(&file.sha256, Some(folder)), file.job.as_str().as_bytes());
    Ok(())
}

/// A file has left its folder. Its bytes are forgotten too, if their job is pruned and no other file holds them.
pub(super) fn remove_file<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    folder: &str,
    path: &str,
) -> Result<(), StoreError> {
    let Some(file) = forget_file(tables, folder, path)? else {
        return Ok(());
    };
    tables.remove(key::file(folder, path));
    if tables.job(&file.job)?.is_none() && !has_file_with_digest(tables, folder, &file.sha256)? {
        tables.remove(key::bytes(&file.sha256, Some(folder)));
    }
    Ok(())
}

/// Removes a path from the index by digest; returns what was known of it.
fn forget_file<B: ByteMap>(
    tables: &mut Overlay<'_, B>,
    folder: &str,
    path: &str,
) -> Result<Option<KnownFile>, StoreError> {
    let file = tables.get(&key::file(folder, path))?.map(|value| decode::<KnownFile>(&value)).transpose()?;
    if let Some(file) = &file {
        tables.remove(key::by_digest(&file.sha256, folder, path));
    }
    Ok(file)
}

/// Whether any known file of the folder holds these bytes.
pub(super) fn has_file_with_digest(
    tables: &impl ByteMap,
    folder: &str,
    sha256: &str,
) -> Result<bool, StoreError> {
    Ok(!tables.keys(&key::by_digest(sha256, folder, ""))?.is_empty())
}
