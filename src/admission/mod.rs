//! Admission: captures found files, inspects them, matches them with a rule and creates their jobs.
//!
//! Only the captured copy counts. A job is created when the verdict is final: a positive verdict at once, a negative one
//! only when the file has settled.

mod active_config;
mod admit;
mod capacity;
mod captured_package;
mod dropped_again;
mod evaluate;
mod file_record;
mod inspections;
mod leftovers;
mod oversize;
mod receiver;
mod recover;
mod reinspect;
mod replan;
mod rule_change;
mod same_content;
mod seen_files;
mod sidecar;
mod state;
mod submit;

pub use active_config::ActiveConfig;
pub use capacity::LoadSource;
pub use evaluate::{Evaluation, evaluate};
pub use recover::RecoveredJobs;
pub use replan::{ReplanError, replan};
pub use rule_change::rule_change;
pub use state::Admission;
pub use submit::SubmittedFile;
