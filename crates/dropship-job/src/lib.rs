//! The job: a pure state machine that knows no I/O.
//!
//! [`apply`] turns a job and an event into the job after it, or says that the event is illegal
//! there. Living and recovery use the same function, so a rebuilt job is the job that was lost.

mod apply;
mod event;
mod id;
mod job;
mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transition;

pub use apply::{Illegal, apply, fold};
pub use event::{Event, RemoteKind};
pub use id::{BadJobId, JobId};
pub use job::{Asset, Commit, Job, Label, Package};
pub use state::{Creation, Fault, Intent, LateDuplicateCheck, State, StateKind, Step, UnknownState};
