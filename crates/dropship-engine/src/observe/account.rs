//! Log lines of accounts.

use super::id;

/// The service refuses an account. Logged once for all its jobs.
pub fn account_suspended(account: &str, error: &str) {
    tracing::error!(
        event = "account_paused",
        message_id = id::ACCOUNT_PAUSED,
        account,
        "account `{account}` is suspended because the service refused it: {error}; correct its credentials or roles; its jobs \
         continue automatically once it works"
    );
}

/// A suspended account works again.
pub fn account_resumed(account: &str) {
    tracing::info!(
        event = "account_resumed",
        message_id = id::ACCOUNT_RESUMED,
        account,
        "account `{account}` works again"
    );
}
