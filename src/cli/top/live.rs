//! The live view: reacts to keys, signals and new data.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::data::{ViewData, load};
use super::keys::ViewCommand;
use super::screen::Screen;
use super::view::{Reaction, View};
use crate::cli::exit::Exit;
use crate::cli::output::{Output, TerminalSize};
use crate::control::Client;
use crate::wording::Clock;
use dropship_engine::operations::ControlError;

/// The size of a terminal that does not know it.
const UNKNOWN: TerminalSize = TerminalSize { columns: 80, rows: 24 };

/// Shows the view until a key or a signal ends it.
pub(super) async fn run(
    daemon: &Arc<Client>,
    config: &Path,
    output: &Output,
    limit: usize,
    every: Duration,
) -> anyhow::Result<Exit> {
    let mut signals = ViewSignals::new().context("cannot wait for signals")?;
    let screen = Screen::new();
    let has_keys = screen.enter().context("cannot use the terminal")?;
    let mut view = View::new(config, limit);
    let mut keys = has_keys.then(EventStream::new);
    let mut ticks = tokio::time::interval(every.max(MIN_INTERVAL));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut loading: Option<JoinHandle<Result<ViewData, ControlError>>> = None;
    let mut is_stale = false;
    let mut needs_clear = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => is_stale = true,
            loaded = await_load(&mut loading) => {
                loading = None;
                match loaded? {
                    Ok(loaded) => view.show(loaded),
                    Err(error) => view.fail(format!("no answer, trying again: {}", error.message)),
                }
            }
            key = next_key(&mut keys) => {
                match key.map_or(Reaction::Draw, |key| view.press(key)) {
                    Reaction::Draw => {}
                    Reaction::Redraw => needs_clear = true,
                    Reaction::Load => is_stale = true,
                    Reaction::Quit => return Ok(Exit::Done),
                    Reaction::Suspend => suspend(&screen)?,
                }
            }
            signal = signals.next() => match signal {
                ViewSignal::End => return Ok(Exit::Done),
                ViewSignal::Resized => needs_clear = true,
                ViewSignal::Continued => {
                    // The shell may have changed the mode of the terminal.
                    screen.leave().context("cannot use the terminal")?;
                    screen.enter().context("cannot use the terminal")?;
                    needs_clear = true;
                }
            }
        }
        if is_stale && loading.is_none() {
            let (daemon, query) = (Arc::clone(daemon), view.query());
            loading = Some(tokio::spawn(async move { load(&daemon, &query).await }));
            is_stale = false;
        }
        let frame = view.frame(output.size().unwrap_or(UNKNOWN), &Clock::new(output.is_terminal()));
        screen.draw(&frame, std::mem::take(&mut needs_clear)).context("cannot write to the terminal")?;
    }
}

/// Minimum interval between updates.
const MIN_INTERVAL: Duration = Duration::from_millis(50);

/// The result of the request under way; pending without one.
async fn await_load<T>(task: &mut Option<JoinHandle<T>>) -> anyhow::Result<T> {
    match task {
        Some(task) => task.await.context("cannot request the jobs"),
        None => std::future::pending().await,
    }
}

/// The next key; pending if no keys can be read. `None` for an event without meaning.
async fn next_key(keys: &mut Option<EventStream>) -> Option<ViewCommand> {
    let Some(stream) = keys else { return std::future::pending().await };
    match stream.next().await {
        Some(Ok(Event::Key(key))) => ViewCommand::of(key),
        Some(Ok(_)) => None,
        // Standard input is no terminal, or it was closed.
        Some(Err(_)) | None => {
            *keys = None;
            None
        }
    }
}

/// Stops the process, as Ctrl-Z does elsewhere. The shell continues it.
fn suspend(screen: &Screen) -> anyhow::Result<()> {
    screen.leave().context("cannot restore the terminal")?;
    let this = rustix::process::getpid();
    rustix::process::kill_process(this, rustix::process::Signal::STOP).context("cannot stop the process")
}

/// What a signal means.
#[derive(Debug, Clone, Copy)]
enum ViewSignal {
    End,
    Resized,
    Continued,
}

/// The signals that concern the view.
struct ViewSignals {
    end: [Signal; 4],
    resized: Signal,
    continued: Signal,
}

impl ViewSignals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            end: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::quit())?,
            ],
            resized: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(libc::SIGCONT))?,
        })
    }

    async fn next(&mut self) -> ViewSignal {
        let [interrupt, terminate, hangup, quit] = &mut self.end;
        tokio::select! {
            _ = interrupt.recv() => ViewSignal::End,
            _ = terminate.recv() => ViewSignal::End,
            _ = hangup.recv() => ViewSignal::End,
            _ = quit.recv() => ViewSignal::End,
            _ = self.resized.recv() => ViewSignal::Resized,
            _ = self.continued.recv() => ViewSignal::Continued,
        }
    }
}
