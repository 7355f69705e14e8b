//! What an operator sees of a label on hold, and what an approval of it says. `control` computes the pages.

mod approvals;
mod approved;
mod compare;
mod page;
mod targets;

pub use approvals::{Approvals, GivenApproval};
pub use approved::Approved;
pub use page::{ApprovalPage, NamedAudience, Previous, RequestContent, TargetChange, TargetCounts};
