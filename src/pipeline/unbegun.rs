//! How many packages were let in and not begun at the service, and against whom they count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::Context;
use dropship_job::{Creation, Job};

/// Whose packages they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner {
    folder: Arc<str>,
    account: Arc<str>,
}

impl Owner {
    /// The owner of a job that was accepted and for which nothing was begun.
    pub(super) fn of(job: &Job) -> Option<Self> {
        let begun = !job.accepted || job.product != Creation::Open;
        let text = |text: &Option<String>| Arc::from(text.as_deref().unwrap_or_default());
        (!begun).then(|| Self { folder: text(&job.package.folder), account: text(&job.account) })
    }
}

/// The packages that are not begun, by owner.
#[derive(Debug, Default)]
pub(super) struct Unbegun(BTreeMap<Owner, usize>);

impl Unbegun {
    /// One more.
    pub(super) fn add(&mut self, owner: Owner) {
        *self.0.entry(owner).or_default() += 1;
    }

    /// How many count against a folder. What waits because its folder is paused counts against that folder alone, and
    /// what waits for a refused account against those that use it: the others could go on.
    fn crowd(
        &self,
        folder: &str,
        is_paused: impl Fn(&str) -> bool,
        is_refused: impl Fn(&str) -> bool,
    ) -> Crowd {
        let mine = self.0.keys().filter(|owner| *owner.folder == *folder && is_refused(&owner.account));
        let shared: BTreeSet<_> = mine.map(|owner| &owner.account).collect();
        let mut crowd = Crowd::default();
        for (owner, count) in &self.0 {
            let paused = is_paused(&owner.folder);
            if !paused && !is_refused(&owner.account) {
                crowd.all += count;
            } else if (paused && *owner.folder == *folder) || shared.contains(&owner.account) {
                crowd.own += count;
            }
        }
        crowd
    }

    /// All of them.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.values().sum()
    }

    /// One less.
    pub(super) fn remove(&mut self, owner: &Owner) {
        if let Some(count) = self.0.get_mut(owner) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(owner);
            }
        }
    }
}

/// How many are not begun.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// Those that can be, of all folders.
    pub all: usize,
    /// Those that cannot, and keep a folder from letting in more: it is paused, or an account that it uses is refused.
    pub own: usize,
}

impl<S> Context<S> {
    /// How many packages are not begun, for a folder that wants to let in one more.
    #[must_use]
    pub fn crowd(&self, folder: &str) -> Crowd {
        let (paused, refused) = (self.brake.scopes(), self.accounts.all());
        self.queue.unbegun(|unbegun| {
            unbegun.crowd(folder, |folder| paused.contains(folder), |account| refused.contains_key(account))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_go_on_counts_against_those_alone_who_would_add_to_it() {
        let mut unbegun = Unbegun::default();
        for (folder, account, count) in
            [("a", "x", 5), ("b", "x", 7), ("b", "y", 1), ("c", "y", 2), ("d", "y", 3)]
        {
            let owner = Owner { folder: folder.into(), account: account.into() };
            (0..count).for_each(|_| unbegun.add(owner.clone()));
        }
        let crowd = |folder: &str, paused: &str, refused: &str| {
            let Crowd { all, own } = unbegun.crowd(folder, |name| name == paused, |name| name == refused);
            (all, own)
        };
        assert_eq!(crowd("a", "", ""), (18, 0));
        // A paused folder's are its own.
        assert_eq!((crowd("a", "a", ""), crowd("c", "a", "")), ((13, 5), (13, 0)));
        // A refused account's are those of all folders that use it.
        assert_eq!(
            (crowd("a", "", "x"), crowd("b", "", "x"), crowd("c", "", "x")),
            ((6, 12), (6, 12), (6, 0))
        );
        assert_eq!(crowd("c", "c", "y"), (12, 6), "each is counted once");
    }
}
