//! The client of the service against the stand-in, which was written by somebody else. A test's number is
//! that of the quirk it is about, in the list of what clients of the real service have met.
#![expect(clippy::expect_used, reason = "a test's helpers fail like the test")]

mod accounts;
mod azurite;
mod creates;
mod labels;
mod limits;
mod other_quirks;
mod responses;
mod transfers;
