//! Regular probes of the outboxes. A pass probes all of them, or some in turn if there are many: an idle daemon with ten thousand folders
//! stays idle.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::outbox_probe::probe;
use dropship_engine::admission::ActiveConfig;
use dropship_shared_folder::hung_places;

/// Number of outboxes that a pass probes, besides those that could not be written. If it finds one that cannot be written
/// any more, it probes all the others too: they may have the same cause.
const IN_TURN: usize = 192;

/// Interval between passes while every outbox works, a little less than that of two rounds. Otherwise there is a pass in each round.
const PASS_INTERVAL: Duration = Duration::from_secs(29);

/// Interval between probes that create a file in an outbox that works. A little less than that of four rounds of the daemon's regular
/// work, which come a little late.
const CREATE_INTERVAL: Duration = Duration::from_secs(59);

/// Maximum time for a pass. A share that hangs does not answer at all.
const TIMEOUT: Duration = Duration::from_secs(8);

/// The outboxes with the results of their latest probes.
#[derive(Debug, Default)]
pub(super) struct OutboxProbes(Mutex<ProbedOutboxes>);

#[derive(Default)]
struct ProbedOutboxes {
    /// The configuration that they belong to.
    active: Option<Arc<ActiveConfig>>,
    outboxes: Vec<ProbedOutbox>,
    /// The outbox whose turn is next.
    next: usize,
    last_pass: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(super) struct ProbedOutbox {
    pub(super) folder: String,
    pub(super) outbox: PathBuf,
    /// Why nothing can be written there.
    pub(super) why: Option<String>,
    /// When a file was last created in it, or would have been if it existed.
    last_created: Option<Instant>,
}

impl OutboxProbes {
    /// Probes the outboxes of a configuration, if that is due. Waits for their file systems, at most some seconds. Only one
    /// thread at a time calls this.
    pub(super) fn pass(&self, active: &Arc<ActiveConfig>) {
        let due = {
            let mut state = self.0.lock();
            state.follow(active);
            if !state.is_pass_due() {
                return;
            }
            state.last_pass = Some(Instant::now());
            state.take_due()
        };
        if self.probe(due) {
            let healthy = self.0.lock().healthy();
            self.probe(healthy);
        }
    }

    /// Probes the outboxes at these indices; returns whether one cannot be written that could be before.
    fn probe(&self, due: Vec<usize>) -> bool {
        let probes: Vec<_> = {
            let state = self.0.lock();
            due.iter()
                .map(|index| &state.outboxes[*index])
                .map(|probed| (probed.outbox.clone(), probed.needs_file_test()))
                .collect()
        };
        let (places, creates): (Vec<_>, Vec<_>) = probes.iter().cloned().unzip();
        let work = move |index: usize| {
            let (outbox, creates): &(PathBuf, bool) = &probes[index];
            probe(outbox, *creates)
        };
        let started_at = Instant::now();
        let results = hung_places::each_within(places, TIMEOUT, work);
        let mut state = self.0.lock();
        let mut has_new_trouble = false;
        for ((index, result), creates) in due.into_iter().zip(results).zip(creates) {
            let (Some(result), probed) = (result, &mut state.outboxes[index]) else { continue };
            let why = result.and_then(|written| written).err().map(|error| error.to_string());
            has_new_trouble |= why.is_some() && probed.why.is_none();
            probed.why = why;
            if creates {
                probed.last_created = Some(started_at);
            }
        }
        has_new_trouble
    }

    /// The outboxes to which nothing can be written.
    pub(super) fn unwritable(&self) -> Vec<ProbedOutbox> {
        self.0.lock().outboxes.iter().filter(|probed| probed.why.is_some()).cloned().collect()
    }

    /// The folder with this outbox.
    pub(super) fn folder_of(&self, outbox: &Path) -> Option<String> {
        self.0
            .lock()
            .outboxes
            .iter()
            .find(|probed| probed.outbox == outbox)
            .map(|probed| probed.folder.clone())
    }

