//! Caches the product list of each account, to find the products of a name before a create.
//!
//! The service can only list all products, page by page: one list for each of a thousand packages would use up the hourly
//! request quota. Products that this daemon creates are added to the cached list. The search for a create whose response
//! was lost never uses the cache.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use dropship_hardware::{Error, Incomplete, Listing};
use dropship_job::RemoteId;

/// Minimum lifetime of a list.
const MIN_TTL: Duration = Duration::from_secs(60);
/// Lifetime as a multiple of the time the listing took; keeps listing below 20 % of wall time.
const TTL_FACTOR: u32 = 4;

/// The last product list of each account.
#[derive(Debug, Default)]
pub(super) struct ProductListCache(Mutex<BTreeMap<String, Arc<AccountProducts>>>);

#[derive(Debug, Default)]
struct AccountProducts {
    /// Held while listing, so that concurrent callers share the result.
    list: tokio::sync::Mutex<Option<CachedList>>,
    changes: Mutex<ListChanges>,
}

/// Changes since the list was started.
#[derive(Debug, Default)]
struct ListChanges {
    /// Products that this daemon created. They stay for a while, since the service may list them late.
    created: BTreeMap<String, Vec<(Instant, RemoteId)>>,
    /// A listing started before the invalidation must not be reused.
    is_invalidated: bool,
    /// Time and error of the last listing that failed.
    last_failure: Option<(Instant, Error)>,
}

#[derive(Debug)]
struct CachedList {
    products: BTreeMap<Box<str>, Vec<RemoteId>>,
    /// Why products may be missing in it.
    incomplete: Option<Incomplete>,
    until: Instant,
}

impl AccountProducts {
    fn changes(&self) -> MutexGuard<'_, ListChanges> {
        self.changes.lock()
    }
}

impl ListChanges {
    fn on_list_started(&mut self, max_age: Duration) {
        self.is_invalidated = false;
        self.created.retain(|_, created| {
            created.retain(|(at, _)| at.elapsed() < max_age);
            !created.is_empty()
        });
    }
}

