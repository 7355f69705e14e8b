//! The control socket between commands and the daemon: HTTP over a Unix socket, JSON in both directions.

mod action;
mod client;
mod endpoints;
mod error;
mod handler;
mod job_service;
mod known_names;
mod label_change;
mod label_reach;
mod operator;
mod operator_groups;
mod operators;
mod peer;
mod query;
mod reloaded;
mod result_file;
mod server;
mod standing;
mod status;
mod who;

pub use action::{Approval, JobAction};
pub use client::Client;
pub use error::{ConnectError, ControlError, ControlErrorKind, NoDaemon};
pub use handler::{AdoptRequest, ControlHandler, SubmitRequest};
pub use job_service::{ActiveJobs, JobService, LabelPlanner};
pub use label_change::LabelChange;
pub use label_reach::{LabelReach, ReachSource, label_reach};
pub use operator::Operator;
pub use operator_groups::OperatorGroups;
pub use peer::{Peer, operator_name};
pub use query::JobQuery;
pub use reloaded::{Changes, GuardChange, GuardEffect, OlderPlan, Reloaded};
pub use server::serve;
pub use standing::{Calls, ConfigurationStanding};
pub use status::{AccountStatus, FolderStatus, LabelNotWithdrawn, Status};
pub use who::{OtherLabel, ReachedTarget, ReachingLabel, WhoQuery};
