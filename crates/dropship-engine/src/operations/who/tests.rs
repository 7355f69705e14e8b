use super::*;
use dropship_glob::Glob;
use dropship_store::{Commit, Entry, MemoryStore};

fn label(number: u64, go_live: Option<Timestamp>) -> PublishedLabel {
    let target = |os: &str, id: String| PublishedTarget {
        hardware_id: id,
        os: os.to_owned(),
        bundle: "bundle".to_owned(),
        inf: "echo.inf".to_owned(),
        version: None,
    };
    PublishedLabel {
        id: RemoteId::new(number),
        name: format!("echo {number}"),
        job: JobId::new(0, 1),
        package: "echo.cab".to_owned(),
        rule: "ring".to_owned(),
        account: "default".to_owned(),
        product: RemoteId::new(2),
        submission: RemoteId::new(3),
        audiences: Vec::new(),
        published: Timestamp::from_second(i64::try_from(number).expect("a number")).expect("a time"),
        go_live,
        supersedes: Vec::new(),
        superseded_by: Vec::new(),
        reach: None,
        series: None,
        targets: ["CO", "NI"]
            .into_iter()
            .flat_map(|os| (0..3).map(move |id| target(os, format!("PCI\\VEN_8086&DEV_{id:04X}"))))
            .collect(),
    }
}

#[test]
fn limit_keeps_the_latest_labels_that_are_live() {
    let store = MemoryStore::default();
    let later = Timestamp::from_second(2_000_000_000).expect("a time");
    for number in 10..40 {
        let label = label(number, (number == 38).then_some(later));
        let committed = store.commit(Commit::new(vec![Entry::LabelPublished { label: Box::new(label) }]));
        committed.wait().expect("committed");
    }
    let now = Timestamp::from_second(1_900_000_000).expect("a time");
    let ask = |glob: &str, os: Option<&str>, limit: Option<usize>, upcoming| {
        let os = os.map(|os| Glob::new(os).expect("a glob"));
        let limit = limit.and_then(NonZeroUsize::new);
        let query = WhoQuery { hardware_id: Glob::new(glob).expect("a glob"), os, upcoming, limit };
        let found = who(&store, &query, now).expect("read");
        found.iter().map(|label| (label.id.get(), label.targets.len())).collect::<Vec<_>>()
    };
    assert_eq!(ask("pci\\*", None, Some(2), false), [(39, 6), (37, 6)]);
    assert_eq!(ask("pci\\*", None, Some(2), true), [(39, 6), (38, 6)]);
    assert_eq!(ask("pci\\ven_8086&dev_0002", Some("n*"), Some(2), false), [(39, 1), (37, 1)]);
    assert_eq!(ask("*2", Some("x"), None, false), []);
    assert_eq!(ask("*", None, None, false).len(), 29);
}
