//! The task of one folder: hints first, then what is due, then the look under way, one file of each in turn.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::consider::{Cause, Outcome, consider};
use super::health::Trouble;
use super::hints::Said;
use super::list::Memory;
use super::look::Look;
use super::shared::Shared;
use super::{NoRoom, Stamp};
use crate::observe;

/// Between two looks at a folder that is not there.
const ABSENT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Between two questions whether there is room again.
const FULL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// More new subfolders at once than this, and one full look sees them all.
const MOST_LOOKS: usize = 64;

pub(super) struct Task {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// How many folders are gone through at once.
    passes: Arc<Semaphore>,
    memory: Memory,
    /// The full look, if one is under way, and looks at new subfolders.
    looks: VecDeque<Look>,
    number: u64,
    next_look: Instant,
    /// Not even if events ask for it: looking must not become all that we do.
    no_look_before: Instant,
    absent: Duration,
    /// There was no room for this folder's file; how long till it is worth asking again.
    paused: bool,
    pause: Duration,
}

impl Task {
    pub(super) fn new(shared: Arc<Shared>, passes: Arc<Semaphore>, stop: CancellationToken) -> Self {
        let now = Instant::now();
        Self {
            shared,
            stop,
            passes,
            memory: Memory::default(),
            looks: VecDeque::new(),
            number: 0,
            next_look: now,
            no_look_before: now,
            absent: ABSENT.0,
            paused: false,
            pause: Duration::ZERO,
        }
    }

