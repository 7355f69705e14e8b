//! Follows a job until it reaches a state: prints its transitions, and survives restarts of the daemon.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::exit::{Exit, ExitError};
use super::fetch::{advice_if_hidden, fetch};
use super::output::Output;
use crate::control::Client;
use dropship_config::outbox_layout::SIGNED;
use dropship_engine::operations::{ControlError, ControlErrorKind};
use dropship_engine::outbox::{HistoryEvent, Receipt};
use dropship_job::{Event, JobId, StateKind, Step};
use dropship_redact::Escaped;
use dropship_rules::duration;

/// Minimum time for the first answer of the daemon: `--timeout 0s` asks once.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// Interval between requests to the daemon.
const POLL: Duration = Duration::from_millis(500);

/// Options of a wait.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WaitOptions {
    /// State to wait for [default: published]
    #[arg(long = "for", value_enum, value_name = "STATE")]
    pub(super) until: Option<WaitGoal>,
    /// What to do while the job is held for an operator [default: wait]
    #[arg(long, value_enum, value_name = "ACTION")]
    pub(super) held: Option<HoldEffect>,
    /// Give up after this time, such as 30m or 2h [default: wait without limit]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(super) timeout: Option<Duration>,
    /// Copy the results to this folder when the wait ends before the timeout
    #[arg(long, value_name = "DIR")]
    pub(super) fetch: Option<PathBuf>,
}

impl WaitOptions {
    /// Whether any option was given.
    pub(super) fn is_given(&self) -> bool {
        self.until.is_some() || self.held.is_some() || self.timeout.is_some() || self.fetch.is_some()
    }
}

/// The state to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WaitGoal {
    /// The signed package is in the outbox
    Signed,
    /// All labels are published
    #[default]
    Published,
}

/// The effect of a hold on the wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum HoldEffect {
    /// Report the hold and wait until an operator decides
    #[default]
    Wait,
    /// End with exit code 65
    Fail,
}

/// A wait under way.
pub(super) struct CommandWait<'a> {
    pub(super) daemon: Client,
    pub(super) output: Output,
    options: &'a WaitOptions,
    started: Instant,
    deadline: Option<Instant>,
}

impl<'a> CommandWait<'a> {
    /// A wait that begins now.
    pub(super) fn new(daemon: Client, output: Output, options: &'a WaitOptions) -> Self {
        let started = Instant::now();
        let deadline = options.timeout.and_then(|timeout| started.checked_add(timeout));
        Self { daemon, output, options, started, deadline }
    }

    /// The first answer of the daemon, or `None` when it takes longer than the timeout and [`FIRST_ANSWER`].
    pub(super) async fn first_answer<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let Some(deadline) = self.deadline else { return Some(work.await) };
        tokio::time::timeout_at(deadline.max(self.started + FIRST_ANSWER), work).await.ok()
    }

    /// The result of some work, or `None` when the time is over before.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, work).await.ok(),
            None => Some(work.await),
        }
    }

    /// Waits until the next request.
    pub(super) async fn pause(&self) {
        tokio::time::sleep(POLL).await;
    }

    /// Repeats a request while the daemon does not answer, because it restarts, or cannot answer without its database.
    pub(super) async fn ask<T, F>(&self, request: impl Fn() -> F) -> Result<T, ControlError>
    where
        F: Future<Output = Result<T, ControlError>>,
    {
        let mut absent = BTreeSet::new();
        loop {
            let answer = request().await;
            let Some(part) = answer.as_ref().err().and_then(|error| absent_part(error.kind)) else {
                for part in absent {
                    self.output.note(&format!("the {part} answers again"));
                }
                return answer;
            };
            if absent.insert(part) {
                self.output.note(&format!("the {part} does not answer; waiting for it"));
            }
            self.pause().await;
        }
    }
}

/// The part whose absence is the reason of an error, and for which a command can wait.
fn absent_part(kind: ControlErrorKind) -> Option<&'static str> {
    match kind {
        ControlErrorKind::Unreachable | ControlErrorKind::Busy => Some("daemon"),
        ControlErrorKind::DatabaseAway => Some("database"),
        _ => None,
    }
}

