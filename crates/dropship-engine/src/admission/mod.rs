//! Admission: captures found files, inspects them, matches them with a rule and creates their jobs.
//!
//! Only the captured copy counts. A job is created when the verdict is final: a positive verdict at once, a negative one
//! only when the file has settled.

mod active_config;
mod admit;
mod admit_error;
mod adopt;
mod busy_folders;
mod capacity;
mod captured_package;
mod content_claims;
mod dropped_again;
mod early_inspection;
mod evaluate;
mod file_record;
mod file_standing;
#[cfg(fuzzing)]
pub mod fuzzing;
mod inspections;
mod known_bytes;
mod leftovers;
mod older_store;
mod oversize;
mod plan_again;
mod receiver;
mod recover;
mod recovered_job;
mod reinspect;
mod replan;
mod rule_change;
mod same_content;
mod seen_files;
mod sidecar;
mod stale_store;
mod state;
mod submit;

pub use active_config::ActiveConfig;
pub(crate) use admit::planned_labels;
pub use adopt::{AdoptError, AdoptedLabel, AdoptedSubmission};
pub use capacity::LoadSource;
pub use evaluate::{CapturedBytes, Evaluation, evaluate, plan_rejection};
pub use file_standing::FileStanding;
pub use older_store::{ReceiptComparison, compare_with_receipts};
pub use recover::RecoveredJobs;
pub use replan::{ReplanError, replan};
pub use rule_change::rule_change;
pub use stale_store::StaleStore;
pub use state::Admission;
pub use submit::SubmittedFile;
