//! The line that `systemctl status` shows: what is it doing, and what is stuck?

use std::sync::Arc;
use std::time::Duration;

use crate::metrics::Metrics;
use crate::pipeline::Context;
use crate::service;
use dropship_hardware::Client;
use dropship_intake::Intake;
use dropship_job::StateKind;

/// It is looked at so often, whatever happens: folders and pauses change without news of a job.
const GLANCE: Duration = Duration::from_secs(5);

/// Keeps the line true: told when it changes, once a second at most.
pub(super) async fn keep(context: Arc<Context<Client>>, intake: Arc<Intake>, metrics: Arc<Metrics>) {
    let mut news = context.news.subscribe();
    let mut shown = String::new();
    loop {
        let (seen, looked, counted) = (Arc::clone(&context), Arc::clone(&intake), Arc::clone(&metrics));
        let line = tokio::task::spawn_blocking(move || of(&seen, &looked, &counted)).await;
        if let Ok(line) = line
            && line != shown
            && !context.draining.is_cancelled()
        {
            service::status(&line);
            shown = line;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(tokio::time::timeout(GLANCE, news.changed()).await);
    }
}

/// The line as things stand now.
pub(super) fn of(context: &Context<Client>, intake: &Intake, metrics: &Metrics) -> String {
    let folders = intake.summary();
    let mut line = format!("Watching {}", counted(folders.folders, "folder"));
    if folders.degraded > 0 {
        line.push_str(&format!(" ({} degraded)", folders.degraded));
    }
    let running = context.queue.running();
    let waiting = context.queue.waiting();
    let held = context.store.count(StateKind::Held).unwrap_or_default();
    for (count, what) in [(running, "in hand"), (waiting, "waiting"), (held, "held for a person")] {
        if count > 0 {
            line.push_str(&format!(", {} {what}", counted(count, "job")));
        }
    }
    if running + waiting + held == 0 {
        line.push_str(", no jobs open");
    }
    if folders.backpressure > 0 {
        line.push_str(&format!(
            "; intake has no room now: files of {} wait",
            counted(folders.backpressure, "folder")
        ));
    }
    let paused = context.brake.scopes();
    if paused.contains("*") {
        line.push_str("; PAUSED until `dropship resume`");
    } else if !paused.is_empty() {
        line.push_str(&format!("; paused: {}", paused.into_iter().collect::<Vec<_>>().join(", ")));
    }
    for (account, paused) in context.accounts.all() {
        line.push_str(&format!("; account `{account}` is refused since {:.0}", paused.since));
    }
    if let Some((false, at)) = metrics.last_reload() {
        line.push_str(&format!("; the configuration of {at:.0} was refused, the one before is in force"));
    }
    line
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