/// Waits until a job reaches the state or ends, and prints it.
pub(super) async fn wait_for_job(wait: &CommandWait<'_>, id: &JobId) -> anyhow::Result<Exit> {
    let (goal, hold_effect) = (wait.options.until.unwrap_or_default(), wait.options.held.unwrap_or_default());
    let mut reporter = ProgressReporter { output: &wait.output, reported_events: None, reported_hold: None };
    let mut last = None;
    let (job, exit) = loop {
        let asked = wait.ask(|| wait.daemon.show(id));
        let answer = if last.is_none() { wait.first_answer(asked).await } else { wait.in_time(asked).await };
        let Some(answer) = answer else {
            return timed_out(wait, id, last, goal);
        };
        let job = answer?;
        reporter.report(&job);
        if let Some(exit) = exit_of(&job, goal, hold_effect) {
            break (job, exit);
        }
        last = Some(job);
        if wait.in_time(wait.pause()).await.is_none() {
            return timed_out(wait, id, last, goal);
        }
    };
    if let Some(folder) = &wait.options.fetch {
        let names = fetch(&wait.daemon, &job, folder).await?;
        wait.output.note(&format!("copied to {}: {}", folder.display(), names.join(", ")));
    }
    print_job(&wait.output, &job)?;
    if wait.options.fetch.is_none() && !job.files.is_empty() {
        advice_if_hidden(&job).iter().for_each(|advice| wait.output.note(advice));
    }
    Ok(exit)
}

fn print_job(output: &Output, job: &Receipt) -> anyhow::Result<()> {
    output.print_result(job, || {
        let why = job.error.as_ref().map(|error| format!(": {}", error.message));
        let why = why.or_else(|| job.waits_for.as_ref().map(|reason| format!(", waiting for {reason}")));
        let why = Escaped(&why.unwrap_or_default()).to_string();
        format!("{}: {}, {}{why}\n{}", job.id, job.step, job.state, job.outbox)
    })
}

fn timed_out(
    wait: &CommandWait<'_>,
    id: &JobId,
    last: Option<Receipt>,
    goal: WaitGoal,
) -> anyhow::Result<Exit> {
    let state = match goal {
        WaitGoal::Signed => "signed",
        WaitGoal::Published => "published",
    };
    let Some(job) = last else {
        let message = format!("timed out before it was known whether job {id} is {state}");
        return Err(ExitError(Exit::TimedOut, message).into());
    };
    wait.output.error(&format!("timed out: job {id} is not {state}"));
    print_job(&wait.output, &job)?;
    Ok(Exit::TimedOut)
}

fn exit_of(job: &Receipt, goal: WaitGoal, hold_effect: HoldEffect) -> Option<Exit> {
    let is_signed = job.files.iter().any(|file| file.name == SIGNED) || job.step == Step::Publish;
    match job.state {
        StateKind::Succeeded => Some(Exit::Done),
        _ if goal == WaitGoal::Signed && is_signed => Some(Exit::Done),
        StateKind::Held if hold_effect == HoldEffect::Fail => Some(Exit::Rejected),
        state if state.has_ended() => Some(Exit::Rejected),
        _ => None,
    }
}

/// Whether an event is a transition of the job. Holds are reported with their reason.
fn is_transition(event: &HistoryEvent) -> bool {
    !matches!(
        event.stored(),
        Some(
            Event::Waited { .. }
                | Event::Resumed
                | Event::Intended { .. }
                | Event::CommitIntended
                | Event::NotFound { .. }
                | Event::DuplicatesChecked { .. }
                | Event::Idle
                | Event::Held { .. }
                | Event::LabelHeld { .. }
        )
    )
}

/// Prints what has happened to the job since the last report.
struct ProgressReporter<'a> {
    output: &'a Output,
    /// Number of events that were reported; `None` before the first report.
    reported_events: Option<usize>,
    /// The message of the hold that was reported.
    reported_hold: Option<String>,
}

impl ProgressReporter<'_> {
    fn report(&mut self, job: &Receipt) {
        let events = job.events.as_deref().unwrap_or_default();
        match self.reported_events {
            None => {
                let waits =
                    job.waits_for.as_ref().map(|why| format!(", waiting for {why}")).unwrap_or_default();
                self.say(&format!("{}: {}, {}{waits}", job.id, job.step, job.state));
            }
            Some(reported_events) => {
                // Compaction shortens the history; what is new stays at its end.
                let new = events.iter().skip(reported_events.min(events.len()));
                for event in new.filter(|event| is_transition(event)) {
                    self.say(&format!("{}: {} ({})", job.id, event.text, event.job_step));
                }
            }
        }
        self.reported_events = Some(events.len());
        let hold = (job.state == StateKind::Held).then(|| {
            let error = job.error.as_ref().map(|error| error.message.clone());
            error.unwrap_or_else(|| "an operator has to decide".to_owned())
        });
        if let Some(why) = hold.as_ref().filter(|_| self.reported_hold != hold) {
            // The reason of an approval names the command.
            let advice = match job.approval.is_empty() {
                true => format!("; `dropship show {}` says what to do", job.id),
                false => String::new(),
            };
            self.say(&format!("{}: held: {why}{advice}", job.id));
        }
        self.reported_hold = hold;
    }

    fn say(&self, text: &str) {
        self.output.note(&Escaped(text).to_string());
    }
}
