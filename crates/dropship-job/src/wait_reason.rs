//! Why a job waits.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::remote::RemoteKind;
use super::remote_id::RemoteId;

/// The reason why a job waits. The text completes "waits for …".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum WaitReason {
    /// An operator has paused the job's folder or everything.
    Paused,
    /// The next attempt, after an error that may pass.
    Retry,
    /// The service asked for fewer requests.
    Throttled {
        /// The service's answer.
        error: String,
    },
    /// The service is not ready for the call yet.
    ServiceNotReady {
        /// The service's answer.
        error: String,
    },
    /// The account is suspended, because credentials or roles were refused.
    SuspendedAccount {
        /// Name of the account.
        account: String,
        /// The service's answer.
        error: String,
    },
    /// The account is suspended, and its probe failed for another reason.
    AccountProbe {
        /// Name of the account.
        account: String,
        /// Why the probe failed.
        error: String,
    },
    /// Another job is creating an object with the same name.
    NameInUse {
        /// Kind of the object.
        kind: RemoteKind,
        /// The name.
        name: String,
    },
    /// A create whose response was lost may still take effect.
    CreateInDoubt,
    /// The job is done but for a check for late duplicates.
    DuplicateCheck,
    /// The service offers no upload URL yet.
    UploadUrl,
    /// Microsoft signs the package.
    Signature {
        /// The service's step and state of the submission, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workflow: Option<(String, String)>,
    },
    /// The initial submission of the product is not signed yet.
    InitialSubmission {
        /// Its id.
        id: RemoteId,
    },
    /// The signed package is not offered yet.
    SignedPackage,
    /// The driver metadata are not offered yet.
    DriverMetadata,
    /// The driver metadata lack something that the package has.
    IncompleteMetadata {
        /// INFs and OS codes, in words.
        missing: String,
    },
    /// Labels that other labels depend on are not published yet.
    Predecessors,
    /// The predecessor of a label has not been published for the time `soak` yet.
    Soak,
    /// The go-live date of a label that supersedes older ones.
    GoLive,
    /// Older labels accept no change at present.
    OlderLabels,
    /// Labels are not published yet.
    Publication,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused => f.write_str("the pause to end; `dropship resume` continues the job"),
            Self::Retry => f.write_str("the next attempt"),
            Self::Throttled { error } => write!(f, "the service, which asked for fewer requests: {error}"),
            Self::ServiceNotReady { error } => write!(f, "the service to be ready: {error}"),
            Self::SuspendedAccount { account, error } => {
                write!(f, "account `{account}`, which is suspended: {error}")
            }
            Self::AccountProbe { account, error } => {
                write!(f, "account `{account}`, which is suspended and could not be probed: {error}")
            }
            Self::NameInUse { kind, name } => {
                write!(f, "another job, which is creating a {kind} with the name `{name}`")
            }
            Self::CreateInDoubt => {
                f.write_str("the time in which a create without a response may still take effect")
            }
            Self::DuplicateCheck => {
                f.write_str("a last check for duplicates of creates that were sent twice")
            }
            Self::UploadUrl => f.write_str("the service to offer an upload URL"),
            Self::Signature { workflow: Some((step, state)) } => {
                write!(f, "Microsoft's signature; {step} is {state}")
            }
            Self::Signature { workflow: None } => f.write_str("Microsoft's signature"),
            Self::InitialSubmission { id } => {
                write!(f, "initial submission {id} of the product to be signed and to offer its shell")
            }
            Self::SignedPackage => f.write_str("the service to offer the signed package"),
            Self::DriverMetadata => f.write_str("the service to offer the driver metadata"),
            Self::IncompleteMetadata { missing } => {
                write!(f, "the service to complete the driver metadata; they lack {missing}")
            }
            Self::Predecessors => f.write_str("the labels that others depend on to be published"),
            Self::Soak => f.write_str("the soak time between two labels"),
            Self::GoLive => f.write_str("the go-live date of a label that supersedes older ones"),
            Self::OlderLabels => f.write_str(
                "older labels to accept changes, to remove the hardware ids that the new label targets",
            ),
            Self::Publication => f.write_str("the labels to be published"),
        }
    }
}
