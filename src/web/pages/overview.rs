//! The page "Overview".

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dropship_web::Markup;
use dropship_web::page::overview::{
    self, HealthItem, OverviewView, PackageLine, StateCount, Trouble, Upcoming,
};
use dropship_web::page::{Badge, Tone};
use jiff::Timestamp;

use super::super::query::QueryParameters;
use super::super::refusal::RequestRefusal;
use super::super::rows::{Row, RowCompleteness};
use super::super::site::Site;
use super::super::words;
use crate::attention::{AttentionItem, AttentionKind, Severity};
use crate::control::{FolderStatus, Status};
use dropship_engine::outbox::Receipt;
use dropship_intake::FolderState;
use dropship_job::{JobId, StateKind};

/// The parameters of the page.
pub(crate) const PARAMETERS: &[&str] = &[];

/// Address of the stream of newer versions.
pub(crate) const LIVE: &str = "/live/overview";

/// Maximum number of packages in a list, and of labels.
const MAX_ACTIVE: usize = 12;
const MAX_HELD: usize = 10;
const MAX_ENDED: usize = 10;
const MAX_LABELS: usize = 8;

/// The content of the page. It may block.
pub(crate) fn content(site: &Site, _query: &QueryParameters) -> Result<Markup, RequestRefusal> {
    Ok(overview::content(&view(site)?, LIVE, Timestamp::now()))
}

/// What the page shows now.
pub(crate) fn view(site: &Site) -> Result<OverviewView, RequestRefusal> {
    let status = site.readings.status()?;
    let overview_rows = OverviewRows::of(site);
    let mut view = OverviewView {
        is_reading: overview_rows.completeness == RowCompleteness::Reading,
        troubles: status.trouble.iter().map(trouble).collect(),
        pauses: crate::wording::pauses(&status.paused),
        restart: status.restart.clone(),
        counts: counts(&status),
        more_active: overview_rows.more_active,
        more_held: overview_rows.more_held,
        folders: status.folders.iter().map(folder).collect(),
        accounts: accounts(site, &status),
        ..OverviewView::default()
    };
    let line = |row: &Row| site.readings.current(&row.id).ok().map(|job| line(row, &job));
    view.active = overview_rows.active.iter().filter_map(line).collect();
    view.held = overview_rows.held.iter().filter_map(line).collect();
    view.ended = overview_rows.ended.iter().filter_map(line).collect();
    view.upcoming = upcoming(site, &overview_rows.upcoming);
    Ok(view)
}

/// The rows that the page shows.
struct OverviewRows {
    completeness: RowCompleteness,
    active: Vec<Row>,
    more_active: usize,
    held: Vec<Row>,
    more_held: usize,
    ended: Vec<Row>,
    upcoming: Vec<JobId>,
}

impl OverviewRows {
    fn of(site: &Site) -> Self {
        let running: BTreeSet<_> = site.readings.running();
        let now = Timestamp::now();
        let rows = site.rows.read();
        // There can be a hundred thousand rows: only the first ones of each list are kept.
        let mut active = TopRows::new(MAX_ACTIVE);
        let mut held = TopRows::new(MAX_HELD);
        let mut ended = TopRows::new(MAX_ENDED);
        let mut dated = TopRows::new(MAX_LABELS);
        for row in rows.newest_first() {
            match row.state(&running) {
                StateKind::Held => held.add(Reverse(&row.id), row),
                state if state.has_ended() => ended.add(Reverse(row.updated), row),
                // Those that a worker has come first, then those that changed last.
                state => active.add((state != StateKind::Running, Reverse(row.updated)), row),
            }
            if let Some(at) = row.not_before.iter().find(|at| **at > now) {
                dated.add(*at, row);
            }
        }
        Self {
            completeness: rows.completeness(),
            more_active: active.more(),
            active: active.rows(),
            more_held: held.more(),
            held: held.rows(),
            ended: ended.rows(),
            upcoming: dated.rows().into_iter().map(|row| row.id).collect(),
        }
    }
}

/// The rows with the smallest keys.
struct TopRows<'a, K> {
    max: usize,
    count: usize,
    rows: Vec<(K, &'a Row)>,
}

impl<'a, K: Ord> TopRows<'a, K> {
    fn new(max: usize) -> Self {
        Self { max, count: 0, rows: Vec::with_capacity(max + 1) }
    }

    fn add(&mut self, key: K, row: &'a Row) {
        self.count += 1;
        if self.rows.len() == self.max && self.rows.last().is_some_and(|(last, _)| *last <= key) {
            return;
        }
        let at = self.rows.partition_point(|(other, _)| *other <= key);
        self.rows.insert(at, (key, row));
        self.rows.truncate(self.max);
    }

