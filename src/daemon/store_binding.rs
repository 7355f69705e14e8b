//! Binds a store to an endpoint and its accounts: the remote ids of its jobs are valid only there.

use crate::config::model::Config;
use dropship_store::{Commit, Entry, Store};

/// The configuration names another endpoint or account than the one that the store is bound to.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store {store} belongs to {known}, but the configuration names {wanted}; set [store] path to another folder for {wanted}"
)]
pub struct EndpointMismatch {
    store: String,
    known: String,
    wanted: String,
}

/// Compares the configuration with the stored binding, and stores what is new.
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
