//! What is told of accounts.

use super::id;

/// An account is refused; one line for all its jobs.
pub fn account_paused(account: &str, error: &str) {
    tracing::error!(
        event = "account_paused",
        message_id = id::ACCOUNT_PAUSED,
        account,
        "Account `{account}` is paused: {error}; its jobs wait and go on by themselves once it works"
    );
}

/// An account works again.
pub fn account_resumed(account: &str) {
    tracing::info!(
        event = "account_resumed",
        message_id = id::ACCOUNT_RESUMED,
        account,
        "Account `{account}` works again"
    );
}
