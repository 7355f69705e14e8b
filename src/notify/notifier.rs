//! Receives events, and queues notifications for the spool.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::delivery;
use super::notification::{self, Notification};
use super::spool::Spool;
use super::target::NotifyTarget;
use crate::metrics::{ExpositionText, registry};
use dropship_config::model::Notify;
use dropship_job::{Event, Job};
use dropship_store::Store;

/// Sends notifications; does nothing without a `[[notify]]`.
#[derive(Debug)]
pub struct Notifier {
    queue: Option<Sender<Notification>>,
    targets: Vec<Arc<NotifyTarget>>,
    sandbox: bool,
}

impl Notifier {
    /// Starts the delivery, beginning with the notifications that an earlier daemon left in the spool; `stop` ends it.
    ///
    /// # Errors
    /// When the spool cannot be opened, or the secret of a webhook cannot be read.
    pub fn start(
        configs: &[Notify],
        home: &Path,
        store: Arc<dyn Store>,
        sandbox: bool,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        if configs.is_empty() {
            return Ok(Self { queue: None, targets: Vec::new(), sandbox });
        }
        let root = home.join("notify");
        let targets: anyhow::Result<Vec<_>> =
            configs.iter().map(|config| NotifyTarget::new(config.clone(), &root).map(Arc::new)).collect();
        let targets = targets?;
        let mut spool = Spool::open(&root, targets.clone())
            .with_context(|| format!("cannot open the notification spool {}", root.display()))?;
        for target in &targets {
            tokio::spawn(delivery::run(Arc::clone(target), stop.clone()));
        }
        let (queue, received) = channel::<Notification>();
        std::thread::Builder::new().name("notify".to_owned()).spawn(move || {
            spool.catch_up(&*store, sandbox);
            for notification in received {
                spool.add(&notification);
            }
        })?;
        Ok(Self { queue: Some(queue), targets, sandbox })
    }

    /// Queues a notification about a job if one of the events is notifiable.
    pub fn on_event(&self, job: &Job, events: &[Event]) {
        let Some(queue) = &self.queue else { return };
        if events.iter().any(notification::is_notifiable)
            && let Some(notification) = Notification::of_job(job, self.sandbox)
        {
            drop(queue.send(notification));
        }
        if let Some(notification) = Notification::of_label(job, events, self.sandbox) {
            drop(queue.send(notification));
        }
    }

    /// Queues a notification about a suspended account.
    pub fn on_account_suspended(&self, name: &str, why: &str) {
        if let Some(queue) = &self.queue {
            drop(queue.send(Notification::of_account(name, why, self.sandbox)));
        }
    }

    /// Writes the metrics. Without targets, there are none.
    pub fn write(&self, text: &mut ExpositionText) {
        if self.targets.is_empty() {
            return;
        }
        let mut family = text.family(&registry::NOTIFICATIONS);
        for target in &self.targets {
            for (outcome, count) in target.outcomes() {
                family.sample(&[target.name(), outcome], count as f64);
            }
        }
        let mut family = text.family(&registry::NOTIFICATIONS_PENDING);
        for target in &self.targets {
            family.sample(&[target.name()], target.pending() as f64);
        }
    }
}
