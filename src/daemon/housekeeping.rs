//! Regular work beside jobs: heartbeats of intake, probes, the attention list, the status line. All of it shares one timer, so
//! that an idle daemon seldom wakes. The timer is a thread: a timer of tokio wakes the runtime several times before it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::status_line;
use crate::attention::Attention;
use dropship_engine::observe::Heartbeat;
use dropship_engine::pipeline::Pipeline;
use dropship_hardware::Client;
use dropship_intake::Intake;
use dropship_systemd::UnitStatus;

/// Interval between probes: as long as that between heartbeats without a watchdog, so that one wake-up serves both.
const INTERVAL: Duration = Duration::from_secs(15);

/// Interval between probes while something needs attention: an item has to disappear within 15 seconds after its cause has ended.
const INTERVAL_WITH_TROUBLE: Duration = Duration::from_secs(6);

/// Minimum time between updates of the list and the status line that changes of jobs cause.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// Delay before the first check of the connection: the first calls of jobs show the same.
const FIRST_CONNECTION: Duration = Duration::from_secs(10);

/// The parts of the daemon that need it.
pub(super) struct Housekeeping {
    pub(super) pipeline: Arc<Pipeline<Client>>,
    pub(super) intake: Arc<Intake>,
    pub(super) attention: Arc<Attention>,
    pub(super) unit: UnitStatus,
    /// The heartbeat of intake.
    pub(super) heartbeat: Heartbeat,
}

/// The regular work, and which of it runs now.
struct Rounds {
    parts: Housekeeping,
    /// The status line that systemd has.
    shown_line: Mutex<String>,
    has_trouble: AtomicBool,
    is_updating: AtomicBool,
    is_calling: AtomicBool,
    is_writing: AtomicBool,
}

/// The work of a round besides the heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Heartbeat,
    /// Updates the list and the status line.
    Update,
    /// The same after all probes.
    Probe,
}

impl Housekeeping {
    /// Does rounds until the returned future, which reports changes of jobs to them, is dropped.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn start(self) -> std::io::Result<impl Future<Output = ()> + Send> {
        let mut changes = self.pipeline.events().subscribe();
        let (changed, rounds) = sync_channel(1);
        self.spawn(rounds)?;
        Ok(async move {
            while changes.changed().await.is_ok() {
                // A change that the thread has not taken yet stands for this one too.
                changed.try_send(()).ok();
                tokio::time::sleep(MIN_PAUSE).await;
            }
        })
    }

    fn spawn(self, changed: Receiver<()>) -> std::io::Result<()> {
        let rounds = Arc::new(Rounds {
            parts: self,
            shown_line: Mutex::default(),
            has_trouble: AtomicBool::default(),
            is_updating: AtomicBool::default(),
            is_calling: AtomicBool::default(),
            is_writing: AtomicBool::default(),
        });
        let runtime = Handle::current();
        std::thread::Builder::new()
            .name("housekeeping".to_owned())
            .spawn(move || rounds.run(&runtime, &changed))?;
        Ok(())
    }
}

impl Rounds {
    fn run(self: &Arc<Self>, runtime: &Handle, changed: &Receiver<()>) {
        let first_connection = Instant::now() + FIRST_CONNECTION;
        let (mut last_probe, mut round) = (Instant::now(), Round::Probe);
        for round_number in 0.. {
            let started_at = Instant::now();
            if round == Round::Probe {
                last_probe = started_at;
                self.start_async_probes(runtime, started_at >= first_connection);
            }
            self.start_round(runtime, round_number, round);
            let interval = match self.has_trouble.load(Ordering::Relaxed) {
                true => INTERVAL_WITH_TROUBLE,
                false => INTERVAL,
            };
            let next = (last_probe + interval).min(started_at + self.parts.heartbeat.idle_interval());
            let has_changed = match changed.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            round = match last_probe.elapsed() >= interval {
                true => Round::Probe,
                false if has_changed => Round::Update,
                false => Round::Heartbeat,
            };
        }
    }

    /// Starts a round on a thread for blocking work. One that waits for a disk does not stop the heartbeats of the next.
    fn start_round(self: &Arc<Self>, runtime: &Handle, round_number: usize, round: Round) {
        let updating = (round != Round::Heartbeat)
            .then(|| SingleRun::begin(self, |rounds| &rounds.is_updating))
            .flatten();
        // From this thread, because a timer of the runtime would wake the runtime several times before it ends.
        self.parts.pipeline.queue().wake();
        let this = Arc::clone(self);
        runtime.spawn_blocking(move || {
            this.beat(round_number);
            if updating.is_some() {
                this.update(round == Round::Probe);
            }
            drop(updating);
        });
    }

    /// Shows that the locks of intake are free, and that a thread for blocking work is available. A hung share does not stop
    /// this, because a restart would not help; the health of its folder reports it.
    fn beat(&self, round_number: usize) {
        self.parts.intake.touch(round_number);
        self.parts.heartbeat.beat();
    }

    fn update(&self, with_probes: bool) {
        let Housekeeping { pipeline, intake, attention, unit, .. } = &self.parts;
        if with_probes {
            attention.probe_files();
        }
        let items = attention.refresh();
        let has_trouble = !items.is_empty();
        if !self.has_trouble.swap(has_trouble, Ordering::Relaxed) && has_trouble {
            // The next round is due sooner now: it checks whether the cause has ended.
            pipeline.events().notify_subscribers();
        }
        let line = status_line::of(pipeline, intake, &items);
        let mut shown_line = self.shown_line.lock();
        if line != *shown_line && !pipeline.shutdown().is_cancelled() {
            unit.set(&line);
            *shown_line = line;
        }
    }

    /// Starts the probes that wait for the network, and the receipts that are to be written again.
    fn start_async_probes(self: &Arc<Self>, runtime: &Handle, may_call: bool) {
        let Housekeeping { attention, pipeline, .. } = &self.parts;
        if may_call
            && attention.is_service_probe_due()
            && let Some(calling) = SingleRun::begin(self, |rounds| &rounds.is_calling)
        {
            let (attention, pipeline) = (Arc::clone(attention), Arc::clone(pipeline));
            runtime.spawn(async move {
                let probing = async {
                    if attention.probe_services().await {
                        pipeline.events().notify_subscribers();
                    }
                };
                tokio::select! {
                    () = pipeline.shutdown().cancelled() => {}
                    () = probing => {}
                }
                drop(calling);
            });
        }
        if !pipeline.receipts().unwritten().is_empty()
            && let Some(writing) = SingleRun::begin(self, |rounds| &rounds.is_writing)
        {
            let pipeline = Arc::clone(pipeline);
            runtime.spawn(async move {
                pipeline.receipts().write_unwritten().await;
                drop(writing);
                pipeline.events().notify_subscribers();
            });
        }
    }
}

/// Work of which one run at a time is in progress, until this is dropped.
struct SingleRun {
    rounds: Arc<Rounds>,
    flag: fn(&Rounds) -> &AtomicBool,
}

impl SingleRun {
    /// `None` while it is in progress.
    fn begin(rounds: &Arc<Rounds>, flag: fn(&Rounds) -> &AtomicBool) -> Option<Self> {
        let is_running = flag(rounds).swap(true, Ordering::Relaxed);
        (!is_running).then(|| Self { rounds: Arc::clone(rounds), flag })
    }
}

impl Drop for SingleRun {
    fn drop(&mut self) {
        (self.flag)(&self.rounds).store(false, Ordering::Relaxed);
    }
}
