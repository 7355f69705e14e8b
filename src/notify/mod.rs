//! Notifications: who wants to know what became of a job, or that an account is refused.
//!
//! Whatever happens is handed over in memory, so that no job waits for a notification. A thread writes it to
//! the spool, a task of each target delivers what is there and tries again until it is taken or too old.
//! What happened between a job's change and the spool when the daemon died is found at the next start, since
//! the spool remembers up to when it knows everything. A notification may come twice, with the same id.

mod command;
mod deliver;
mod note;
mod spool;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::config::model::Notify;
use crate::metrics::{Kind, Text};
use crate::store::Store;
use deliver::Target;
use dropship_job::{Event, Job};
use note::Note;
use spool::Spool;

/// Tells those who want to know.
#[derive(Debug)]
pub struct Notifier {
    notes: Option<Sender<Note>>,
    targets: Vec<Arc<Target>>,
    sandbox: bool,
}

impl Notifier {
    /// Begins to deliver, first what an earlier daemon left; `stop` ends it.
    ///
    /// # Errors
    /// When the spool cannot be opened, or a secret cannot be read.
    pub fn start(
        wanted: &[Notify],
        home: &Path,
        store: Arc<dyn Store>,
        sandbox: bool,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        if wanted.is_empty() {
            return Ok(Self { notes: None, targets: Vec::new(), sandbox });
        }
        let root = home.join("notify");
        let targets: anyhow::Result<Vec<_>> =
            wanted.iter().map(|wanted| Target::new(wanted.clone(), &root).map(Arc::new)).collect();
        let targets = targets?;
        let mut spool = Spool::open(&root, targets.clone())
            .with_context(|| format!("cannot open the spool of notifications {}", root.display()))?;
        for target in &targets {
            tokio::spawn(Arc::clone(target).run(stop.clone()));
        }
        let (notes, waiting) = channel::<Note>();
        std::thread::Builder::new().name("notify".to_owned()).spawn(move || {
            spool.catch_up(&*store, sandbox);
            for note in waiting {
                spool.take(&note);
            }
        })?;
        Ok(Self { notes: Some(notes), targets, sandbox })
    }

    /// Something happened to a job.
    pub fn told(&self, job: &Job, events: &[Event]) {
        if let Some(notes) = &self.notes
            && events.iter().any(note::is_worth_it)
            && let Some(note) = Note::of_job(job, self.sandbox)
        {
            drop(notes.send(note));
        }
    }

    /// An account is refused.
    pub fn account(&self, name: &str, why: &str) {
        if let Some(notes) = &self.notes {
            drop(notes.send(Note::of_account(name, why, self.sandbox)));
        }
    }

    /// Writes its numbers.
    pub fn write(&self, text: &mut Text) {
        let mut family = text.family(
            "dropship_notifications_total",
            Kind::Counter,
            "Attempts to notify, by target and outcome",
        );
        for target in &self.targets {
            for (outcome, count) in target.counts() {
                family.sample(&[("target", target.name()), ("outcome", outcome)], count as f64);
            }
        }
        let mut family =
            text.family("dropship_notifications_pending", Kind::Gauge, "Notifications that wait, by target");
        for target in &self.targets {
            family.sample(&[("target", target.name())], target.pending() as f64);
        }
    }
}
