//! A command that failed: one line on standard error, or one JSON document on standard output with `--json`.

use serde_json::{Value, json};

use super::exit::Exit;
use super::output::Output;
use crate::control::ConnectError;
use dropship_config::Report;
use dropship_engine::operations::{ControlError, ControlErrorKind};
use dropship_store::StoreError;

/// A kind of error that no daemon reports; [`ControlErrorKind`] has the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// The command line is invalid.
    Usage,
    /// No daemon is running.
    NoDaemon,
    /// A file that the command was given would be rejected.
    Rejected,
    /// The time of `--timeout` has passed.
    TimedOut,
}

impl FailureKind {
    /// All kinds, in the order of the documentation.
    #[cfg(test)]
    pub(super) const ALL: [Self; 4] = [Self::Usage, Self::NoDaemon, Self::Rejected, Self::TimedOut];

    /// The word that scripts see.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::NoDaemon => "no-daemon",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed-out",
        }
    }

    /// The exit code of the command.
    #[cfg(test)]
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Usage => Exit::Usage,
            Self::NoDaemon => Exit::NoDaemon,
            Self::Rejected => Exit::Rejected,
            Self::TimedOut => Exit::TimedOut,
        }
    }

    /// When it occurs, and what to do about it.
    #[cfg(test)]
    pub(super) fn documentation(self) -> (&'static str, &'static str) {
        match self {
            Self::Usage => ("The command line is invalid.", "`dropship help COMMAND` lists the arguments."),
            Self::NoDaemon => (
                "No daemon is running: nothing listens on the control socket.",
                "Run `systemctl start dropship`, or `dropship run`.",
            ),
            Self::Rejected => (
                "`init`: the daemon would reject the package. `inspect` and `plan`: a file is not valid driver metadata.",
                "Read the message, and correct the file.",
            ),
            Self::TimedOut => (
                "The time of `--timeout` has passed.",
                "Run the command again, or look at `dropship show JOB`.",
            ),
        }
    }
}

/// Prints an error and returns the exit code of the command.
pub(super) fn report(error: &anyhow::Error, output: &Output) -> Exit {
    let exit = Exit::of(error);
    let message = dropship_redact::mask(&format!("{error:#}"));
    if !output.json() {
        output.error(&message);
        return exit;
    }
    let mut document = document(kind_of(error, exit), &message);
    if let (Some(report), Value::Object(document)) = (error.downcast_ref::<Report>(), &mut document) {
        document.insert("problems".to_owned(), json!(report.problems));
    }
    output.document(&document);
    exit
}

/// Prints an error of the command line.
pub(super) fn report_usage(error: &clap::Error, output: &Output) {
    if !output.json() {
        drop(error.print());
        return;
    }
    let text = dropship_redact::mask(&error.render().to_string());
    let message = text.trim_end().trim_start_matches("error: ");
    output.document(&document(FailureKind::Usage.as_str(), message));
}

/// The document of an error, as `docs/json.md` describes it.
pub(super) fn document(kind: &str, message: &str) -> Value {
    json!({ "error": { "kind": kind, "message": message } })
}

/// The kind of an error of one job among several.
pub(super) fn kind_of(error: &anyhow::Error, exit: Exit) -> &'static str {
    let control = error.downcast_ref::<ControlError>();
    let connect = error.downcast_ref::<ConnectError>().and_then(|error| match error {
        ConnectError::Control(error) => Some(error),
        ConnectError::NoDaemon(_) => None,
    });
    if let Some(error) = control.or(connect) {
        return error.kind.as_str();
    }
    if let Some(StoreError::Away { .. }) = error.downcast_ref::<StoreError>() {
        return ControlErrorKind::DatabaseAway.as_str();
    }
    match exit {
        Exit::Usage => FailureKind::Usage.as_str(),
        Exit::NoDaemon => FailureKind::NoDaemon.as_str(),
        Exit::Rejected => FailureKind::Rejected.as_str(),
        Exit::TimedOut => FailureKind::TimedOut.as_str(),
        Exit::NotPermitted => ControlErrorKind::NotPermitted.as_str(),
        Exit::Configuration => ControlErrorKind::Configuration.as_str(),
        Exit::Done | Exit::Failed | Exit::Differences => ControlErrorKind::Failed.as_str(),
    }
}
