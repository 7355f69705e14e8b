//! Which products bear a name: one list of an account serves every create that begins soon after it.
//!
//! The service can only list all products, page by page: a list for each of a thousand packages is most of what may be
//! asked in an hour. What this daemon makes meanwhile is added, and while a create is in doubt nothing is taken from
//! here: what bears its name then is always looked up anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a list serves at least.
const SERVES: Duration = Duration::from_secs(60);
/// It serves so many times as long as it took, so that of a large account's calls at most a fifth are lists.
const WORTH: u32 = 4;

/// The products of each account as they were listed last.
#[derive(Debug, Default)]
pub struct Listings(Mutex<BTreeMap<String, Arc<Account>>>);

#[derive(Debug, Default)]
struct Account {
    /// Held by whoever lists, so that the others wait for that list.
    list: tokio::sync::Mutex<Option<List>>,
    since: Mutex<Since>,
}

/// What happened since the last list was begun.
#[derive(Debug, Default)]
struct Since {
    made: Vec<(String, u64)>,
    /// A list that was begun before serves nobody.
    forgotten: bool,
}

#[derive(Debug)]
struct List {
    products: BTreeMap<Box<str>, Vec<u64>>,
    until: Instant,
}

impl Account {
    fn since(&self) -> MutexGuard<'_, Since> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listings {
    /// The ids of the products of a name, by a list that is at most so old; `list` gives a new one, all names with ids.
    ///
    /// # Errors
    /// Those of the list.
    pub(super) async fn named<E, L>(
        &self,
        account: &str,
        name: &str,
        oldest: Duration,
        list: impl Future<Output = Result<L, E>>,
    ) -> Result<Vec<u64>, E>
    where
        L: IntoIterator<Item = (String, u64)>,
    {
        let account = self.account(account);
        let mut held = account.list.lock().await;
        if held.as_ref().is_none_or(|list| list.until <= Instant::now()) || account.since().forgotten {
            *held = None;
            *account.since() = Since::default();
            let began = Instant::now();
            let mut products = BTreeMap::<Box<str>, Vec<u64>>::new();
            for (name, id) in list.await? {
                products.entry(name.into()).or_default().push(id);
            }
            let serves = began.elapsed().saturating_mul(WORTH).max(SERVES);
            *held = Some(List { products, until: (Instant::now() + serves).min(began + oldest) });
        }
        let listed = held.as_ref().and_then(|list| list.products.get(name));
        let mut ids = listed.cloned().unwrap_or_default();
        let since = account.since();
        ids.extend(since.made.iter().filter(|(made, _)| made == name).map(|(_, id)| *id));
        Ok(ids)
    }

    /// A product was made: a list that was begun before may lack it.
    pub(super) fn made(&self, account: &str, name: &str, id: u64) {
        self.account(account).since().made.push((name.to_owned(), id));
    }

    /// Something may have been made that nobody was told of: the next create lists anew.
    pub(super) fn forget(&self, account: &str) {
        self.account(account).since().forgotten = true;
    }

    fn account(&self, name: &str) -> Arc<Account> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    const OLDEST: Duration = Duration::from_secs(600);

    /// An account with one product of the name `a`, and how often it was listed.
    struct Listed {
        listings: Listings,
        times: Cell<usize>,
        takes: Duration,
    }

    impl Listed {
        fn new(takes: Duration) -> Self {
            Self { listings: Listings::default(), times: Cell::new(0), takes }
        }

        async fn named(&self, name: &str) -> Vec<u64> {
            let list = async {
                self.times.set(self.times.get() + 1);
                tokio::time::sleep(self.takes).await;
                Ok::<_, ()>([("a".to_owned(), 1)])
            };
            self.listings.named("x", name, OLDEST, list).await.expect("a list")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_serves_all_for_a_moment_and_what_was_made_meanwhile_is_in_it() {
        let listed = Listed::new(Duration::from_secs(1));
        assert_eq!(tokio::join!(listed.named("a"), listed.named("b")), (vec![1], vec![]));
        listed.listings.made("x", "b", 2);
        assert_eq!((listed.named("b").await, listed.times.get()), (vec![2], 1));
        tokio::time::advance(SERVES).await;
        assert_eq!((listed.named("b").await, listed.times.get()), (vec![], 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_made_while_it_was_listed_is_in_it_too() {
        let listed = Listed::new(Duration::from_secs(10));
        let making = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            listed.listings.made("x", "b", 2);
        };
        assert_eq!(tokio::join!(listed.named("b"), making).0, vec![2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_was_begun_before_a_doubt_serves_nobody_after_it() {
        let listed = Listed::new(Duration::from_secs(10));
        let doubting = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            listed.listings.forget("x");
        };
        tokio::join!(listed.named("b"), doubting);
        listed.named("b").await;
        assert_eq!(listed.times.get(), 2);
        listed.named("b").await;
        assert_eq!(listed.times.get(), 2, "that one was begun after it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_list_serves_longer_but_never_longer_than_a_call_may_be_in_doubt() {
        for (takes, serves) in [(60, 240), (590, 10)] {
            let listed = Listed::new(Duration::from_secs(takes));
            listed.named("a").await;
            tokio::time::advance(Duration::from_secs(serves - 1)).await;
            listed.named("a").await;
            assert_eq!(listed.times.get(), 1);
            tokio::time::advance(Duration::from_secs(1)).await;
            listed.named("a").await;
            assert_eq!(listed.times.get(), 2);
        }
    }

    #[tokio::test]
    async fn after_a_list_that_failed_the_next_one_lists_and_accounts_are_apart() {
        let listings = Listings::default();
        let ids =
            |account, list: Result<Vec<(String, u64)>, ()>| listings.named(account, "a", OLDEST, ready(list));
        let one = || Ok(vec![("a".to_owned(), 1)]);
        assert_eq!(ids("x", Err(())).await, Err(()));
        assert_eq!(ids("x", one()).await, Ok(vec![1]));
        assert_eq!(ids("y", Ok(Vec::new())).await, Ok(vec![]));
        assert_eq!(ids("x", Err(())).await, Ok(vec![1]));
    }
}
