//! Jobs, files and labels for tests.

#![expect(clippy::expect_used, reason = "a failure is that of a test")]

use jiff::Timestamp;

use crate::{Commit, Entry, LabelSeries, PublishedLabel, PublishedTarget, Store};
use dropship_job::{Event, Job, JobId, Package, RemoteId};

/// The id of the job of this number.
#[must_use]
pub fn id(number: u32) -> JobId {
    JobId::new(1_790_000_000_000 + u64::from(number), number)
}

/// The first event of a job with these bytes.
#[must_use]
pub fn arrived(sha256: &str, folder: Option<&str>) -> Event {
    Event::Arrived {
        package: Package {
            name: "a.cab".into(),
            path: None,
            folder: folder.map(str::to_owned),
            sha256: sha256.into(),
            size: 1,
            outbox: "/o".into(),
        },
    }
}

/// The event that accepts it.
#[must_use]
pub fn accepted() -> Event {
    Event::Accepted {
        rule: "r".into(),
        account: "default".into(),
        plan: "p".into(),
        content: None,
        labels: vec![],
        warnings: vec![],
        vars: std::collections::BTreeMap::new(),
    }
}

/// Commits entries, which are legal.
///
/// # Panics
/// When they are refused.
pub fn commit(store: &dyn Store, entries: Vec<Entry>) -> Vec<Job> {
    store.commit(Commit::new(entries)).wait().expect("committed")
}

/// Creates a job with a known file.
///
/// # Panics
/// When that is refused.
pub fn create_job(store: &dyn Store, id: &JobId, sha256: &str) {
    let events = vec![arrived(sha256, Some("in")), accepted()];
    let known_file = Entry::KnownFile {
        folder: "in".into(),
        path: format!("/in/{sha256}"),
        identity: "i1".into(),
        sha256: sha256.into(),
        job: id.clone(),
    };
    commit(store, vec![Entry::Job { job: id.clone(), rev: 0, events }, known_file]);
}

/// A published label.
///
/// # Panics
/// For times that do not exist.
#[must_use]
pub fn label(number: RemoteId, at: i64, targets: Vec<PublishedTarget>) -> PublishedLabel {
    PublishedLabel {
        id: number,
        name: format!("label {number}"),
        job: id(1),
        package: "echo.cab".into(),
        rule: "ring".into(),
        account: "default".into(),
        product: RemoteId::new(1),
        submission: RemoteId::new(2),
        audiences: vec!["Ring".into()],
        published: Timestamp::from_second(at).expect("a time"),
        go_live: None,
        supersedes: Vec::new(),
        superseded_by: Vec::new(),
        reach: None,
        series: None,
        targets,
    }
}

/// A series in which `echo.inf` and `a.inf` of a bundle have a version; it takes over targets from `second` on.
///
/// # Panics
/// For times that do not exist.
#[must_use]
pub fn series(bundle: &str, second: u32, takes_over: bool) -> LabelSeries {
    let arrived = Timestamp::from_second(i64::from(second)).expect("a time");
    let version = format!("1.{second}");
    let infs = ["a.inf", "echo.inf"].map(|inf| (inf.to_owned(), version.clone()));
    LabelSeries {
        id: "s".into(),
        versions: [(bundle.to_owned(), infs.into())].into(),
        takes_over_since: takes_over.then_some(arrived),
    }
}

/// The entry of a published label.
#[must_use]
pub fn published(label: PublishedLabel) -> Entry {
    Entry::LabelPublished { label: Box::new(label) }
}
