//! The time of `who` with many published labels.

use std::path::Path;
use std::time::Instant;

use dropship_job::RemoteId;
use dropship_store::{
    Commit, DeviceQuery, DiskStore, Entry, HardwareIds, NewestLabels, PublishedLabel, PublishedTarget, Store,
};

const LABELS: u64 = 100_000;

/// Each label has this many targets; twenty labels share each hardware id.
const TARGETS: u64 = 8;

/// Maximum number of labels of an answer.
const PAGE: usize = 100;

/// Fills a store with published labels, and prints the time of queries.
pub(super) fn weigh(folder: &Path) {
    let (store, _) = DiskStore::open(folder).expect("a store");
    for from in (0..LABELS).step_by(1000) {
        let entries =
            (from..from + 1000).map(|number| Entry::LabelPublished { label: Box::new(label(number)) });
        let tickets: Vec<_> = entries.map(|entry| store.commit(Commit::unsynced(vec![entry]))).collect();
        tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("committed")));
    }
    drop(store);
    let (store, _) = DiskStore::open(folder).expect("a store");
    let one = device(4711, 3);
    for (what, ids) in [
        ("one hardware id", HardwareIds::Exactly(&one)),
        ("PCI\\VEN_8086&DEV_12*", HardwareIds::Matching("pci\\ven_8086&dev_12", &|_| true)),
        ("*", HardwareIds::Matching("", &|_| true)),
        ("*&SUBSYS_0003", HardwareIds::Matching("", &|id| id.ends_with("&subsys_0003"))),
    ] {
        let started = Instant::now();
        let query = DeviceQuery { hardware_ids: ids, os: &|_| true };
        let mut labels = NewestLabels::of(&store, query).expect("devices");
        let mut found = 0;
        while found < PAGE
            && let Some(label) = labels.next().expect("a label")
        {
            store.published_label(label).expect("a label");
            store.targets_of_label(label).expect("its targets");
            found += 1;
        }
        println!(
            "who, {LABELS} published labels with {TARGETS} targets, {what}: the newest {found} labels in {:.1} ms",
            started.elapsed().as_secs_f64() * 1000.0
        );
    }
}

fn device(number: u64, target: u64) -> String {
    format!("PCI\\VEN_8086&DEV_{:04X}&SUBSYS_{target:04X}", number / 20)
}

fn label(number: u64) -> PublishedLabel {
    let target = |target| PublishedTarget {
        hardware_id: device(number, target),
        os: "WINDOWS_v100_X64_CO_FULL".to_owned(),
        bundle: "3f2504e0-4f89-11d3-9a0c-0305e82c3301".to_owned(),
        inf: "echo.inf".to_owned(),
        version: Some(format!("1.0.{number}.0")),
    };
    PublishedLabel {
        id: RemoteId::new(1_152_921_504_621_000_000 + number),
        name: format!("echo 1.0.{number}.0 test ring"),
        job: super::id(u32::try_from(number).unwrap_or_default()),
        package: format!("echo-{number}.cab"),
        rule: "attestation".to_owned(),
        account: "default".to_owned(),
        product: RemoteId::new(14_631_253_285_000_000 + number),
        submission: RemoteId::new(1_152_921_504_620_000_000 + number),
        audiences: vec!["Test Registry Key".to_owned()],
        published: jiff::Timestamp::UNIX_EPOCH,
        go_live: None,
        supersedes: Vec::new(),
        superseded_by: Vec::new(),
        reach: None,
        series: None,
        targets: (0..TARGETS).map(target).collect(),
    }
}
