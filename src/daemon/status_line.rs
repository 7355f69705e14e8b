//! The status line that `systemctl status` shows: current work, and problems.

use std::collections::BTreeSet;

use crate::attention::AttentionItem;
use dropship_engine::pipeline::{PauseScope, Pipeline};
use dropship_hardware::Client;
use dropship_intake::Intake;
use dropship_job::{StateKind, counted};

/// The current line, with the kinds of what needs attention.
pub(super) fn of(pipeline: &Pipeline<Client>, intake: &Intake, items: &[AttentionItem]) -> String {
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
    if paused.contains(&PauseScope::Everything) {
        line.push_str("; PAUSED until `dropship resume`");
    } else if !paused.is_empty() {
        let folders: Vec<_> = paused.iter().filter_map(PauseScope::folder).collect();
        line.push_str(&format!("; paused: {}", folders.join(", ")));
    }
    let kinds: BTreeSet<_> = items.iter().map(|item| item.kind.name()).collect();
    if !kinds.is_empty() {
        let kinds: Vec<_> = kinds.into_iter().collect();
        line.push_str(&format!("; needs attention: {}", kinds.join(", ")));
    }
    line
}
