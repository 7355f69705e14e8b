//! The page of metrics. Most values are read when the page is requested.

use super::health_endpoints::HealthEndpoints;
use super::{job_counts, node_metrics};
use crate::attention::{AttentionItem, AttentionKind};
use crate::metrics::{ExpositionText, Metric, registry};
use dropship_hardware::Availability;
use dropship_intake::{FolderHealth, FolderState};

/// Writes the page. Counting may wait for the disk.
pub(super) fn page(parts: &HealthEndpoints) -> String {
    let mut text = ExpositionText::default();
    text.family(&registry::BUILD_INFO).sample(&[env!("CARGO_PKG_VERSION")], 1.0);
    text.one(&registry::START_TIME, parts.since.as_second() as f64);
    node_metrics::write(&mut text, &**parts.pipeline.store(), true);
    write_trouble(&mut text, &parts.attention.refresh());
    write_jobs(parts, &mut text);
    write_folders(parts, &mut text);
    write_accounts(parts, &mut text);
    if let Ok(space) = parts.pipeline.packages().free_space() {
        text.one(&registry::STORE_FREE, space.free as f64);
    }
    let mut family = text.family(&registry::HEARTBEAT_AGE);
    for (part, age) in parts.heartbeats.ages() {
        family.sample(&[part], age.as_secs_f64());
    }
    parts.notifier.write(&mut text);
    let active = parts.attention.sources().admission.active();
    let rules: Vec<_> = active.config.rules.iter().map(|rule| rule.name.as_str()).collect();
    parts.metrics.write(&mut text, &rules);
    write_configuration(parts, &mut text);
    text.into_string()
}

/// Writes whether there is trouble of each kind.
pub(super) fn write_trouble(text: &mut ExpositionText, items: &[AttentionItem]) {
    let mut family = text.family(&registry::TROUBLE);
    for kind in AttentionKind::ALL {
        family.sample(&[kind.name()], flag(items.iter().any(|item| item.kind == kind)));
    }
}

fn write_jobs(parts: &HealthEndpoints, text: &mut ExpositionText) {
    match job_counts::of(&parts.pipeline) {
        Ok(counts) => {
            let mut family = text.family(&registry::JOBS);
            for (state, count) in counts {
                family.sample(&[state.as_str()], count as f64);
            }
        }
        Err(error) => tracing::warn!("cannot count the jobs in the store: {error}"),
    }
    text.one(&registry::JOBS_RUNNING, parts.pipeline.queue().running() as f64);
    let age = parts.pipeline.queue().oldest().map(|created| jiff::Timestamp::now().duration_since(created));
    text.one(&registry::OLDEST_JOB_AGE, age.map_or(0.0, |age| age.as_secs_f64().max(0.0)));
    text.one(&registry::PAUSED, flag(!parts.pipeline.pause().scopes().is_empty()));
}

/// Writes the health of folders.
pub(super) fn write_folder_health(text: &mut ExpositionText, health: &[FolderHealth]) {
    type Value = fn(&FolderHealth) -> f64;
    let families: [(&Metric, Value); 7] = [
        (&registry::FOLDER_DEGRADED, |folder| flag(folder.state == FolderState::Degraded)),
        (&registry::FOLDER_CANDIDATES, |folder| folder.candidates as f64),
        (&registry::FOLDER_BACKPRESSURE, |folder| flag(folder.backpressure.is_some())),
        (&registry::FOLDER_ACCEPTED, |folder| folder.accepted as f64),
        (&registry::FOLDER_IGNORED, |folder| folder.ignored as f64),
        (&registry::FOLDER_EVENTS, |folder| folder.events as f64),
        (&registry::FOLDER_SCANS, |folder| folder.scans as f64),
    ];
    for (metric, value) in families {
        let mut family = text.family(metric);
        for folder in health {
            family.sample(&[&folder.name], value(folder));
        }
    }
}

fn write_folders(parts: &HealthEndpoints, text: &mut ExpositionText) {
    let health = parts.intake.health();
    write_folder_health(text, &health);
    text.one(&registry::WATCH_OVERFLOWS, parts.intake.overflows() as f64);
    let mut unwritten = parts.pipeline.receipts().unwritten();
    unwritten.extend(parts.attention.sources().deliveries.failed());
    let outboxes = parts.attention.sources().probes.outboxes();
    let mut family = text.family(&registry::OUTBOX_WRITABLE);
    for folder in &health {
        let is_writable = outboxes.get(&folder.name).is_none_or(|(outbox, is_writable)| {
            *is_writable && !unwritten.iter().any(|unwritten| unwritten.outbox == *outbox)
        });
        family.sample(&[&folder.name], flag(is_writable));
    }
}

fn write_accounts(parts: &HealthEndpoints, text: &mut ExpositionText) {
    let clients = parts.pipeline.services();
    let suspended = parts.pipeline.accounts().all();
    let mut family = text.family(&registry::ACCOUNT_PAUSED);
    for name in clients.keys() {
        family.sample(&[name], flag(suspended.contains_key(name)));
    }
    let mut family = text.family(&registry::SERVICE_UP);
    for (name, client) in clients {
        family.sample(&[name], flag(!matches!(client.availability(), Availability::Down { .. })));
    }
    let offsets = clients.values().filter_map(dropship_hardware::Client::clock_offset);
    let mut family = text.family(&registry::CLOCK_SKEW);
    if let Some(offset) = offsets.max_by_key(|offset| offset.unsigned_abs()) {
        family.sample(&[], offset as f64);
    }
    let mut family = text.family(&registry::SECRET_EXPIRY);
    for (account, expires) in parts.attention.sources().probes.expiry() {
        family.sample(&[&account], expires.as_second() as f64);
    }
}

fn write_configuration(parts: &HealthEndpoints, text: &mut ExpositionText) {
    let state = &parts.attention.sources().configuration;
    text.one(&registry::CONFIG_GENERATION, state.generation() as f64);
    text.one(&registry::CONFIG_RELOAD_SUCCESSFUL, flag(state.last_refused().is_none()));
    text.one(&registry::CONFIG_RELOAD_TIME, state.last_at().as_second() as f64);
    text.one(&registry::CONFIG_RELOAD_SUCCESS_TIME, state.applied_at().as_second() as f64);
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}