impl ProductListCache {
    /// The ids of the products of a name, from a list not older than `max_age`. `list` reads a new one: all names with ids. An
    /// incomplete list is cached like a complete one.
    ///
    /// # Errors
    /// When `list` fails; concurrent callers get the same error.
    pub(super) async fn named(
        &self,
        account: &str,
        name: &str,
        max_age: Duration,
        list: impl Future<Output = Result<Listing<(String, RemoteId)>, Error>>,
    ) -> Result<Listing<RemoteId>, Error> {
        let (account, requested_at) = (self.account(account), Instant::now());
        let mut cached = account.list.lock().await;
        if let Some((at, error)) = &account.changes().last_failure
            && *at > requested_at
        {
            // The listing that this caller waited for failed.
            return Err(error.clone());
        }
        if cached.as_ref().is_none_or(|list| list.until <= Instant::now()) || account.changes().is_invalidated
        {
            *cached = None;
            account.changes().on_list_started(max_age);
            let started_at = Instant::now();
            let mut products = BTreeMap::<Box<str>, Vec<RemoteId>>::new();
            let listed = list.await.inspect_err(|error| {
                account.changes().last_failure = Some((Instant::now(), error.clone()));
            })?;
            for (name, id) in listed.items {
                products.entry(name.into()).or_default().push(id);
            }
            let lifetime = started_at.elapsed().saturating_mul(TTL_FACTOR).max(MIN_TTL);
            let until = (Instant::now() + lifetime).min(started_at + max_age);
            *cached = Some(CachedList { products, incomplete: listed.incomplete, until });
        }
        let listed = cached.as_ref().and_then(|list| list.products.get(name));
        let mut ids = listed.cloned().unwrap_or_default();
        let changes = account.changes();
        for (_, id) in changes.created.get(name).into_iter().flatten() {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        let incomplete = cached.as_ref().and_then(|list| list.incomplete.clone());
        Ok(Listing { items: ids, incomplete })
    }

    /// Adds a product that was created; a listing started earlier may lack it.
    pub(super) fn record_created(&self, account: &str, name: &str, id: RemoteId) {
        self.account(account)
            .changes()
            .created
            .entry(name.to_owned())
            .or_default()
            .push((Instant::now(), id));
    }

    /// Invalidates the list: a product may have been created whose id is unknown. The next create lists again.
    pub(super) fn invalidate(&self, account: &str) {
        self.account(account).changes().is_invalidated = true;
    }

    fn account(&self, name: &str) -> Arc<AccountProducts> {
        let mut accounts = self.0.lock();
        match accounts.get(name) {
            Some(account) => Arc::clone(account),
            None => Arc::clone(accounts.entry(name.to_owned()).or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use super::*;
    use dropship_hardware::Recovery;

    const MAX_AGE: Duration = Duration::from_secs(600);

    /// An account with one product of the name `a`, and how often it was listed.
    struct ListedAccount {
        product_lists: ProductListCache,
        list_count: Cell<usize>,
        list_duration: Duration,
    }

    impl ListedAccount {
        fn new(list_duration: Duration) -> Self {
            Self { product_lists: ProductListCache::default(), list_count: Cell::new(0), list_duration }
        }

        async fn named(&self, name: &str) -> Vec<u64> {
            let list = async {
                self.list_count.set(self.list_count.get() + 1);
                tokio::time::sleep(self.list_duration).await;
                Ok(Listing::complete_of(vec![("a".to_owned(), RemoteId::new(1))]))
            };
            let listed = self.product_lists.named("x", name, MAX_AGE, list).await.expect("a list");
            listed.items.into_iter().map(RemoteId::get).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn list_is_shared_until_it_expires_and_includes_created_products() {
        let listed = ListedAccount::new(Duration::from_secs(1));
        assert_eq!(tokio::join!(listed.named("a"), listed.named("b")), (vec![1], vec![]));
        listed.product_lists.record_created("x", "b", RemoteId::new(2));
        assert_eq!((listed.named("b").await, listed.list_count.get()), (vec![2], 1));
        // The service may list it late, and it must not appear twice.
        tokio::time::advance(MIN_TTL).await;
        listed.product_lists.record_created("x", "a", RemoteId::new(1));
        assert_eq!((listed.named("b").await, listed.list_count.get()), (vec![2], 2));
        assert_eq!(listed.named("a").await, [1]);
        tokio::time::advance(MAX_AGE).await;
        assert_eq!((listed.named("b").await, listed.list_count.get()), (vec![], 3));
    }

    #[tokio::test(start_paused = true)]
    async fn product_created_during_listing_is_included() {
        let listed = ListedAccount::new(Duration::from_secs(10));
        let making = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            listed.product_lists.record_created("x", "b", RemoteId::new(2));
        };
        assert_eq!(tokio::join!(listed.named("b"), making).0, vec![2]);
    }

    #[tokio::test(start_paused = true)]
    async fn listing_started_before_invalidation_is_not_reused() {
        let listed = ListedAccount::new(Duration::from_secs(10));
        let doubting = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            listed.product_lists.invalidate("x");
        };
        tokio::join!(listed.named("b"), doubting);
        listed.named("b").await;
        assert_eq!(listed.list_count.get(), 2);
        listed.named("b").await;
        assert_eq!(listed.list_count.get(), 2, "that listing was started after the invalidation");
    }

    #[tokio::test(start_paused = true)]
    async fn long_listing_lives_longer_but_not_beyond_max_age() {
        for (list_duration, lifetime) in [(60, 240), (590, 10)] {
            let listed = ListedAccount::new(Duration::from_secs(list_duration));
            listed.named("a").await;
            tokio::time::advance(Duration::from_secs(lifetime - 1)).await;
            listed.named("a").await;
            assert_eq!(listed.list_count.get(), 1);
            tokio::time::advance(Duration::from_secs(1)).await;
            listed.named("a").await;
            assert_eq!(listed.list_count.get(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failed_listing_fails_all_waiting_callers_and_is_retried() {
        let (product_lists, list_count) = (ProductListCache::default(), Cell::new(0));
        let down = || Error::not_sent("list products", Recovery::Retry, "down".to_owned());
        let failing = || async {
            list_count.set(list_count.get() + 1);
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err::<Listing<(String, RemoteId)>, _>(down())
        };
        let both = tokio::join!(
            product_lists.named("x", "a", MAX_AGE, failing()),
            product_lists.named("x", "a", MAX_AGE, failing())
        );
        assert_eq!((both, list_count.get()), ((Err(down()), Err(down())), 1));
        tokio::time::advance(Duration::from_secs(1)).await;
        let one = || ready(Ok(Listing::complete_of(vec![("a".to_owned(), RemoteId::new(1))])));
        assert_eq!(
            product_lists.named("x", "a", MAX_AGE, one()).await,
            Ok(Listing::complete_of(vec![RemoteId::new(1)]))
        );
        let none = ready(Ok(Listing::complete_of(Vec::new())));
        assert_eq!(product_lists.named("y", "a", MAX_AGE, none).await, Ok(Listing::complete_of(vec![])));
        assert_eq!(
            product_lists.named("x", "a", MAX_AGE, failing()).await,
            Ok(Listing::complete_of(vec![RemoteId::new(1)]))
        );
    }
}