    /// By folder, whether its outbox can be written.
    pub(super) fn all(&self) -> BTreeMap<String, (PathBuf, bool)> {
        let outboxes = &self.0.lock().outboxes;
        outboxes
            .iter()
            .map(|probed| (probed.folder.clone(), (probed.outbox.clone(), probed.why.is_none())))
            .collect()
    }
}

impl ProbedOutboxes {
    /// Takes the outboxes of a new configuration. Those that it had before keep their results.
    fn follow(&mut self, active: &Arc<ActiveConfig>) {
        if self.active.as_ref().is_some_and(|before| Arc::ptr_eq(before, active)) {
            return;
        }
        let before = std::mem::take(&mut self.outboxes).into_iter();
        let mut before: BTreeMap<_, _> = before.map(|probed| (probed.folder.clone(), probed)).collect();
        let outbox = |folder: &dropship_config::model::Folder| {
            let outbox = folder.outbox.clone().unwrap_or_else(|| active.outbox.join(&folder.name));
            let known = before.remove(&folder.name).filter(|probed| probed.outbox == outbox);
            known.unwrap_or_else(|| ProbedOutbox {
                folder: folder.name.clone(),
                outbox,
                why: None,
                last_created: None,
            })
        };
        self.outboxes = active.config.folders.iter().map(outbox).collect();
        (self.active, self.next) = (Some(Arc::clone(active)), 0);
    }

    fn is_pass_due(&self) -> bool {
        self.outboxes.iter().any(ProbedOutbox::is_urgent)
            || self.last_pass.is_none_or(|last| last.elapsed() >= PASS_INTERVAL)
    }

    /// The outboxes that were never probed, those that cannot be written, and some of the others.
    fn take_due(&mut self) -> Vec<usize> {
        let count = self.outboxes.len();
        let is_urgent = ProbedOutbox::is_urgent;
        let mut due: Vec<usize> = self
            .outboxes
            .iter()
            .enumerate()
            .filter(|(_, probed)| is_urgent(probed))
            .map(|(index, _)| index)
            .collect();
        let in_turn = (0..count.min(IN_TURN)).map(|step| (self.next + step) % count);
        due.extend(in_turn.filter(|index| !is_urgent(&self.outboxes[*index])));
        self.next = (self.next + IN_TURN) % count.max(1);
        due
    }

    fn healthy(&self) -> Vec<usize> {
        let healthy = self.outboxes.iter().enumerate().filter(|(_, probed)| probed.why.is_none());
        healthy.map(|(index, _)| index).collect()
    }
}

impl ProbedOutbox {
    /// Whether every pass probes it: it was never probed, or cannot be written.
    fn is_urgent(&self) -> bool {
        self.last_created.is_none() || self.why.is_some()
    }

    /// Whether the next probe creates a file.
    fn needs_file_test(&self) -> bool {
        self.why.is_some() || self.last_created.is_none_or(|created| created.elapsed() >= CREATE_INTERVAL)
    }
}

impl std::fmt::Debug for ProbedOutboxes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.outboxes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outboxes(count: usize) -> ProbedOutboxes {
        let outbox = |index: usize| ProbedOutbox {
            folder: index.to_string(),
            outbox: PathBuf::from(format!("/out/{index}")),
            why: None,
            last_created: Some(Instant::now()),
        };
        ProbedOutboxes { outboxes: (0..count).map(outbox).collect(), ..ProbedOutboxes::default() }
    }

    #[test]
    fn pass_probes_all_of_few_outboxes_and_some_of_many_in_turn() {
        let mut few = outboxes(3);
        assert_eq!(few.take_due(), [0, 1, 2]);
        few.outboxes[1].why = Some("full".to_owned());
        let due = few.take_due();
        assert_eq!((due[0], due.len()), (1, 3), "{due:?}");
        assert_eq!(outboxes(0).take_due(), [] as [usize; 0]);
        few.last_pass = Some(Instant::now());
        assert!(few.is_pass_due());
        few.outboxes[1].why = None;
        assert!(!few.is_pass_due());
        few.outboxes[2].last_created = None;
        assert!(few.is_pass_due());
        let mut many = outboxes(3 * IN_TURN);
        many.outboxes[450].why = Some("full".to_owned());
        many.outboxes[510].last_created = None;
        let passes: Vec<_> = (0..3).map(|_| many.take_due()).collect();
        assert!(passes.iter().all(|due| due.starts_with(&[450, 510]) && due.len() <= IN_TURN + 2));
        let mut seen: Vec<_> = passes.concat();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, (0..3 * IN_TURN).collect::<Vec<_>>());
    }
}
