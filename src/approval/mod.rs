//! Presents the request for a label on hold to the operator who approves it.

mod approvals;
mod approved;
mod compare;
mod content;
mod page;
mod previous;
mod targets;

pub use approvals::{Approvals, GivenApproval};
pub use approved::Approved;
pub use content::pages;
pub use page::{ApprovalPage, NamedAudience, Previous, RequestContent, TargetChange, TargetCounts};
