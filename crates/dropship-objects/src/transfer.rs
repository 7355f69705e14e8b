//! Writing and reading one object.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path as FilePath;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion, WriteMultipart,
};
use sha2::{Digest as _, Sha256};

use crate::error::{ObjectError, describe};

/// Size of the parts of a large object in bytes. A smaller object is written in one call.
pub(crate) const PART: usize = 8 << 20;

/// Maximum number of parts that are sent at the same time.
const PARTS_AT_ONCE: usize = 2;

/// Whether an object was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PutOutcome {
    Now,
    Before,
}

/// Writes the bytes of a file, unless there is an object of the name. Reads the object again in both cases: it has these bytes then.
pub(crate) async fn put_new(store: &dyn ObjectStore, at: &Path, file: &FilePath) -> Result<(), ObjectError> {
    let mut input = File::open(file)?;
    let first = next_part(&mut input)?;
    let (written, expected) = if first.len() < PART {
        (put_small(store, at, first.clone()).await?, Sha256::digest(&first))
    } else {
        put_large(store, at, first, &mut input).await?
    };
    let expected = hex(&expected);
    let (found, _) = examine(store, at).await?;
    if found == expected {
        return Ok(());
    }
    if written == PutOutcome::Now {
        // It must not be found by another attempt.
        store.delete(at).await.map_err(|error| ObjectError::of(&error, at.as_ref()))?;
    }
    Err(ObjectError::Altered { name: at.to_string(), found, expected })
}

async fn put_small(store: &dyn ObjectStore, at: &Path, bytes: Bytes) -> Result<PutOutcome, ObjectError> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match store.put_opts(at, PutPayload::from(bytes), options).await {
        Ok(_) => Ok(PutOutcome::Now),
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
            Ok(PutOutcome::Before)
        }
        Err(error) => Err(ObjectError::of(&error, at.as_ref())),
    }
}

/// Uploads in parts. The object appears with the last call, which has no condition; the name belongs to one job and its bytes.
async fn put_large(
    store: &dyn ObjectStore,
    at: &Path,
    first: Bytes,
    input: &mut File,
) -> Result<(PutOutcome, sha2::digest::Output<Sha256>), ObjectError> {
    let failed = |error: object_store::Error| ObjectError::of(&error, at.as_ref());
    let mut digest = Sha256::new();
    let mut upload = match store.head(at).await {
        Ok(_) => None,
        Err(object_store::Error::NotFound { .. }) => {
            let upload = store.put_multipart(at).await.map_err(failed)?;
            Some(WriteMultipart::new_with_chunk_size(upload, PART))
        }
        Err(error) => return Err(failed(error)),
    };
    let mut part = first;
    while !part.is_empty() {
        digest.update(&part);
        if let Some(upload) = &mut upload {
            upload.wait_for_capacity(PARTS_AT_ONCE - 1).await.map_err(failed)?;
            upload.put(part);
        }
        part = next_part(input)?;
    }
    let written = match upload {
        None => PutOutcome::Before,
        Some(upload) => upload.finish().await.map(|_| PutOutcome::Now).map_err(failed)?,
    };
    Ok((written, digest.finalize()))
}

/// The next part of a file; empty at its end. It blocks the thread of this crate, for a disk of this machine.
fn next_part(input: &mut File) -> Result<Bytes, ObjectError> {
    let mut part = Vec::new();
    input.take(PART as u64).read_to_end(&mut part)?;
    Ok(part.into())
}

/// The digest and the size of an object.
pub(crate) async fn examine(store: &dyn ObjectStore, at: &Path) -> Result<(String, u64), ObjectError> {
    read(store, at, u64::MAX, |_| Ok(())).await
}

/// Writes an object to a file. Returns its digest and size. A longer object than `longest` is cut off: it has other bytes than those
/// that were written, and must not fill the disk.
pub(crate) async fn fetch(
    store: &dyn ObjectStore,
    at: &Path,
    mut to: File,
    longest: u64,
) -> Result<(String, u64), ObjectError> {
    read(store, at, longest, |part| to.write_all(part)).await
}

/// A small object; `None`: there is none.
pub(crate) async fn get(
    store: &dyn ObjectStore,
    at: &Path,
    limit: u64,
) -> Result<Option<Vec<u8>>, ObjectError> {
    let mut bytes = Vec::new();
    let read = read(store, at, u64::MAX, |part| {
        bytes.extend_from_slice(part);
        if bytes.len() as u64 > limit {
            return Err(std::io::Error::new(
                std::io::ErrorKind::FileTooLarge,
                format!("{at} has more than {limit} bytes"),
            ));
        }
        Ok(())
    });
    match read.await {
        Ok(_) => Ok(Some(bytes)),
        Err(ObjectError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A small object, cut off soon after `longest` bytes, and its version; `None`: there is none.
pub(crate) async fn get_version(
    store: &dyn ObjectStore,
    at: &Path,
    longest: u64,
) -> Result<Option<(Vec<u8>, UpdateVersion)>, ObjectError> {
    let failed = |error: object_store::Error| ObjectError::of(&error, at.as_ref());
    let found = match store.get(at).await {
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        found => found.map_err(failed)?,
    };
    let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
    let (mut bytes, mut parts) = (Vec::new(), found.into_stream());
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part.map_err(failed)?);
        if bytes.len() as u64 > longest {
            break;
        }
    }
    Ok(Some((bytes, version)))
}

/// Writes a small object in place of this version; `None`: if there is none. Returns why it was not written, if it has another version.
pub(crate) async fn replace(
    store: &dyn ObjectStore,
    at: &Path,
    version: Option<UpdateVersion>,
    bytes: Vec<u8>,
) -> Result<Option<String>, ObjectError> {
    use object_store::Error::{AlreadyExists, Precondition};
    let mode = version.map_or(PutMode::Create, PutMode::Update);
    let options = PutOptions { mode, ..PutOptions::default() };
    match store.put_opts(at, PutPayload::from(bytes), options).await {
        Ok(_) => Ok(None),
        Err(error @ (AlreadyExists { .. } | Precondition { .. })) => Ok(Some(describe(&error))),
        Err(error) => Err(ObjectError::of(&error, at.as_ref())),
    }
}

async fn read(
    store: &dyn ObjectStore,
    at: &Path,
    longest: u64,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(String, u64), ObjectError> {
    let failed = |error: object_store::Error| ObjectError::of(&error, at.as_ref());
    let mut parts = store.get(at).await.map_err(failed)?.into_stream();
    let (mut digest, mut size) = (Sha256::new(), 0);
    while let Some(part) = parts.next().await {
        let part = part.map_err(failed)?;
        digest.update(&part);
        size += part.len() as u64;
        each(&part)?;
        if size > longest {
            break;
        }
    }
    Ok((hex(&digest.finalize()), size))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
