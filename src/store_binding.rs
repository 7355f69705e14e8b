//! Binds a store to an endpoint and its accounts: the remote ids of its jobs are valid only there.

use dropship_config::model::Config;
use dropship_store::{Commit, CopyMark, Entry, Store, StoreError};

/// The configuration names another endpoint or account than the one that the store is bound to.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store {store} belongs to {bound}, but the configuration names {configured}; set [store] path to another folder for {configured}"
)]
pub struct EndpointMismatch {
    store: String,
    bound: String,
    configured: String,
}

/// Refuses a store that was copied elsewhere, or that is an unfinished copy: another daemon may process the same jobs.
///
/// # Errors
/// The [`CopyMark`] of the store, or when the store cannot be read.
pub fn refuse_copy(store: &dyn Store, config: &Config) -> anyhow::Result<()> {
    let Some(mark) = CopyMark::of(store)? else { return Ok(()) };
    let place = match &config.store.database {
        Some(database) => database.url.clone(),
        None => config.store.path.display().to_string(),
    };
    Err(anyhow::Error::new(mark).context(format!("the store {place} cannot be used")))
}

/// The endpoint and the accounts that a store is bound to, by key.
fn bindings(config: &Config, sandbox: bool) -> Vec<(String, String)> {
    let endpoint = if sandbox { "the sandbox".to_owned() } else { config.api.endpoint.to_string() };
    let mut configured = vec![("bound/endpoint".to_owned(), endpoint)];
    if !sandbox {
        configured.extend(config.accounts.iter().map(|(name, account)| {
            (format!("bound/account/{name}"), format!("{}/{}", account.tenant_id, account.client_id))
        }));
    }
    configured
}

/// Compares the configuration with the stored binding.
///
/// # Errors
/// When the store cannot be read.
pub fn endpoint_mismatch(
    store: &dyn Store,
    config: &Config,
    sandbox: bool,
) -> Result<Option<EndpointMismatch>, StoreError> {
    let bound = store.settings("bound/")?;
    let differs = |(key, value): &(String, String)| {
        let (_, stored) = bound.iter().find(|(name, stored)| name == key && stored != value)?;
        let store = config.store.path.display().to_string();
        Some(EndpointMismatch { store, bound: stored.clone(), configured: value.clone() })
    };
    Ok(bindings(config, sandbox).iter().find_map(differs))
}

/// Compares the configuration with the stored binding, and stores what is new.
pub(crate) async fn check(store: &dyn Store, config: &Config, sandbox: bool) -> anyhow::Result<()> {
    refuse_copy(store, config)?;
    if let Some(mismatch) = endpoint_mismatch(store, config, sandbox)? {
        return Err(mismatch.into());
    }
    let bound = store.settings("bound/")?;
    let new = bindings(config, sandbox).into_iter();
    let new = new.filter(|(key, _)| bound.iter().all(|(name, _)| name != key));
    let entries: Vec<_> = new.map(|(key, value)| Entry::Setting { key, value: Some(value) }).collect();
    if !entries.is_empty() {
        store.commit(Commit::new(entries)).committed().await?;
    }
    Ok(())
}
