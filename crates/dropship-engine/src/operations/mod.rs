//! What operators ask of jobs: queries and actions, with or without a daemon.

mod action;
mod approval_pages;
mod error;
mod job_service;
mod known_names;
mod label_reach;
mod operator;
mod previous_label;
mod query;
mod result_file;
mod who;

pub use action::{Approval, JobAction};
pub use approval_pages::approval_pages;
pub use error::{ControlError, ControlErrorKind};
pub use job_service::{ActiveJobs, JobService, LabelPlanner};
pub use known_names::{require_folder, require_rule};
pub use label_reach::{LabelReach, ReachSource, label_reach};
pub use operator::{Operator, operator_name};
pub use query::JobQuery;
pub use who::{OtherLabel, ReachedTarget, ReachingLabel, WhoQuery};
