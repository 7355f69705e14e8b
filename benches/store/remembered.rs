//! A store that remembers jobs of one rule, each with its file and its published label: what a build server leaves after years.

use dropship_job::{Event, RemoteId, RemoteKind};
use dropship_store::{
    Commit, CommitHandle, DiskStore, Entry, LabelCheck, LabelSeries, PublishedLabel, PublishedTarget, Store,
};
use sha2::{Digest, Sha256};

use crate::lives::life;
use crate::{due, id};

/// Number of jobs that are committed together.
const TOGETHER: u32 = 500;

/// Fills the store. The labels are those of the rule `ring` of `benches/measure/daemon.py`, for the device of the packages that it
/// drops.
pub(crate) fn fill(store: &DiskStore, count: u32) {
    for from in (0..count).step_by(TOGETHER as usize) {
        let tickets: Vec<CommitHandle> = (from..count.min(from + TOGETHER))
            .map(|number| store.commit(Commit::unsynced(entries(number))))
            .collect();
        tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("committed")));
    }
}

fn entries(number: u32) -> Vec<Entry> {
    let (job, life) = life(number);
    let events: Vec<Event> = life.into_iter().flatten().collect();
    let created = |expected: RemoteKind| {
        events.iter().find_map(|event| match event {
            Event::Created { kind, id, .. } if *kind == expected => Some(*id),
            _ => None,
        })
    };
    let [product, submission, label] = [RemoteKind::Product, RemoteKind::Submission, RemoteKind::Label(0)]
        .map(|kind| created(kind).expect("created"));
    let rev = events.len() as u64;
    let file = Entry::KnownFile {
        folder: "in".into(),
        path: format!("/in/driver-{number}.cab"),
        identity: "i".into(),
        sha256: sha256(&format!("package {number}")),
        job: job.clone(),
    };
    vec![
        Entry::Job { job: job.clone(), rev: 0, events },
        file,
        Entry::LabelPublished { label: Box::new(published(number, (product, submission, label))) },
        Entry::LabelChecked { label, check: LabelCheck::passed(jiff::Timestamp::MAX) },
        Entry::ReceiptWritten { job, rev },
    ]
}

fn published(number: u32, (product, submission, label): (RemoteId, RemoteId, RemoteId)) -> PublishedLabel {
    // Every other package is an older version, for a device of its own.
    let (device, version) = match number % 2 {
        0 => ("PCI\\VEN_8086&DEV_1".to_owned(), "1.0.0.0"),
        _ => (format!("PCI\\VEN_8086&DEV_{number:05}"), "0.9.0.0"),
    };
    let target = PublishedTarget {
        hardware_id: device,
        os: "WINDOWS_v100_X64_CO_FULL".into(),
        bundle: "b".into(),
        inf: "echo.inf".into(),
        version: Some(version.into()),
    };
    let versions = [("b".to_owned(), [("echo.inf".to_owned(), version.to_owned())].into())].into();
    let series = sha256("default\nring\n{{ file.stem }} ring").chars().take(32).collect();
    PublishedLabel {
        id: label,
        name: format!("driver-{number} ring"),
        job: id(number),
        package: format!("driver-{number}.cab"),
        rule: "ring".into(),
        account: "default".into(),
        product,
        submission,
        audiences: vec!["Test Registry Key".into()],
        published: due(),
        go_live: None,
        supersedes: Vec::new(),
        superseded_by: Vec::new(),
        reach: None,
        series: Some(LabelSeries { id: series, versions, takes_over_since: Some(due()) }),
        targets: vec![target],
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
