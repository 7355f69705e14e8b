//! From errors of the client to those of the store.

use dropship_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::address::with_cause;

/// Errors that a repetition does not cure. All others are temporary: a restart, a failover, a limit, a password that was changed.
const UNUSABLE_STATES: [SqlState; 8] = [
    SqlState::UNDEFINED_TABLE,
    SqlState::UNDEFINED_COLUMN,
    SqlState::INVALID_SCHEMA_NAME,
    SqlState::INSUFFICIENT_PRIVILEGE,
    SqlState::SYNTAX_ERROR,
    SqlState::UNIQUE_VIOLATION,
    SqlState::UNTRANSLATABLE_CHARACTER,
    SqlState::DATATYPE_MISMATCH,
];

/// The error of a call.
pub(crate) fn store_error(error: &Error) -> StoreError {
    let what = describe(error);
    match error.code() {
        Some(code) if UNUSABLE_STATES.contains(code) => StoreError::Unusable { what },
        _ => StoreError::Away { what },
    }
}

/// Maximum length of a server's message, in bytes.
const MAX_MESSAGE: usize = 1024;

/// The message of the server, or else the causes in order. Without secrets: a server, or a program in its place, has seen the password.
fn describe(error: &Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} (SQLSTATE {})", shortened(error.message()), error.code().code()),
        None => shortened(&with_cause(error)),
    }
}

fn shortened(text: &str) -> String {
    let mut text = dropship_redact::mask(text);
    if text.len() > MAX_MESSAGE {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE));
        text.push('…');
    }
    text
}
