//! Random histories, and all answers of a store after them.

#![expect(clippy::expect_used, reason = "a failure is that of a test")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::testing::samples::{accepted, arrived, id, label, published, series};
use crate::{
    Commit, DeviceQuery, Entry, HardwareIds, LabelCheck, NewestLabels, PublishedLabel, PublishedTarget, Store,
};
use dropship_job::{Event, RemoteId};

/// The product that the job of this number may adopt.
fn product(at: u32) -> RemoteId {
    RemoteId::new(u64::from(at) * 10 + 1)
}

/// The answers of a store to all queries about that many jobs.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn all_answers(store: &dyn Store, jobs: u32) -> BTreeMap<String, String> {
    let mut answers = BTreeMap::new();
    let mut record = |what: &str, answer: String| answers.insert(what.to_owned(), answer);
    for at in 0..jobs {
        let job = store.job(&id(at)).expect("job");
        record(&format!("job {at}"), format!("{job:?}"));
        let (sha256, path) = (format!("s{at}"), format!("/in/s{at}"));
        record(&format!("find {at}"), format!("{:?}", store.find(&sha256, Some("in")).expect("find")));
        record(&format!("seen {at}"), format!("{:?}", store.known_file("in", &path).expect("seen")));
        record(
            &format!("inspecting {at}"),
            format!("{}", store.crashed_inspections(&sha256).expect("inspecting")),
        );
        record(&format!("owner {at}"), format!("{:?}", store.owner(product(at)).expect("owner")));
        if job.is_some() {
            let mut history = store.history(&id(at)).expect("history");
            history.retain(|entry| !matches!(entry.event, Event::Waited { .. } | Event::Resumed));
            record(&format!("history {at}"), format!("{history:?}"));
        }
    }
    for label in (0..4).map(RemoteId::new) {
        let label = (store.published_label(label), store.targets_of_label(label), store.label_check(label));
        record(&format!("label {label:?}"), String::new());
    }
    for label in (0..4).map(RemoteId::new) {
        let older = store.older_in_series(label).expect("older");
        let newer = store.arrived_in_series(label, Timestamp::UNIX_EPOCH).expect("newer");
        record(&format!("series of {label}"), format!("{older:?} {newer:?}"));
    }
    record("series", format!("{:?}", store.newest_in_series("s", None, 9).expect("a series")));
    let order = store.labels_checked_before(Timestamp::MAX, 9).expect("order");
    record("order", format!("{order:?}"));
    let query = DeviceQuery { hardware_ids: HardwareIds::Matching("pci", &|_| true), os: &|_| true };
    let mut labels = NewestLabels::of(store, query).expect("devices");
    let newest: Vec<_> = std::iter::from_fn(|| labels.next().expect("a label")).collect();
    record("newest labels", format!("{newest:?}"));
    record("flags", format!("{:?}", store.settings("").expect("flags")));
    let mut open: Vec<_> = store.open_jobs().expect("open").into_iter().map(|job| job.id().clone()).collect();
    open.sort();
    record("open", format!("{open:?}"));
    record("counts", format!("{:?}", store.counts().expect("counts")));
    answers
}

/// One random commit about the job of this number.
///
/// # Panics
/// When the store cannot be read.
pub fn commit_random(store: &dyn Store, what: u8, at: u32, pruned: &mut BTreeSet<u32>) {
    let (sha256, path, setting) = (format!("s{at}"), format!("/in/s{at}"), format!("flag/{}", at % 3));
    let job = store.job(&id(at)).expect("job");
    let rev = job.as_ref().map_or(0, |job| job.rev());
    let due = Timestamp::from_second(1_790_000_000).expect("time");
    let known_file = Entry::KnownFile {
        folder: "in".into(),
        path: path.clone(),
        identity: format!("{what}"),
        sha256: sha256.clone(),
        job: id(at),
    };
    let of_job = |events: Vec<Event>| vec![Entry::Job { job: id(at), rev, events }];
    let label_id = RemoteId::new(u64::from(at % 4));
    let entries = match what % 15 {
        0 | 1 => {
            let mut entries = of_job(vec![arrived(&sha256, Some("in")), accepted()]);
            entries.push(known_file);
            entries
        }
        2..=4 => of_job(vec![
            Event::Waited { due, why: dropship_job::WaitReason::UploadUrl, polled: true },
            Event::Resumed,
        ]),
        5 => of_job(vec![Event::Created {
            kind: dropship_job::RemoteKind::Product,
            id: product(at),
            adopted: true,
            go_live: None,
        }]),
        6 => of_job(vec![Event::Cancelled { by: "an operator".into() }]),
        7 => vec![Entry::Pruned { job: id(at) }],
        8 => vec![Entry::FileRemoved { folder: "in".into(), path }],
        9 => vec![Entry::Setting { key: setting, value: (!at.is_multiple_of(2)).then(|| "on".to_owned()) }],
        10 => vec![Entry::InspectionStarted { sha256 }],
        11 => {
            let row = |os: u8| PublishedTarget {
                hardware_id: format!("pci\\ven_{label_id}"),
                os: format!("OS{os}"),
                bundle: "b".into(),
                inf: "a.inf".into(),
                version: None,
            };
            let targets = (0..=what % 2).map(row).collect();
            let label = label(label_id, 1_790_000_000 + i64::from(at), targets);
            let series =
                series(["b", "other"][usize::from(what.is_multiple_of(3))], at, what.is_multiple_of(2));
            vec![published(PublishedLabel { series: Some(series), ..label })]
        }
        12 => vec![Entry::LabelForgotten { label: label_id }],
        13 => {
            let second = Timestamp::from_second(1_790_000_100 + i64::from(what)).expect("time");
            vec![Entry::LabelChecked { label: label_id, check: LabelCheck::passed(second) }]
        }
        _ => vec![Entry::InspectionEnded { sha256 }],
    };
    // The id of a pruned job is never used again.
    if what % 15 <= 1 && pruned.contains(&at) {
        return;
    }
    // An illegal commit is refused and changes nothing.
    let result = store.commit(Commit::new(entries)).wait();
    if what % 15 == 7 && result.is_ok() && job.is_some_and(|job| job.state().has_ended()) {
        pruned.insert(at);
    }
}

/// The answers that differ.
#[must_use]
pub fn differences(answers: &BTreeMap<String, String>, expected: &BTreeMap<String, String>) -> Vec<String> {
    let keys = answers.keys().chain(expected.keys()).filter(|key| answers.get(*key) != expected.get(*key));
    keys.map(|key| format!("{key}: {:?} instead of {:?}", answers.get(key), expected.get(key))).collect()
}
