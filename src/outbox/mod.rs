//! The outbox: delivers results and receipts to the build server.

mod folder;
mod names;
mod receipt;
mod retention;

pub use folder::{Outbox, folder_of, read_receipt};
pub use names::{CERTIFICATION, ERRORS, METADATA, RECEIPT, SHELL, SIGNED};
pub use receipt::{Approved, LabelReceipt, NotWithdrawn, Receipt, Workflow};
pub use retention::{remove, untouched_since};
