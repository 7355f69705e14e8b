//! Stores on a real PostgreSQL. `.ci/postgres` runs them.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot continue panics with a message"
)]

mod agreement;
mod failures;
mod lease;
mod schema;
#[expect(dead_code, reason = "the tests of daemons use other parts of it")]
mod server;
