//! Recognises complete downloads that are not the file, although their status says so.

use crate::error::describe_error;

use super::error::TransferError;
use super::partial_download::PartialDownload;

/// Maximum length in bytes of the body of an error. Longer downloads are not checked.
const LONGEST: u64 = 64 * 1024;

/// Refuses a complete download that is empty or the body of an error; its bytes are not kept.
pub(super) async fn check(part: &mut PartialDownload) -> Result<(), TransferError> {
    let error = match part.length() {
        0 => TransferError::Empty,
        length if length > LONGEST => return Ok(()),
        _ => match describe_error(&part.bytes().await?) {
            Some(message) => TransferError::ErrorDocument { message },
            None => return Ok(()),
        },
    };
    part.restart(None).await?;
    Err(error)
}
