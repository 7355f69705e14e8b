//! The control socket between commands and the daemon: HTTP over a Unix socket, JSON in both directions.

mod client;
mod connect_error;
mod endpoints;
mod error_response;
mod extract;
mod handler;
mod label_change;
mod length_limited;
mod node_of_package;
mod operator_groups;
mod package_record;
mod peer;
mod permission;
mod reach;
mod reloaded;
mod server;
mod standing;
mod status;

pub use client::Client;
pub use connect_error::{ConnectError, NoDaemon, SocketFault};
pub use error_response::ErrorResponse;
pub use handler::{AdoptRequest, ControlHandler, SubmitRequest};
pub use label_change::LabelChange;
pub use node_of_package::require_node_of_package;
pub use operator_groups::OperatorGroups;
pub use package_record::PackageRecord;
pub use peer::Peer;
pub use reloaded::{GuardChange, GuardEffect, NameChanges, OlderPlan, Reloaded};
pub use server::serve;
pub use standing::{Calls, ConfigurationStanding};
pub use status::{
    AccountStatus, FolderStatus, LabelNotWithdrawn, NodeState, NodeStatus, OWN_FOLDER, Status, nodes_of,
    reported_folder,
};
