//! Fills a store with jobs that have ended.

use std::fs;
use std::path::Path;

use dropship_config::model::Config;
use dropship_config::{Environment, load};
use dropship_engine::package_store::PlanSnapshot;
use dropship_rules::vars::Vars;
use dropship_rules::{MatchInput, Planning, plan_package};
use dropship_store::{Commit, DiskStore, Entry, PublishedLabel, PublishedTarget, Store};
use jiff::{SignedDuration, Timestamp};

use crate::fleet::{BUNDLE, Release};
use crate::history::{History, digest};

/// The operating systems of the targets.
const SYSTEMS: [&str; 2] = ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL"];

/// Number of jobs whose commits are under way at the same time.
const BATCH: u32 = 500;

/// Time before now in which no package arrived, so that all have ended.
const QUIET: SignedDuration = SignedDuration::from_hours(48);

/// Fills the store of a configuration with this many jobs, which arrived in the last weeks.
pub(crate) fn fill(config: &Path, jobs: u32, weeks: i32) {
    let config = load(config, &Environment::default()).expect("a configuration");
    let (store, _) = DiskStore::open(&config.store.path).expect("a store");
    let filler = Filler { config: &config, store: &store, now: Timestamp::now(), jobs, weeks };
    for first in (0..jobs).step_by(BATCH as usize) {
        let histories: Vec<_> =
            (first..jobs.min(first + BATCH)).map(|number| filler.history(number)).collect();
        filler.commit(&histories);
    }
}

struct Filler<'a> {
    config: &'a Config,
    store: &'a DiskStore,
    now: Timestamp,
    jobs: u32,
    weeks: i32,
}

impl Filler<'_> {
    /// Packages arrive on all days, and a little more of them each week.
    fn arrival(&self, number: u32) -> Timestamp {
        let all = SignedDuration::from_hours(24 * 7) * self.weeks;
        let part = (f64::from(number) + 0.5) / f64::from(self.jobs);
        self.now - QUIET - all + all.mul_f64(part.powf(0.8))
    }

    /// The history of a package. Its plan is written beside the store.
    fn history(&self, number: u32) -> (History, Release) {
        let release = Release::of(number);
        let arrival = self.arrival(number);
        let facts = release.facts();
        let sha256 = digest("package", number);
        let name = release.file();
        let input = MatchInput::new(&name, &sha256, &facts).in_folder(Some(release.driver.folder));
        let planned = plan_package(&self.config.rules, &input, Planning::at(arrival));
        let outbox = self.config.store.path.join("outbox").join(&name);
        let outbox = outbox.to_string_lossy().into_owned();
        let Ok(plan) = planned.plan else { return (History::of(&release, arrival, None, outbox), release) };
        let snapshot = PlanSnapshot { facts, plan, vars: Vars::default(), planning: Some(planned.planning) };
        let text = serde_json::to_vec(&snapshot).expect("JSON");
        let plan = Some((&snapshot.plan, dropship_engine::digest::of(&text)));
        let history = History::of(&release, arrival, plan, outbox);
        let folder = self.config.store.path.join("packages").join(history.job.as_str());
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("dossier.json"), &text).expect("a plan");
        let metadata = serde_json::to_vec(&release.metadata(&SYSTEMS)).expect("JSON");
        fs::write(folder.join("driver-metadata.json"), metadata).expect("metadata");
        (history, release)
    }

    /// Commits the stages of all jobs, then their receipts and published labels.
    fn commit(&self, histories: &[(History, Release)]) {
        let mut handles = Vec::new();
        for (history, release) in histories {
            let mut rev = 0;
            for (at, events) in &history.stages {
                let entry = Entry::Job { job: history.job.clone(), rev, events: events.clone() };
                rev += events.len() as u64;
                handles.push(self.store.commit(Commit { at: *at, ..Commit::unsynced(vec![entry]) }));
            }
            let receipt = Entry::ReceiptWritten { job: history.job.clone(), rev };
            let labels =
                published(history, release).map(|label| Entry::LabelPublished { label: Box::new(label) });
            let entries = std::iter::once(receipt).chain(labels).collect();
            handles.push(self.store.commit(Commit::unsynced(entries)));
        }
        handles.into_iter().for_each(|handle| drop(handle.wait().expect("committed")));
    }
}

/// The published labels of a job.
fn published<'a>(history: &'a History, release: &'a Release) -> impl Iterator<Item = PublishedLabel> + 'a {
    let inf = format!("{}.inf", release.driver.stem);
    let target = move |os: &str, hardware_id: String| PublishedTarget {
        hardware_id: hardware_id.to_lowercase(),
        os: os.to_owned(),
        bundle: BUNDLE.to_owned(),
        inf: inf.clone(),
        version: Some(release.version.clone()),
    };
    history.published.iter().map(move |label| PublishedLabel {
        id: label.id,
        name: label.name.clone(),
        job: history.job.clone(),
        package: release.file(),
        rule: history.rule.clone(),
        account: "default".to_owned(),
        product: history.product,
        submission: history.submission,
        audiences: label.audiences.clone(),
        published: label.at,
        go_live: None,
        supersedes: Vec::new(),
        superseded_by: Vec::new(),
        reach: None,
        series: None,
        targets: SYSTEMS
            .iter()
            .flat_map(|os| release.hardware_ids().into_iter().map(|id| target(os, id)))
            .collect(),
    })
}
