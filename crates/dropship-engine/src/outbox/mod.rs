//! The outbox: delivers results and receipts to the build server.

mod claim;
mod folder;
mod history;
mod newer;
mod objects;
mod origin;
mod ownership;
mod place;
mod receipt;
mod removal;
mod retention;
mod search;

pub use claim::{Claim, claim, unclaimed};
pub use folder::{Outbox, read_receipt};
pub use history::HistoryEvent;
pub use newer::is_newer;
pub use origin::Origin;
pub use ownership::Ownership;
pub use place::{ResultPlace, is_address, place_of_package, visit_receipts};
pub use receipt::{
    AfterFailed, LabelDriftReceipt, LabelReceipt, NotWithdrawn, Receipt, Workflow, published_label_warning,
};
pub use retention::untouched_since;
pub use search::{FoundReceipt, ReceiptSearch};
