//! Which published labels reach a device.

use std::cell::Cell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use dropship_glob::Glob;
use dropship_job::{JobId, RemoteId};
use dropship_store::{HardwareIds, PublishedLabel, Store, StoreError, Target};

/// The devices that a query is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoQuery {
    /// A hardware id, or a glob.
    pub hardware_id: Glob,
    /// Only targets with such an OS code.
    #[serde(default)]
    pub os: Option<Glob>,
    /// Also labels that go live later.
    #[serde(default)]
    pub upcoming: bool,
}

/// A published label that reaches a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachingLabel {
    /// Its id.
    pub id: RemoteId,
    /// Its name.
    pub name: String,
    /// The job that made it. It may be pruned.
    pub job: JobId,
    /// File name of the package.
    pub package: String,
    /// The rule.
    pub rule: String,
    /// The account.
    pub account: String,
    /// `DriverVer` version of the INFs that the device gets; null if it is not known.
    pub version: Option<String>,
    /// Names of its audiences; empty: every machine that it targets.
    pub audiences: Vec<String>,
    /// When its publication was seen.
    pub published: Timestamp,
    /// Its go-live date; null: it was live at its publication.
    pub go_live: Option<Timestamp>,
    /// What it targets of the query.
    pub targets: Vec<ReachedTarget>,
    /// Older labels that gave up targets to it.
    pub supersedes: Vec<OtherLabel>,
    /// Newer labels to which it gave up other targets.
    pub superseded_by: Vec<OtherLabel>,
}

/// A hardware id of an INF on one operating system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReachedTarget {
    /// The hardware id, in lower case.
    pub hardware_id: String,
    /// OS code.
    pub operating_system: String,
    /// INF file name.
    pub inf: String,
    /// `DriverVer` version of the INF; null if it is not known.
    pub version: Option<String>,
}

/// Another label of dropship.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherLabel {
    /// Its id.
    pub id: RemoteId,
    /// Its name; null if it is not published any more.
    pub name: Option<String>,
    /// Its job; null if it is not published any more.
    pub job: Option<JobId>,
}

/// The published labels that reach the devices of a query at `now`, the latest publication first. `None` if the hardware id fits more
/// than `max_targets` targets.
pub(super) fn who(
    store: &dyn Store,
    query: &WhoQuery,
    now: Timestamp,
    max_targets: usize,
) -> Result<Option<Vec<ReachingLabel>>, StoreError> {
    let mut by_label = BTreeMap::<RemoteId, Vec<Target>>::new();
    let targets = targets(store, &query.hardware_id, max_targets)?;
    if targets.len() > max_targets {
        return Ok(None);
    }
    for (label, target) in targets {
        if query.os.as_ref().is_none_or(|os| os.is_match(&target.os)) {
            by_label.entry(label).or_default().push(target);
        }
    }
    let mut found = Vec::new();
    for (id, targets) in by_label {
        let Some(label) = store.published_label(id)? else { continue };
        if query.upcoming || label.go_live.is_none_or(|live| live <= now) {
            found.push((label, targets));
        }
    }
    found.sort_by_key(|(label, _)| std::cmp::Reverse((label.published, label.id)));
    found
        .into_iter()
        .map(|(label, targets)| reaching(store, label, targets))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The index is read from the text that every match begins with. Of more than `max` targets not all are returned.
fn targets(store: &dyn Store, id: &Glob, max: usize) -> Result<Vec<(RemoteId, Target)>, StoreError> {
    if let Some(text) = id.only_text().filter(|text| text.is_ascii()) {
        return store.published_targets(HardwareIds::Exactly(&text));
    }
    let prefix: String = id.literal_prefix().chars().take_while(char::is_ascii).collect();
    let found = Cell::new(0_usize);
    let fits = |text: &str| {
        let fits = found.get() <= max && id.is_match(text);
        found.set(found.get() + usize::from(fits));
        fits
    };
    store.published_targets(HardwareIds::Matching(&prefix, &fits))
}

fn reaching(
    store: &dyn Store,
    label: PublishedLabel,
    targets: Vec<Target>,
) -> Result<ReachingLabel, StoreError> {
    let others = |ids: &[RemoteId]| ids.iter().map(|id| other(store, *id)).collect::<Result<Vec<_>, _>>();
    let (supersedes, superseded_by) = (others(&label.supersedes)?, others(&label.superseded_by)?);
    let mut versions: Vec<_> = targets.iter().filter_map(|target| target.version.clone()).collect();
    versions.sort_unstable();
    versions.dedup();
    let target = |target: Target| ReachedTarget {
        hardware_id: target.hardware_id,
        operating_system: target.os,
        inf: target.inf,
        version: target.version,
    };
    let mut targets: Vec<_> = targets.into_iter().map(target).collect();
    targets.sort_unstable();
    targets.dedup();
    Ok(ReachingLabel {
        id: label.id,
        name: label.name,
        job: label.job,
        package: label.package,
        rule: label.rule,
        account: label.account,
        version: (!versions.is_empty()).then(|| versions.join(", ")),
        audiences: label.audiences,
        published: label.published,
        go_live: label.go_live,
        targets,
        supersedes,
        superseded_by,
    })
}

pub(super) fn other(store: &dyn Store, id: RemoteId) -> Result<OtherLabel, StoreError> {
    let label = store.published_label(id)?;
    let (name, job) = label.map(|label| (label.name, label.job)).unzip();
    Ok(OtherLabel { id, name, job })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_store::{Commit, Entry, MemoryStore};

    #[test]
    fn query_that_fits_too_many_targets_is_refused() {
        let store = MemoryStore::default();
        let target = |number: usize| Target {
            hardware_id: format!("PCI\\VEN_8086&DEV_{number:04X}"),
            os: "WINDOWS_v100_X64_CO_FULL".to_owned(),
            bundle: "bundle".to_owned(),
            inf: "echo.inf".to_owned(),
            version: None,
        };
        let label = PublishedLabel {
            id: RemoteId::new(1),
            name: "echo".to_owned(),
            job: JobId::new(0, 1),
            package: "echo.cab".to_owned(),
            rule: "ring".to_owned(),
            account: "default".to_owned(),
            product: RemoteId::new(2),
            submission: RemoteId::new(3),
            audiences: Vec::new(),
            published: Timestamp::UNIX_EPOCH,
            go_live: None,
            supersedes: Vec::new(),
            superseded_by: Vec::new(),
            reach: None,
            series: None,
            targets: (0..9).map(target).collect(),
        };
        let committed = store.commit(Commit::new(vec![Entry::LabelPublished { label: Box::new(label) }]));
        committed.wait().expect("committed");
        let ask = |glob: &str, max| {
            let query = WhoQuery { hardware_id: Glob::new(glob).expect("a glob"), os: None, upcoming: false };
            who(&store, &query, Timestamp::now(), max).expect("read").map(|labels| labels[0].targets.len())
        };
        assert_eq!(ask("pci\\*", 9), Some(9));
        assert_eq!(ask("pci\\*", 8), None);
        assert_eq!(ask("pci\\ven_8086&dev_0007", 1), Some(1));
        assert_eq!(ask("*", usize::MAX), Some(9));
    }
}
