#![doc = include_str!("../README.md")]

mod accepted;
mod after_failure;
mod apply;
mod approve_command;
mod counted;
mod describe;
mod error_kind;
mod event;
mod event_name;
mod fault;
mod hold_reason;
mod id;
mod invariants;
mod job;
mod label;
mod package;
mod recovered;
mod remote;
mod remote_id;
mod state;
mod state_kind;
mod step;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transition;
mod wait_reason;
mod words;

pub use accepted::Accepted;
pub use after_failure::AfterFailure;
pub use apply::{Illegal, apply, fold};
pub use approve_command::ApproveCommand;
pub use counted::{counted, is_one};
pub use describe::{DescribedEvent, describe, describe_history};
pub use error_kind::{ErrorKind, ErrorKindInfo};
pub use event::{Event, KeptTargets};
pub use fault::Fault;
pub use hold_reason::{HoldFault, HoldReason, NoHold};
pub use id::{BadJobId, JobId};
pub use job::{Job, UploadProgress};
pub use label::{
    Drift, Label, LabelApproval, LabelDrift, LabelGate, LabelHold, LabelLife, LabelStage, LabelStatus,
    PendingWithdrawal, PlannedLabel, Release, RemoteLabel, StrayLabel, Withdrawal,
};
pub use package::{Asset, Package};
pub use recovered::{InvalidJob, RecoveredJob};
pub use remote::{CreateProgress, Creation, Intent, LateDuplicateCheck, RemoteKind, Resolution};
pub use remote_id::{BadRemoteId, RemoteId};
pub use state::State;
pub use state_kind::{StateKind, UnknownState};
pub use step::Step;
pub use wait_reason::WaitReason;
pub use words::words;
