//! The command that approves a label on hold, or acknowledges what happened to a published one.

use std::fmt;
use std::path::Path;

use dropship_redact::ShellWord;

use crate::JobId;

/// Displays `dropship approve JOB --label NAME --request DIGEST`, quoted for a shell.
#[derive(Debug, Clone, Copy)]
pub struct ApproveCommand<'a> {
    /// The configuration file, if the command needs `--config`.
    pub config: Option<&'a Path>,
    /// The job.
    pub job: &'a JobId,
    /// Name of the label; absent for a job that is held as a whole.
    pub label: Option<&'a str>,
    /// Digest of the request, if the approval is bound to one.
    pub request: Option<&'a str>,
}

impl fmt::Display for ApproveCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, job, label, request } = self;
        f.write_str("dropship")?;
        if let Some(config) = config {
            write!(f, " --config {}", ShellWord::of(config))?;
        }
        write!(f, " approve {job}")?;
        match label {
            // A name that begins with a dash would be read as an option.
            Some(label) if label.starts_with('-') => write!(f, " --label={}", ShellWord::of(label))?,
            Some(label) => write!(f, " --label {}", ShellWord::of(label))?,
            None => {}
        }
        request.map_or(Ok(()), |digest| write!(f, " --request {digest}"))
    }
}
