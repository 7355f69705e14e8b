//! Values of the tables.

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use dropship_job::{Job, JobId};

/// A job as it is stored. Not an enum that is tagged with its form: serde would parse each value twice.
#[derive(Serialize, Deserialize)]
struct StoredJob<J> {
    v: StoredForm,
    job: J,
}

/// The form of a stored job.
#[derive(Serialize, Deserialize)]
enum StoredForm {
    #[serde(rename = "2")]
    V2,
}

/// A file of a folder whose bytes belong to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFile {
    /// Distinguishes this file from another one at the same path.
    pub identity: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// The job of these bytes.
    pub job: JobId,
}

/// Writes a job.
pub(crate) fn encode_job(job: &Job) -> Result<Vec<u8>, StoreError> {
    encode(&StoredJob { v: StoredForm::V2, job })
}

/// Reads a job.
pub(crate) fn decode_job(value: &[u8]) -> Result<Job, StoreError> {
    let StoredJob { v: StoredForm::V2, job } = decode(value)?;
    Ok(job)
}

/// Reads a number that is stored big-endian; absent is 0.
pub(crate) fn number(value: Option<Vec<u8>>) -> u64 {
    value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// The job id at the end of an index key, or the value of an index.
pub(crate) fn id_of(bytes: &[u8]) -> Result<JobId, StoreError> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.parse().map_err(|_| StoreError::Damaged { what: "an index key holds no job id".to_owned() })
}

/// Writes a value.
pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value)
        .map_err(|error| StoreError::Damaged { what: format!("a record cannot be written: {error}") })
}

/// Reads a value.
pub(crate) fn decode<T: for<'de> Deserialize<'de>>(value: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(value)
        .map_err(|error| StoreError::Damaged { what: format!("a record cannot be read: {error}") })
}
