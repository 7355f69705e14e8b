//! Results of a job for commands whose user cannot read the outbox.

use std::fs::File;
use std::path::Path;

use super::error::{ControlError, ControlErrorKind};
use crate::outbox::{ERRORS, RECEIPT, Receipt, open_result};

/// Opens a result of a job in its outbox.
///
/// # Errors
/// When the job has no such result, or it cannot be opened.
pub(super) fn open(job: &Receipt, name: &str) -> Result<File, ControlError> {
    let is_result = job.files.iter().any(|file| file.name == name) || [ERRORS, RECEIPT].contains(&name);
    let absent = |why: String| {
        let message = format!("cannot open the result `{name}` of job {}: {why}", job.id);
        ControlError::new(ControlErrorKind::NotFound, message)
    };
    if !is_result {
        return Err(absent("the job has no such result".to_owned()));
    }
    open_result(Path::new(&job.outbox), name).map_err(|error| absent(format!("{}: {error}", job.outbox)))
}
