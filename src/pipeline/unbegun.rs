//! How many packages were let in and not begun at the service, and against whom they count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::Context;
use crate::job::{Creation, Job};

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
    /// How many packages are not begun, for a folder that wants to let in one more. What waits because its folder is
    /// paused counts against that folder alone, and what waits for a refused account against those that use it: the
    /// others could go on.
    #[must_use]
    pub fn crowd(&self, folder: &str) -> Crowd {
        let (paused, refused) = (self.brake.scopes(), self.accounts.all());
        let is_refused = |owner: &Owner| refused.contains_key(&*owner.account);
        self.queue.unbegun(|unbegun| {
            let mine = unbegun.0.keys().filter(|owner| *owner.folder == *folder && is_refused(owner));
            let shared: BTreeSet<_> = mine.map(|owner| &owner.account).collect();
            let mut crowd = Crowd::default();
            for (owner, count) in &unbegun.0 {
                let is_paused = paused.contains(&*owner.folder);
                if !is_paused && !is_refused(owner) {
                    crowd.all += count;
                } else if (is_paused && *owner.folder == *folder) || shared.contains(&owner.account) {
                    crowd.own += count;
                }
            }
            crowd
        })
    }
}
