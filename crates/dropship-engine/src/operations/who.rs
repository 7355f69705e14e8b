//! Which published labels reach a device.

use std::num::NonZeroUsize;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use dropship_glob::Glob;
use dropship_job::{JobId, RemoteId};
use dropship_store::{
    DeviceQuery, HardwareIds, NewestLabels, PublishedLabel, PublishedTarget, Store, StoreError,
};

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
    /// Maximum number of labels: those with the latest publication. Absent: all.
    #[serde(default)]
    pub limit: Option<NonZeroUsize>,
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

/// The published labels that reach the devices of a query at `now`, the latest publication first.
pub(super) fn who(
    store: &dyn Store,
    query: &WhoQuery,
    now: Timestamp,
) -> Result<Vec<ReachingLabel>, StoreError> {
    let id = &query.hardware_id;
    let matches_os = |os: &str| query.os.as_ref().is_none_or(|glob| glob.is_match(os));
    let text = id.only_text().filter(|text| text.is_ascii());
    // The index is read from the text that every match begins with.
    let prefix: String = id.literal_prefix().chars().take_while(char::is_ascii).collect();
    let matches_id = |text: &str| id.is_match(text);
    let hardware_ids = match &text {
        Some(text) => HardwareIds::Exactly(text),
        None => HardwareIds::Matching(&prefix, &matches_id),
    };
    let mut labels = NewestLabels::of(store, DeviceQuery { hardware_ids, os: &matches_os })?;
    let limit = query.limit.map_or(usize::MAX, NonZeroUsize::get);
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(label) = labels.next()?
    {
        let Some(label) = store.published_label(label)? else { continue };
        if query.upcoming || label.go_live.is_none_or(|live| live <= now) {
            let mut targets = store.targets_of_label(label.id)?;
            targets.retain(|target| id.is_match(&target.hardware_id) && matches_os(&target.os));
            found.push(reaching_label(store, label, targets)?);
        }
    }
    Ok(found)
}

fn reaching_label(
    store: &dyn Store,
    label: PublishedLabel,
    targets: Vec<PublishedTarget>,
) -> Result<ReachingLabel, StoreError> {
    let others =
        |ids: &[RemoteId]| ids.iter().map(|id| other_label(store, *id)).collect::<Result<Vec<_>, _>>();
    let (supersedes, superseded_by) = (others(&label.supersedes)?, others(&label.superseded_by)?);
    let mut versions: Vec<_> = targets.iter().filter_map(|target| target.version.clone()).collect();
    versions.sort_unstable();
    versions.dedup();
    let target = |target: PublishedTarget| ReachedTarget {
        hardware_id: target.hardware_id.to_lowercase(),
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

pub(super) fn other_label(store: &dyn Store, id: RemoteId) -> Result<OtherLabel, StoreError> {
    let label = store.published_label(id)?;
    let (name, job) = label.map(|label| (label.name, label.job)).unzip();
    Ok(OtherLabel { id, name, job })
}

#[cfg(test)]
mod tests;
