//! The status line that `systemctl status` shows: current work, and problems.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::attention::Attention;
use crate::pipeline::Pipeline;
use crate::systemd::UnitStatus;
use dropship_hardware::Client;
use dropship_intake::Intake;
use dropship_job::StateKind;

/// Maximum interval between updates. Folders and pauses can change without an event of a job.
const MAX_INTERVAL: Duration = Duration::from_secs(5);

/// Updates the line when it changes, at most once a second.
pub(super) async fn update(
    pipeline: Arc<Pipeline<Client>>,
    intake: Arc<Intake>,
    attention: Arc<Attention>,
    unit: UnitStatus,
) {
    let mut changes = pipeline.events().subscribe();
    let mut shown = String::new();
    loop {
        let parts = (Arc::clone(&pipeline), Arc::clone(&intake), Arc::clone(&attention));
        let line = tokio::task::spawn_blocking(move || of(&parts.0, &parts.1, &parts.2)).await;
        if let Ok(line) = line
            && line != shown
            && !pipeline.shutdown().is_cancelled()
        {
            unit.set(&line);
            shown = line;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(tokio::time::timeout(MAX_INTERVAL, changes.changed()).await);
    }
}

/// The current line.
pub(super) fn of(pipeline: &Pipeline<Client>, intake: &Intake, attention: &Attention) -> String {
    let folders = intake.summary();
    let mut line = format!("Watching {}", counted(folders.folders, "folder"));
    if folders.degraded > 0 {
        line.push_str(&format!(" ({} degraded)", folders.degraded));
    }
    let running = pipeline.queue().running();
    let waiting = pipeline.queue().waiting();
    let held = pipeline.store().count(StateKind::Held).unwrap_or_default();
    for (count, state) in [(running, "running"), (waiting, "waiting"), (held, "held for an operator")] {
        if count > 0 {
            line.push_str(&format!(", {} {state}", counted(count, "job")));
        }
    }
    if running + waiting + held == 0 {
        line.push_str(", no jobs open");
    }
    if folders.backpressure > 0 {
        line.push_str(&format!(
            "; intake is paused: files of {} wait",
            counted(folders.backpressure, "folder")
        ));
    }
    let paused = pipeline.pause().scopes();
    if paused.contains("*") {
        line.push_str("; PAUSED until `dropship resume`");
    } else if !paused.is_empty() {
        line.push_str(&format!("; paused: {}", paused.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let kinds: BTreeSet<_> = attention.refresh().into_iter().map(|item| item.kind.name()).collect();
    if !kinds.is_empty() {
        let kinds: Vec<_> = kinds.into_iter().collect();
        line.push_str(&format!("; needs attention: {}", kinds.join(", ")));
    }
    line
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
