//! The budget of one inspection: the work that a file of its length may cost, its time, and how it is cancelled.

mod cancellation;
mod early_end;
mod meter;
mod work;

pub use cancellation::Cancellation;
pub(crate) use early_end::EarlyEnd;
pub(crate) use meter::{Meter, UNMETERED};
pub use work::Work;
pub(crate) use work::{TRIED, WorkKind};