    /// Number of rows that are left out.
    fn more(&self) -> usize {
        self.count - self.rows.len()
    }

    fn rows(&self) -> Vec<Row> {
        self.rows.iter().map(|(_, row)| (*row).clone()).collect()
    }
}

fn line(row: &Row, job: &Receipt) -> PackageLine {
    let has_ended = job.state.has_ended();
    let approval = words::approval_of(job);
    let error = approval.or_else(|| job.error.as_ref().map(|error| error.message.clone()));
    let note = error.or_else(|| job.waits_for.as_ref().map(|reason| format!("waits for {reason}")));
    let origin = job.rule.as_deref().or(job.folder.as_deref());
    PackageLine {
        link: words::package_link(&job.id),
        package: words::escape(&job.package),
        origin: origin.map(words::escape),
        badge: words::state(job.state),
        step: (!has_ended).then(|| job.step.to_string()),
        since: if has_ended { job.updated } else { row.step_started },
        note: note.map(|note| words::escape(&note)),
        due: job.due.filter(|_| job.state == StateKind::Waiting),
    }
}

fn upcoming(site: &Site, ids: &[JobId]) -> Vec<Upcoming> {
    let now = Timestamp::now();
    let mut found = Vec::new();
    for job in ids.iter().filter_map(|id| site.readings.current(id).ok()) {
        found.extend(job.labels.iter().filter_map(|label| {
            let at = label.not_before.filter(|at| *at > now)?;
            Some(Upcoming {
                at,
                label: words::escape(&label.name),
                badge: words::label(label.status),
                audiences: label.audiences.iter().map(|name| words::escape(name)).collect(),
                package: words::escape(&job.package),
                link: words::package_link(&job.id),
            })
        }));
    }
    found.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.label.cmp(&other.label)));
    found.truncate(MAX_LABELS);
    found
}

fn trouble(item: &AttentionItem) -> Trouble {
    Trouble {
        kind: item.kind.name().to_owned(),
        message: words::escape(&item.message),
        since: item.since,
        stops_intake: item.severity == Severity::StopsIntake,
    }
}

fn counts(status: &Status) -> Vec<StateCount> {
    let count = |state: StateKind| StateCount {
        word: state.as_str().to_owned(),
        count: status.jobs.get(&state).copied().unwrap_or_default(),
        link: format!("/packages?state={state}"),
    };
    StateKind::ALL.into_iter().map(count).collect()
}

fn folder(folder: &FolderStatus) -> HealthItem {
    let tone =
        if folder.no_room.is_some() || folder.state == FolderState::Degraded { Tone::Bad } else { Tone::Ok };
    let mut notes: Vec<_> =
        [&folder.no_room, &folder.why, &folder.advice].into_iter().flatten().cloned().collect();
    if folder.candidates > 0 {
        notes.push(format!("{} not complete yet", count(folder.candidates, "file", "files")));
    }
    if folder.ignored > 0 {
        notes.push(format!("{} ignored", count(folder.ignored, "file", "files")));
    }
    HealthItem {
        name: words::escape(&folder.name),
        place: Some(words::escape(&folder.path)),
        badge: Badge::new(tone, folder.state.as_str()),
        notes: notes.iter().map(|note| words::escape(note)).collect(),
    }
}

fn count(count: usize, one: &str, many: &str) -> String {
    dropship_web::text::count(count, one, many)
}

fn accounts(site: &Site, status: &Status) -> Vec<HealthItem> {
    let active = site.readings.configuration();
    let suspended: BTreeMap<_, _> = status.accounts.iter().map(|one| (one.name.as_str(), one)).collect();
    let about = |name: &str, kind| status.trouble.iter().any(|item| item.object == name && item.kind == kind);
    let part = |name: &str| {
        let (badge, notes) = match suspended.get(name) {
            Some(suspended) => (Badge::new(Tone::Bad, "suspended"), vec![words::escape(&suspended.why)]),
            None if about(name, AttentionKind::ServiceDown) => {
                (Badge::new(Tone::Bad, "service down"), Vec::new())
            }
            None if about(name, AttentionKind::Throttled) => {
                (Badge::new(Tone::Hold, "throttled"), Vec::new())
            }
            None => (Badge::new(Tone::Ok, "ok"), Vec::new()),
        };
        HealthItem { name: words::escape(name), place: Some(status.endpoint.clone()), badge, notes }
    };
    active.config.accounts.keys().map(|name| part(name)).collect()
}
