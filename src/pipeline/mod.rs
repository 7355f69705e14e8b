//! Runs accepted jobs: workers take them from the queue and carry out their steps at the Hardware dashboard.

mod admission_load;
mod after_success;
mod assembly;
mod audit;
mod background;
mod clock;
mod create;
mod create_result;
mod deliveries;
mod delivery;
mod driver_metadata;
mod duplicates;
mod durability;
mod file_work;
mod fleet_pause;
mod folder_policies;
mod found_commit;
mod job_events;
mod job_retention;
pub(crate) mod known_audiences;
mod label_comparison;
mod label_context;
mod label_guard;
mod labels;
mod list_failures;
mod lists;
mod name_locks;
mod object_owner;
mod outbox_retention;
mod own_inspections;
mod pause;
mod poll;
mod product_cache;
mod published;
mod published_changes;
mod queue;
mod receipt_writer;
mod reconcile;
mod remote_create;
mod request_match;
mod results;
mod service;
mod settings;
mod step_context;
mod step_errors;
mod step_inputs;
mod steps;
mod submission_status;
mod success;
mod supersede;
mod suspended_accounts;
mod unstarted;
mod withdraw;
mod worker;

pub use admission_load::AdmissionLoad;
pub use assembly::{PackageInspector, Parts, Pipeline};
pub use audit::run as run_audit;
pub use clock::Clock;
pub use deliveries::Deliveries;
pub(crate) use file_work::is_passing;
pub use fleet_pause::{PauseRequest, concerns_pauses, request_resume};
pub use folder_policies::FolderPolicies;
pub use job_events::{JobEvents, JobObserver};
pub use job_retention::forget_ended;
pub use label_guard::LabelGuard;
pub(crate) use labels::{
    FailedLabels, Prepared, Turn, Unfit, go_live, guard_limits, lost_predecessor, missing_approval,
    unfit_fault,
};
pub use outbox_retention::{clear_results, until_clearing};
pub use own_inspections::OwnInspections;
pub use pause::PauseGate;
pub(crate) use published_changes::of_recovered as published_of_recovered;
pub use queue::Queue;
pub use receipt_writer::{ReceiptWriter, UnwrittenReceipts};
pub(crate) use results::read_driver_metadata;
pub use service::Service;
pub use settings::Settings;
pub(crate) use supersede::newest_published;
pub use suspended_accounts::{SuspendedAccounts, Suspension};
pub use unstarted::UnstartedCounts;
pub use withdraw::{label_of, note, withdraw_now, withdraw_offline};
pub use worker::run;

#[cfg(test)]
mod tests;
