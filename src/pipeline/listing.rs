//! Which products bear a name: one list of an account serves every create that begins soon after it.
//!
//! The service can only list all products, page by page: a list for each of a thousand packages is most of what may be
//! asked in an hour. What this daemon makes meanwhile is added, and while a create is in doubt nothing is taken from
//! here: what bears its name then is always looked up anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use dropship_hardware::Error;

/// How long a list serves at least.
const SERVES: Duration = Duration::from_secs(60);
/// It serves so many times as long as it took, so that lists take at most a fifth of the time.
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

/// What happened beside the list.
#[derive(Debug, Default)]
struct Since {
    /// What this daemon made; it stays for a while, for the service may be late in showing it.
    made: Vec<(Instant, String, u64)>,
    /// A list that was begun before this was said serves nobody.
    forgotten: bool,
    /// When the last list that failed did, and why.
    failed: Option<(Instant, Error)>,
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

impl Since {
    fn begin(&mut self, oldest: Duration) {
        self.forgotten = false;
        self.made.retain(|(when, ..)| when.elapsed() < oldest);
    }
}

impl Listings {
    /// The ids of the products of a name, by a list that is at most so old; `list` gives a new one, all names with ids.
    ///
    /// # Errors
    /// Those of the list.
    pub(super) async fn named<L>(
        &self,
        account: &str,
        name: &str,
        oldest: Duration,
        list: impl Future<Output = Result<L, Error>>,
    ) -> Result<Vec<u64>, Error>
    where
        L: IntoIterator<Item = (String, u64)>,
    {
        let (account, asked) = (self.account(account), Instant::now());
        let mut held = account.list.lock().await;
        if let Some((when, error)) = &account.since().failed
            && *when > asked
        {
            // It was waited for: nobody else need find out the same.
            return Err(error.clone());
        }
        if held.as_ref().is_none_or(|list| list.until <= Instant::now()) || account.since().forgotten {
            *held = None;
            account.since().begin(oldest);
            let began = Instant::now();
            let mut products = BTreeMap::<Box<str>, Vec<u64>>::new();
            let listed = list.await.inspect_err(|error| {
                account.since().failed = Some((Instant::now(), error.clone()));
            })?;
            for (name, id) in listed {
                products.entry(name.into()).or_default().push(id);
            }
            let serves = began.elapsed().saturating_mul(WORTH).max(SERVES);
            *held = Some(List { products, until: (Instant::now() + serves).min(began + oldest) });
        }
        let listed = held.as_ref().and_then(|list| list.products.get(name));
        let mut ids = listed.cloned().unwrap_or_default();
        let since = account.since();
        for (_, _, id) in since.made.iter().filter(|(_, made, _)| made == name) {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        Ok(ids)
    }

    /// A product was made: a list that was begun before may lack it.
    pub(super) fn made(&self, account: &str, name: &str, id: u64) {
        self.account(account).since().made.push((Instant::now(), name.to_owned(), id));
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
    use dropship_hardware::Class;

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
                Ok([("a".to_owned(), 1)])
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
        // The service may be late in showing it, and need not show it twice.
        tokio::time::advance(SERVES).await;
        listed.listings.made("x", "a", 1);
        assert_eq!((listed.named("b").await, listed.times.get()), (vec![2], 2));
        assert_eq!(listed.named("a").await, [1]);
        tokio::time::advance(OLDEST).await;
        assert_eq!((listed.named("b").await, listed.times.get()), (vec![], 3));
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

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_that_of_all_who_waited_and_the_next_one_lists_again() {
        let (listings, times) = (Listings::default(), Cell::new(0));
        let down = || Error::unsent("list products", Class::Retry, "down".to_owned());
        let failing = || async {
            times.set(times.get() + 1);
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err::<Vec<(String, u64)>, _>(down())
        };
        let both = tokio::join!(
            listings.named("x", "a", OLDEST, failing()),
            listings.named("x", "a", OLDEST, failing())
        );
        assert_eq!((both, times.get()), ((Err(down()), Err(down())), 1));
        tokio::time::advance(Duration::from_secs(1)).await;
        let one = || ready(Ok(vec![("a".to_owned(), 1)]));
        assert_eq!(listings.named("x", "a", OLDEST, one()).await, Ok(vec![1]));
        let none = ready(Ok(Vec::new()));
        assert_eq!(listings.named("y", "a", OLDEST, none).await, Ok(vec![]));
        assert_eq!(listings.named("x", "a", OLDEST, failing()).await, Ok(vec![1]));
    }
}
