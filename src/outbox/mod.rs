//! The outbox: delivers results and receipts to the build server.

mod claim;
mod folder;
mod names;
mod receipt;
mod retention;

pub use claim::{Claim, claim};
pub use folder::{Outbox, read_receipt, receipts_in};
pub use names::{CERTIFICATION, ERRORS, METADATA, RECEIPT, SHELL, SIGNED};
pub use receipt::{AfterFailed, Approved, LabelReceipt, NotWithdrawn, Receipt, Workflow};
pub use retention::{remove, untouched_since};
