//! The control socket between commands and the daemon: HTTP over a Unix socket, JSON in both directions.

mod action;
mod approval_pages;
mod client;
mod endpoints;
mod error;
mod extract;
mod handler;
mod job_service;
mod known_names;
mod label_change;
mod label_reach;
mod length_limited;
mod node_of_package;
mod operator;
mod operator_groups;
mod package_record;
mod peer;
mod permission;
mod previous_label;
mod query;
mod reach;
mod reloaded;
mod result_file;
mod server;
mod standing;
mod status;
mod who;

pub use action::{Approval, JobAction};
pub use approval_pages::approval_pages;
pub use client::Client;
pub use error::{ConnectError, ControlError, ControlErrorKind, NoDaemon, SocketFault};
pub use handler::{AdoptRequest, ControlHandler, SubmitRequest};
pub use job_service::{ActiveJobs, JobService, LabelPlanner};
pub use known_names::{require_folder, require_rule};
pub use label_change::LabelChange;
pub use label_reach::{LabelReach, ReachSource, label_reach};
pub use node_of_package::require_node_of_package;
pub use operator::Operator;
pub use operator_groups::OperatorGroups;
pub use package_record::PackageRecord;
pub use peer::{Peer, operator_name};
pub use query::JobQuery;
pub use reloaded::{GuardChange, GuardEffect, NameChanges, OlderPlan, Reloaded};
pub use server::serve;
pub use standing::{Calls, ConfigurationStanding};
pub use status::{
    AccountStatus, FolderStatus, LabelNotWithdrawn, NodeState, NodeStatus, OWN_FOLDER, Status, nodes_of,
    reported_folder,
};
pub use who::{OtherLabel, ReachedTarget, ReachingLabel, WhoQuery};
