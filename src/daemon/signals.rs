//! Signals, and the end of the process: a thread of its own receives them, so that it also works when all others hang.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior};

use dropship_engine::observe::{self, Heartbeats};

/// Maximum time from the signal to the end of the process. `TimeoutStopSec=` of the unit is longer.
pub(super) const MAX_SHUTDOWN: Duration = Duration::from_secs(330 + 15);

/// Maximum time from the second signal to the end of the process.
const MAX_FORCED_SHUTDOWN: Duration = Duration::from_secs(10);

/// Maximum time to write the last log entry; a thread that hangs may hold the lock of the log.
const LAST_ENTRY: Duration = Duration::from_secs(2);

/// Age of a heartbeat above which a shutdown that the component delays can make no progress.
const STUCK_AGE: Duration = Duration::from_secs(30);

/// Age of a heartbeat above which the last log entry names its component.
const SILENT_AGE: Duration = Duration::from_secs(10);

/// The action that a signal requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// Receives signals.
#[derive(Debug)]
pub struct Signals {
    received: UnboundedReceiver<Signal>,
    forced_exit: ForcedExit,
}

/// The work that still has to end, and when the process ends in any case. Clones share it.
#[derive(Debug, Clone)]
pub struct ForcedExit {
    unfinished: Arc<Mutex<UnfinishedWork>>,
    limits: UnboundedSender<Duration>,
}

#[derive(Debug, Default)]
struct UnfinishedWork {
    what: &'static str,
    heartbeats: Option<Heartbeats>,
    /// The daemon ends because of an error.
    has_failed: bool,
}

impl Signals {
    /// Starts to receive signals; they no longer end the process.
    ///
    /// # Errors
    /// When a handler cannot be installed, or the thread cannot be started.
    pub fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let streams = {
            let _entered = runtime.enter();
            SignalStreams::listen()?
        };
        let (signal_sender, received) = unbounded_channel();
        let (limits, limit_receiver) = unbounded_channel();
        let unfinished =
            Arc::new(Mutex::new(UnfinishedWork { what: "the start", heartbeats: None, has_failed: false }));
        let forced_exit = ForcedExit { unfinished, limits };
        let thread_exit = forced_exit.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(receive(streams, &signal_sender, limit_receiver, &thread_exit))
        })?;
        Ok(Self { received, forced_exit })
    }

    /// Waits for the next signal. Cancel-safe.
    pub async fn next(&mut self) -> Signal {
        match self.received.recv().await {
            Some(signal) => signal,
            // The thread lives as long as the process.
            None => std::future::pending().await,
        }
    }

    /// When the process ends in any case.
    #[must_use]
    pub fn forced_exit(&self) -> ForcedExit {
        self.forced_exit.clone()
    }
}

impl Default for ForcedExit {
    /// A deadline without a limit.
    fn default() -> Self {
        Self { unfinished: Arc::default(), limits: unbounded_channel().0 }
    }
}

impl ForcedExit {
    /// Requires that `what` ends within `limit`; otherwise the process exits. The earliest of all limits counts.
    pub(super) fn require_end_of(&self, what: &'static str, limit: Duration) {
        self.unfinished.lock().what = what;
        // Fails only if the thread has ended, which happens at the end of the process.
        self.limits.send(limit).ok();
    }

    /// The daemon ends because of an error, so the process fails also if something does not end: systemd starts it again.
    pub(super) fn fail(&self) {
        self.unfinished.lock().has_failed = true;
    }

    /// Whether a component hangs that the shutdown needs.
    fn is_stuck(&self) -> bool {
        let heartbeats = self.unfinished.lock().heartbeats.clone();
        heartbeats.is_some_and(|heartbeats| !heartbeats.stalled_until_restart(STUCK_AGE).is_empty())
    }

    /// Names components without heartbeats in the last log entry.
    pub(super) fn watch(&self, heartbeats: &Heartbeats) {
        self.unfinished.lock().heartbeats = Some(heartbeats.clone());
    }
}

struct SignalStreams {
    terminate: Stream,
    interrupt: Stream,
    hang_up: Stream,
}

impl SignalStreams {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }
}

async fn receive(
    mut streams: SignalStreams,
    sender: &UnboundedSender<Signal>,
    mut limits: UnboundedReceiver<Duration>,
    forced_exit: &ForcedExit,
) {
    let mut stop_signals = 0_u32;
    let mut checks = tokio::time::interval(Duration::from_secs(1));
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut deadline: Option<Instant> = None;
    loop {
        let limit = tokio::select! {
            signal = streams.next() => {
                sender.send(signal).ok();
                if signal == Signal::Stop {
                    stop_signals += 1;
                }
                match stop_signals {
                    0 => None,
                    // The main task reacts to it; if it hangs, the process still ends.
                    1 => Some(MAX_SHUTDOWN),
                    _ => Some(MAX_FORCED_SHUTDOWN),
                }
            }
            Some(limit) = limits.recv() => Some(limit),
            _ = checks.tick(), if deadline.is_some() => forced_exit.is_stuck().then_some(Duration::ZERO),
            () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                exit(forced_exit);
            }
        };
        let Some(limit) = limit else { continue };
        let end_of_limit = Instant::now() + limit;
        deadline = Some(deadline.map_or(end_of_limit, |deadline| deadline.min(end_of_limit)));
    }
}

/// Ends the process. Safe at any time: acknowledged changes are durable, and the next start checks interrupted calls.
fn exit(forced_exit: &ForcedExit) -> ! {
    let (what, heartbeats, has_failed) = {
        let unfinished = forced_exit.unfinished.lock();
        (unfinished.what, unfinished.heartbeats.clone(), unfinished.has_failed)
    };
    let (logged, done) = std::sync::mpsc::channel::<()>();
    let log = move || {
        let silent = heartbeats.map(|heartbeats| heartbeats.stalled(SILENT_AGE)).unwrap_or_default();
        observe::exits_unfinished(what, &silent, has_failed);
        drop(logged);
    };
    if std::thread::Builder::new().name("last-entry".to_owned()).spawn(log).is_ok() {
        done.recv_timeout(LAST_ENTRY).ok();
    }
    std::process::exit(i32::from(has_failed))
}
