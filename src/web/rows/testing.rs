//! Rows for tests: packages in all kinds of letters, at several points of their lives.

use super::index::JobRows;
use super::inf::InfText;
use dropship_job::testing::{at, package};
use dropship_job::{
    Event, Intent, Job, JobId, Package, PlannedLabel, RemoteId, RemoteKind, WaitReason, apply,
};

/// The INFs of a package: name, provider and version.
type Infs = &'static [(&'static str, Option<&'static str>, Option<&'static str>)];

/// A package.
struct Sample {
    name: &'static str,
    infs: Infs,
    /// The names of its labels, and their texts in the rule.
    labels: &'static [(&'static str, &'static str)],
}

const SAMPLES: [Sample; 7] = [
    Sample {
        name: "Contoso-Audio-22.1.cab",
        infs: &[("Audio.INF", Some("Contoso"), Some("22.1.0.0"))],
        labels: &[
            ("Audio 22.1 Test Ring", "{{ inf.stem }} Test Ring"),
            ("Audio broad", "{{ inf.stem }} broad"),
        ],
    },
    Sample {
        name: "ΑΣ.cab",
        infs: &[("ΟΔΟΣ.inf", Some("ΣΑΣ"), None)],
        labels: &[("ΟΔΟΣ ring", "{{ inf.stem }} ring"), ("second", "second")],
    },
    Sample {
        name: "wifi\n9.cab",
        infs: &[
            ("wifi.inf", Some("Fabrikam"), Some("9.0")),
            ("wifi-ext.inf", Some("Fabrikam"), Some("9.0")),
            ("bt.inf", Some("Ärger GmbH"), Some("9.1")),
        ],
        labels: &[
            ("WiFi 9.0 Test Ring", "{{ inf.stem }} Test Ring"),
            ("WiFi 9.0 broad", "{{ inf.stem }} broad"),
        ],
    },
    Sample { name: "plain.cab", infs: &[], labels: &[] },
    Sample {
        name: "İstanbul.cab",
        infs: &[("Audio.INF", None, Some("1.2"))],
        labels: &[("Label of plain.cab", "Test Ring"), ("other", "{{ x }}")],
    },
    Sample { name: "straße.cab", infs: &[("STRASSE.inf", Some("Contoso Ltd"), Some("1.2.3"))], labels: &[] },
    Sample {
        name: "wifi.inf.cab",
        infs: &[],
        labels: &[("no infs test", "{{ file.stem }} test"), ("no infs broad", "{{ file.stem }} broad")],
    },
];

/// The events of a package with two labels, or none.
fn life(number: u32, sample: &Sample) -> Vec<Event> {
    let id = |kind: u64| RemoteId::new(1_152_921_504_621_465_124 + 1_000_000_007 * kind + u64::from(number));
    let labels = sample
        .labels
        .iter()
        .map(|(name, _)| PlannedLabel { name: (*name).to_owned(), ..PlannedLabel::default() });
    let accepted = Event::Accepted {
        rule: "ring".to_owned(),
        account: "default".to_owned(),
        plan: "cd".repeat(32),
        content: None,
        labels: labels.collect(),
        warnings: Vec::new(),
        vars: std::collections::BTreeMap::new(),
    };
    let create = |kind: RemoteKind, number: u64| {
        let go_live = (number % 2 == 1 && matches!(kind, RemoteKind::Label(_))).then(|| at(40_000_000));
        let intent = Intent::new("object", "ef".repeat(32), at(600));
        [Event::Intended { kind, intent }, Event::Created { kind, id: id(number), adopted: false, go_live }]
    };
    let mut events =
        vec![Event::Arrived { package: Package { name: sample.name.to_owned(), ..package() } }, accepted];
    events.extend(create(RemoteKind::Product, 0));
    events.extend(create(RemoteKind::Submission, 1));
    events.extend([Event::Uploaded { bytes: 4096 }, Event::CommitIntended, Event::Committed]);
    let why = WaitReason::Signature { workflow: None };
    events.extend([Event::Waited { due: at(30), why, polled: true }, Event::Resumed, Event::Signed]);
    events.push(Event::Collected { files: Vec::new() });
    if !sample.labels.is_empty() {
        events.extend(create(RemoteKind::Label(0), 2 + u64::from(number % 2)));
        events.extend(create(RemoteKind::Label(1), 4));
        events.push(Event::Labelled);
        events.extend([Event::Published { label: 0 }, Event::Published { label: 1 }]);
    }
    events.push(Event::Succeeded);
    events
}

/// The rows of packages. Each sample is there often: a part of the rows has no INFs yet, and each has seen another part of its life.
pub(crate) fn rows() -> JobRows {
    let rows = JobRows::default();
    for number in 0..20 * 7 {
        let sample = &SAMPLES[number as usize % SAMPLES.len()];
        let events = life(number, sample);
        let seen = 2 + number as usize * 11 % (events.len() - 1);
        let id = JobId::new(u64::from(number) * 7919, number);
        let mut job: Option<Job> = None;
        for (index, event) in (0..).zip(&events[..seen]) {
            let now = at(i64::from(number * 617 % 140) * 100_000 + index);
            job = Some(apply(job.as_ref(), &id, now, event).expect("a legal life"));
            let Some(job) = &job else { continue };
            rows.on_event(job, &[]);
            // The record is read at some point of the life; later events keep what was read.
            if index == 1 + i64::from(number % 5) && number >= 35 {
                let inf = |(name, provider, version): &(
                    &'static str,
                    Option<&'static str>,
                    Option<&'static str>,
                )| InfText { name, provider: *provider, version: *version };
                let infs: Vec<_> = sample.infs.iter().map(inf).collect();
                rows.add_record(job.id(), &infs, sample.labels);
            }
        }
        if number % 17 == 16 {
            rows.on_pruned(&id);
        }
    }
    rows
}