    pub(super) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            // Boxed, so that a folder that waits holds none of what a turn needs: most folders wait, nearly always.
            if !Box::pin(self.turn()).await {
                self.wait().await;
            }
        }
        self.shared.line.leave(&self.shared.spec.name);
        self.shared.watcher.release(&self.shared.hints, |_| false);
        self.shared.looked.cancel();
    }

    /// Does what there is to do, a little of each kind; false: nothing.
    async fn turn(&mut self) -> bool {
        if self.paused {
            return false;
        }
        let hint = self.follow_hint().await;
        let due = !self.paused && self.follow_due().await;
        self.begin_full_look();
        let look = !self.paused && self.follow_look().await;
        let busy = hint || due || look;
        self.report(busy);
        busy
    }

    async fn wait(&mut self) {
        if self.paused {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.shared.line.wait(&self.shared.spec.name, self.pause) => {}
            }
            self.paused = false;
            return;
        }
        let asked = self.shared.hints.is_dirty().then_some(self.no_look_before);
        let due = [self.memory.candidates.next_due(), asked];
        let until = due.into_iter().flatten().fold(self.next_look, Instant::min);
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep_until(until.into()) => {}
            () = self.shared.hints.wait() => {}
        }
    }

    async fn follow_hint(&mut self) -> bool {
        let Some((path, said)) = self.shared.hints.next() else {
            return false;
        };
        let wanted = path.file_name().is_some_and(|name| self.shared.takes(name));
        let companion_of = self.shared.spec.ready.companion_of(&path);
        let (path, cause) = match (said, companion_of) {
            (_, Some(path)) => (path, Cause::Beside),
            _ if !wanted && self.shared.spec.depth == 0 => return true,
            (Said::Finished, _) => (path, Cause::Finished),
            (Said::Made, _) => (path, Cause::Made),
            (Said::Removed, _) => (path, Cause::Due),
        };
        if !self.consider(&path, cause).await {
            self.shared.hints.put_back(path, said);
        }
        true
    }

    async fn follow_due(&mut self) -> bool {
        let Some(path) = self.memory.candidates.due(Instant::now()) else {
            return false;
        };
        self.consider(&path, Cause::Due).await;
        true
    }

    /// False: there is no room, and nothing has changed.
    async fn consider(&mut self, path: &Path, cause: Cause) -> bool {
        let known = self.memory.candidates.get(path).cloned();
        let gate = Arc::clone(if self.shared.is_remote() {
            &self.shared.gates.remote
        } else {
            &self.shared.gates.local
        });
        let Ok(permit) = gate.acquire_owned().await else {
            return true;
        };
        let (shared, at) = (Arc::clone(&self.shared), path.to_owned());
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = consider(&shared, &at, known, cause);
            drop(permit);
            outcome
        });
        let outcome = match outcome.await {
            Ok(outcome) => outcome,
            Err(error) => {
                // The desk's fault; the file comes up again at the next full look.
                tracing::error!(folder = %self.shared.spec.name, path = %path.display(), %error, "failed to take in");
                Outcome::Nothing
            }
        };
        match outcome {
            Outcome::Busy(full) => {
                self.pause_for_room(full);
                return false;
            }
            Outcome::Nothing => self.memory.candidates.remove(path),
            Outcome::Directory => {
                self.memory.candidates.remove(path);
                if self.looks.len() < MOST_LOOKS {
                    self.looks.push_back(Look::new(path.to_owned(), false, self.number, false));
                } else {
                    self.shared.hints.dirty();
                }
            }
            Outcome::Known { identity, taken } => {
                self.memory.candidates.remove(path);
                self.memory.known.seen(&self.shared.spec.path, path, identity.dev, self.number);
                self.shared.status().taken += u64::from(taken);
            }
            Outcome::Waits(candidate) => self.memory.candidates.put(path, candidate),
        }
        self.shared.line.leave(&self.shared.spec.name);
        if std::mem::take(&mut self.pause) > Duration::ZERO && self.shared.status().paused.take().is_some() {
            tracing::debug!(folder = %self.shared.spec.name, "there is room again for folder `{}`", self.shared.spec.name);
        }
        true
    }

    fn pause_for_room(&mut self, NoRoom { why, own }: NoRoom) {
        let Shared { spec, line, .. } = &*self.shared;
        if own {
            // Nobody else has to wait for it.
            line.leave(&spec.name);
        } else {
            line.enter(&spec.name, spec.priority);
        }
        self.paused = true;
        self.pause = (self.pause * 2).clamp(FULL.0, FULL.1);
        if self.shared.status().paused.replace(why.clone()).is_none() {
            tracing::debug!(folder = %spec.name, "there is no room for a file of folder `{}`: {why}", spec.name);
        }
    }

    fn begin_full_look(&mut self) {
        let now = Instant::now();
        if self.looks.iter().any(|look| look.full) || now < self.no_look_before {
            return;
        }
        let told = self.shared.hints.is_empty();
        if self.shared.hints.take_dirty() || now >= self.next_look {
            self.number += 1;
            let first = !self.shared.looked.is_cancelled();
            let mut look = Look::new(self.shared.spec.path.clone(), true, self.number, first);
            let mut status = self.shared.status();
            if !told {
                // Events were lost, or wait to be followed: nothing can be said of them now.
                status.told_since = status.told_since.map(|_| Stamp::now());
            }
            look.told_since = status.told_since;
            drop(status);
            self.looks.push_front(look);
        }
    }

    /// One pass or one file of the look under way.
    async fn follow_look(&mut self) -> bool {
        let Some(mut look) = self.looks.pop_front() else {
            return false;
        };
        if let Some((stamp, path)) = look.queue.pop_front() {
            let cause = Cause::Look { backlog_before: look.backlog_before };
            let new = self.is_new(&path);
            if !self.consider(&path, cause).await {
                look.queue.push_front((stamp, path));
            } else if new {
                look.bear_witness(&self.shared, &path);
            }
        } else if look.pass_due {
            look = match self.pass(look).await {
                Some(look) => look,
                None => return true,
            };
        }
        if look.is_done() {
            self.end(look).await;
        } else {
            // Looks take turns too, the full one and those at new subfolders.
            self.looks.push_back(look);
        }
        true
    }

    async fn pass(&mut self, mut look: Look) -> Option<Look> {
        let permit = Arc::clone(&self.passes).acquire_owned().await.ok()?;
        // What a subfolder's look sees now, the full look that began meanwhile need not see again.
        look.number = self.number;
        let (shared, mut memory) = (Arc::clone(&self.shared), std::mem::take(&mut self.memory));
        let passed = tokio::task::spawn_blocking(move || {
            look.pass(&shared, &mut memory);
            if look.full && look.is_done() {
                // Nothing is new, as in most looks: this saves a way to another thread.
                tell_gone(&shared, &mut memory, &mut look);
            }
            drop(permit);
            (look, memory)
        });
        match passed.await {
            Ok((look, memory)) => {
                self.memory = memory;
                Some(look)
            }
            Err(error) => {
                tracing::error!(folder = %self.shared.spec.name, %error, "a look failed; again at the next poll");
                self.next_look = Instant::now() + self.shared.spec.poll;
                None
            }
        }
    }

    async fn end(&mut self, mut look: Look) {
        if !look.full {
            return;
        }
        let now = Instant::now();
        let took = now.duration_since(look.began);
        let missing = look.dirs.is_empty();
        self.absent = if missing { (self.absent * 2).min(ABSENT.1) } else { ABSENT.0 };
        self.next_look =
            now + if missing { self.absent.min(self.shared.spec.poll) } else { self.shared.spec.poll };
        self.no_look_before = now + look.passing.clamp(Duration::from_millis(5), Duration::from_secs(5));
        look = self.told_gone(look).await;
        let refused = self.memory.candidates.take_refused();
        let mut troubles = look.troubles;
        if refused > 0 {
            troubles.push(Trouble::polling(
                format!("{refused} more files than can be kept in mind are not whole or not settled"),
                "they are looked at again at each `poll`; is this the right folder?",
            ));
        }
        self.settle_status(troubles, look.complete, took);
        tracing::debug!(folder = %self.shared.spec.name, look = look.number, took_ms = took.as_millis(), "looked");
        self.shared.looked.cancel();
    }

    async fn told_gone(&mut self, mut look: Look) -> Look {
        if look.told_gone {
            return look;
        }
        let (shared, mut memory) = (Arc::clone(&self.shared), std::mem::take(&mut self.memory));
        let number = look.number;
        let told = tokio::task::spawn_blocking(move || {
            tell_gone(&shared, &mut memory, &mut look);
            (look, memory)
        });
        match told.await {
            Ok((look, memory)) => {
                self.memory = memory;
                look
            }
            Err(error) => {
                tracing::error!(folder = %self.shared.spec.name, %error, "failed to tell which files are gone");
                Look::failed(self.shared.spec.path.clone(), number)
            }
        }
    }

    fn settle_status(&self, troubles: Vec<Trouble>, complete: bool, took: Duration) {
        let mut status = self.shared.status();
        for trouble in troubles.iter().filter(|trouble| !status.troubles.contains(trouble)) {
            trouble.tell(&self.shared.spec.name);
        }
        if troubles.is_empty() && !status.troubles.is_empty() {
            observe::folder_well(&self.shared.spec.name);
        }
        status.troubles = troubles;
        // Before anybody hears that the look is done: who waits for idleness would take none for nothing to come.
        status.candidates = self.memory.candidates.len();
        status.looks += 1;
        status.last_look_took = took;
        if complete {
            status.last_look = Some(jiff::Timestamp::now());
        }
    }

    fn is_new(&self, path: &Path) -> bool {
        self.memory.candidates.get(path).is_none() && !self.memory.known.has(&self.shared.spec.path, path)
    }

    fn report(&self, busy: bool) {
        let mut status = self.shared.status();
        status.candidates = self.memory.candidates.len();
        if busy {
            return;
        }
        let unreadable = self.memory.candidates.unreadable().map(Trouble::unreadable_file);
        if let Some(trouble) = unreadable.as_ref().filter(|_| status.unreadable.is_none()) {
            trouble.tell(&self.shared.spec.name);
        }
        status.unreadable = unreadable;
    }
}

/// Tells the desk what a complete look did not see, and the kernel which directories are no longer to be watched. Blocks.
fn tell_gone(shared: &Shared, memory: &mut Memory, look: &mut Look) {
    look.told_gone = true;
    if !look.complete {
        return;
    }
    let gone = memory.known.take_gone(&shared.spec.path, &look.devs, look.number);
    gone.iter().for_each(|path| shared.desk.gone(&shared.spec.name, path));
    shared.desk.looked(&shared.spec.name);
    shared.watcher.release(&shared.hints, |dir| look.dirs.contains(dir));
}
