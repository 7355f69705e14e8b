//! A store remembers the endpoint and accounts that its jobs live at: ids of one service mean nothing at another.

use crate::config::model::Config;
use dropship_store::{Commit, Entry, Store};

/// The configuration names another service than the store's jobs live at.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store {store} belongs to {known}, and the configuration says {wanted}: give [store] path a folder of its own for the other one"
)]
pub struct EndpointMismatch {
    store: String,
    known: String,
    wanted: String,
}

/// Checks what the store remembers, and remembers what it does not know yet.
pub(super) async fn check(store: &dyn Store, config: &Config, sandbox: bool) -> anyhow::Result<()> {
    let endpoint = if sandbox { "the sandbox".to_owned() } else { config.api.endpoint.to_string() };
    let mut wanted = vec![("bound/endpoint".to_owned(), endpoint)];
    if !sandbox {
        wanted.extend(config.accounts.iter().map(|(name, account)| {
            (format!("bound/account/{name}"), format!("{}/{}", account.tenant_id, account.client_id))
        }));
    }
    let known = store.settings("bound/")?;
    let mut entries = Vec::new();
    for (key, value) in wanted {
        match known.iter().find(|(name, _)| *name == key) {
            Some((_, known)) if *known != value => {
                let store = config.store.path.display().to_string();
                return Err(EndpointMismatch { store, known: known.clone(), wanted: value }.into());
            }
            Some(_) => {}
            None => entries.push(Entry::Setting { key, value: Some(value) }),
        }
    }
    if !entries.is_empty() {
        store.commit(Commit::new(entries)).committed().await?;
    }
    Ok(())
}
