//! Errors of operations.

use serde::{Deserialize, Serialize};

use dropship_store::StoreError;

/// An error that the daemon reports to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ControlError {
    /// Decides the exit code of the command and the HTTP status on the socket.
    pub kind: ControlErrorKind,
    /// What failed, why, and what to do about it.
    pub message: String,
}

/// The kinds of [`ControlError`]; each has an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlErrorKind {
    /// No such job or label.
    NotFound,
    /// No folder has this name.
    UnknownFolder,
    /// No rule has this name.
    UnknownRule,
    /// The state of the job does not permit the action.
    Illegal,
    /// The caller is not permitted to do this.
    NotPermitted,
    /// The configuration is invalid.
    Configuration,
    /// The daemon tried, and failed.
    Failed,
    /// The database of the store does not respond.
    DatabaseAway,
    /// The daemon does not understand the request.
    Malformed,
    /// The daemon has no such request.
    UnknownRequest,
    /// The daemon is busy with other requests.
    Busy,
    /// The connection to the daemon was lost.
    Unreachable,
}

impl ControlErrorKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::NotFound,
        Self::UnknownFolder,
        Self::UnknownRule,
        Self::Illegal,
        Self::NotPermitted,
        Self::Configuration,
        Self::Failed,
        Self::DatabaseAway,
        Self::Malformed,
        Self::UnknownRequest,
        Self::Busy,
        Self::Unreachable,
    ];

    /// The word that scripts see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::UnknownFolder => "unknown-folder",
            Self::UnknownRule => "unknown-rule",
            Self::Illegal => "illegal",
            Self::NotPermitted => "not-permitted",
            Self::Configuration => "configuration",
            Self::Failed => "failed",
            Self::DatabaseAway => "database-away",
            Self::Malformed => "malformed",
            Self::UnknownRequest => "unknown-request",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
        }
    }

    /// When it occurs.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NotFound => "There is no such job or label.",
            Self::UnknownFolder => "No folder of the configuration has this name.",
            Self::UnknownRule => "No rule of the configuration has this name.",
            Self::Illegal => "The state of the job does not permit the action.",
            Self::NotPermitted => {
                "The caller is not an operator. Or the command may not open a file that it needs. Or, for `api`, the account lacks a role."
            }
            Self::Configuration => {
                "The configuration on disk is invalid, or does not fit the store or another node. A running daemon keeps its active \
                 configuration. Or this version of dropship cannot use the store. Or, for `api`, Microsoft refuses the credentials."
            }
            Self::Failed => {
                "The action failed, or it is not possible now: this node stands by, or the node of the folder is not running."
            }
            Self::DatabaseAway => "The database of the store does not respond.",
            Self::Malformed => {
                "The daemon does not understand the request: a parameter or the body is missing, wrong or too long."
            }
            Self::UnknownRequest => "The daemon has no such request.",
            Self::Busy => {
                "This user, or all users together, have too many connections or requests. Or the daemon has too few free file descriptors."
            }
            Self::Unreachable => {
                "A daemon is running, but does not answer on its control socket. Or the connection was lost before the daemon answered. Or no \
                 daemon answers, and another process, such as another command, uses the store."
            }
        }
    }

    /// The remedy for the operator.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => "`dropship jobs` lists the jobs, `dropship labels` the labels.",
            Self::UnknownFolder => "`dropship status` lists the folders.",
            Self::UnknownRule => {
                "The message suggests a similar name. `dropship config show` prints the rules."
            }
            Self::Illegal => "`dropship show JOB` shows the state and the next step.",
            Self::NotPermitted => {
                "For a change, ask for membership in a group of `[control] operators`. Otherwise the message names the file or the call."
            }
            Self::Configuration => {
                "Correct the errors that `dropship check` reports; for `api`, those that `dropship check --online` reports."
            }
            Self::Failed => "Read the message and the log.",
            Self::DatabaseAway => {
                "Run the command again when the database responds. `wait` and `submit --wait` continue automatically."
            }
            Self::Malformed => {
                "The message names the parameter. If a command of dropship sent the request, command and daemon have different \
                 versions: restart the daemon."
            }
            Self::UnknownRequest => {
                "Correct the path or the method. If a command of dropship sent the request, command and daemon have different \
                 versions: restart the daemon."
            }
            Self::Busy => "Run the command again later. The log names the limit that was reached.",
            Self::Unreachable => {
                "Repeat the command. If that does not help, look at `systemctl status dropship`."
            }
        }
    }
}

impl ControlError {
    /// An error about the name of a folder that the configuration does not have. `known` are the names that it has.
    pub fn unknown_folder<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(ControlErrorKind::UnknownFolder, unknown("folder", name, known))
    }

    /// An error about the name of a rule that the configuration does not have. `known` are the names that it has.
    pub fn unknown_rule<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(ControlErrorKind::UnknownRule, unknown("rule", name, known))
    }

    /// An error of work that was attempted and failed. Secrets in its message are masked.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ControlErrorKind::Failed, message)
    }

    /// Creates an error. Secrets in its message are masked.
    pub fn new(kind: ControlErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: dropship_redact::mask(&message.into()) }
    }
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Away { .. } => ControlErrorKind::DatabaseAway,
            error if error.is_fatal() => ControlErrorKind::Failed,
            _ => ControlErrorKind::Illegal,
        };
        Self::new(kind, error.to_string())
    }
}

/// The message about an unknown name, with the name that was probably meant.
fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let help = dropship_rules::suggest::nearest(name, known);
    let help = help.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
    format!("there is no {what} `{name}` in the configuration{help}")
}
