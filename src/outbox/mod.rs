//! The outbox: delivers results and receipts to the build server.

mod claim;
mod folder;
mod history;
mod names;
mod newer;
mod origin;
mod ownership;
mod receipt;
mod retention;
mod search;

pub use claim::{Claim, claim, unclaimed};
pub use folder::{DEFAULT_MODE, Outbox, open_result, read_receipt, visit_receipts};
pub use history::HistoryEvent;
pub use names::{CERTIFICATION, ERRORS, METADATA, RECEIPT, SHELL, SIGNED, in_store};
pub use newer::is_newer;
pub use origin::Origin;
pub use ownership::Ownership;
pub(crate) use receipt::stays_published;
pub use receipt::{AfterFailed, LabelDriftReceipt, LabelReceipt, NotWithdrawn, Receipt, Workflow};
pub use retention::{remove, untouched_since};
pub use search::{FoundReceipt, ReceiptSearch};
