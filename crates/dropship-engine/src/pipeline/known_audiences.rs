//! The audiences of each account, as they were when a label was last put on hold: `show` presents its request by them.

use crate::digest;
use dropship_hardware::Audience;
use dropship_store::{Entry, Store, StoreError};

/// Prefix of the settings in the store.
const PREFIX: &str = "audiences/";

/// The entry that stores the audiences of an account; `None` if the store has these already.
pub(super) fn entry(
    store: &dyn Store,
    account: &str,
    audiences: &[Audience],
) -> Result<Option<Entry>, StoreError> {
    // Names and ids are enough.
    let named = audiences.iter().map(|audience| Audience {
        id: audience.id.clone(),
        name: audience.name.clone(),
        audience_name: audience.audience_name.clone(),
        ..Audience::default()
    });
    let named: Vec<_> = named.collect();
    if named.is_empty() || named == read(store, account)? {
        return Ok(None);
    }
    let value = serde_json::to_string(&named).ok();
    Ok(value.map(|value| Entry::Setting { key: key(account), value: Some(value) }))
}

/// The stored audiences of an account; empty if there are none.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn read(store: &dyn Store, account: &str) -> Result<Vec<Audience>, StoreError> {
    let key = key(account);
    let found = store.settings(&key)?;
    let value = found.iter().find(|(found, _)| *found == key);
    Ok(value.and_then(|(_, value)| serde_json::from_str(value).ok()).unwrap_or_default())
}

fn key(account: &str) -> String {
    format!("{PREFIX}{}", digest::short(account))
}
