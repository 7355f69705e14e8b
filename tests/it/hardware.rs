//! The client of the Hardware dashboard API against the sandbox, which shares no code with it. The number in a test's
//! name is that of a quirk in the list of behaviours that clients of the real service have met.
#![expect(clippy::expect_used, reason = "a failing helper fails the test")]

mod accounts;
pub(crate) mod azurite;
mod creates;
mod labels;
mod limits;
mod lists;
mod other_quirks;
mod responses;
mod transfers;
