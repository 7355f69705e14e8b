//! Bodies of responses, read up to a limit.

use reqwest::Response;

/// Length of the body of an error that is read, in bytes. The rest is cut off.
pub(crate) const MAX_ERROR: usize = 64 * 1024;

/// The start of an error's body: its first 64 KiB, or as much as arrived.
pub(crate) async fn start(mut answer: Response) -> Vec<u8> {
    let mut body = Vec::new();
    // The status decides; the body only explains it.
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = MAX_ERROR - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() == MAX_ERROR {
            break;
        }
    }
    body
}

/// Reads a whole body; `Err(None)` if it is longer than `max_length` bytes.
pub(crate) async fn read_all(
    mut answer: Response,
    max_length: usize,
) -> Result<Vec<u8>, Option<reqwest::Error>> {
    if answer.content_length().is_some_and(|length| length > max_length as u64) {
        return Err(None);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > max_length {
            return Err(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
