//! Many jobs, each of which passes all steps with one label, and the size of the tables on disk after them.

use std::path::Path;
use std::time::{Duration, Instant};

use dropship_job::{Asset, Event, Intent, JobId, PlannedLabel, RemoteId, RemoteKind};
use dropship_store::{Commit, DiskStore, Entry, Store};
use sha2::{Digest, Sha256};

use crate::{arrived, due, id, waited};

/// Number of jobs.
pub(crate) const JOBS: u32 = 10_000;
/// Number of jobs that are in progress at the same time.
const OPEN: u32 = 1000;
/// The longest wait for the store to compact its tables once it is idle.
const QUIET: Duration = Duration::from_secs(5);

/// Prints the number of transitions, and the size of the tables before and after compaction.
pub(crate) fn weigh(folder: &Path) {
    let (store, _) = DiskStore::open(folder).expect("a store");
    let transitions = live(&store);
    let busy = size(folder);
    let quiet = Instant::now();
    while size(folder) >= busy && quiet.elapsed() < QUIET {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    println!("lives {JOBS} transitions {transitions} busy {busy:.1} MiB quiet {:.1} MiB", size(folder));
}

/// Has all jobs pass all steps; returns the number of transitions.
pub(crate) fn live(store: &dyn Store) -> usize {
    let mut transitions = 0;
    for first in (0..JOBS).step_by(OPEN as usize) {
        let lives: Vec<_> = (first..first + OPEN).map(life).collect();
        let mut revs = vec![0; lives.len()];
        for step in 0..lives[0].1.len() {
            let of = |((job, life), rev): (&(JobId, Vec<Vec<Event>>), &mut u64)| {
                let events = life[step].clone();
                let entry = Entry::Job { job: job.clone(), rev: *rev, events };
                *rev += life[step].len() as u64;
                store.commit(Commit::new(vec![entry]))
            };
            let tickets: Vec<_> = lives.iter().zip(&mut revs).map(of).collect();
            transitions += tickets.len();
            tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("committed")));
        }
        let receipted = lives.iter().zip(&revs);
        let entries = receipted.map(|((job, _), rev)| Entry::ReceiptWritten { job: job.clone(), rev: *rev });
        store.commit(Commit::unsynced(entries.collect())).wait().expect("committed");
    }
    transitions
}

fn size(folder: &Path) -> f64 {
    let tables = walkdir::WalkDir::new(folder.join("sled")).into_iter().flatten();
    let bytes: u64 = tables.filter_map(|item| item.metadata().ok()).map(|of| of.len()).sum();
    bytes as f64 / f64::from(1 << 20)
}

/// A job and its transitions; the events of one transition are committed together.
pub(crate) fn life(number: u32) -> (JobId, Vec<Vec<Event>>) {
    let digest = |what: &str| {
        let digest = Sha256::digest(format!("{what} {number}"));
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let intended = |kind, name: &str| {
        let intent = Intent::new(format!("{name} {number}"), digest(name), due());
        Event::Intended { kind, intent }
    };
    let created = |kind, nth| {
        let number = u64::from_str_radix(&digest(&format!("id {nth}"))[..15], 16).expect("hex");
        let id = RemoteId::new(number);
        Event::Created { kind, id, adopted: false, go_live: None }
    };
    let progressed = |label: Option<usize>, step: &str| {
        let (step, state) = (step.to_owned(), "started".to_owned());
        vec![Event::Progressed { label, step, state }, waited()]
    };
    let file = |name: &str| Asset { name: name.to_owned(), size: 10_000, sha256: digest(name) };
    let accepted = Event::Accepted {
        rule: "attestation".to_owned(),
        account: "default".to_owned(),
        plan: digest("plan"),
        content: None,
        labels: vec![PlannedLabel { name: format!("driver {number} test ring"), ..PlannedLabel::default() }],
        warnings: Vec::new(),
        vars: std::collections::BTreeMap::new(),
    };
    let label = RemoteKind::Label(0);
    let life = vec![
        vec![arrived(number, digest("package")), accepted],
        vec![intended(RemoteKind::Product, "Example Hardware Inc. driver")],
        vec![created(RemoteKind::Product, 1)],
        vec![intended(RemoteKind::Submission, "driver")],
        vec![created(RemoteKind::Submission, 2)],
        vec![Event::Uploaded { bytes: 1 << 20 }],
        vec![Event::CommitIntended],
        vec![Event::Committed],
        progressed(None, "validation"),
        vec![Event::Resumed],
        vec![Event::Signed],
        vec![Event::Collected { files: vec![file("signed.zip"), file("driver-metadata.json")] }],
        vec![intended(label, "driver test ring")],
        vec![created(label, 3)],
        vec![Event::Labelled],
        progressed(Some(0), "microsoftApproval"),
        vec![Event::Resumed],
        vec![Event::Published { label: 0 }],
        vec![Event::Succeeded],
    ];
    (id(number), life)
}
