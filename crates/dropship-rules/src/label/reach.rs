//! Which machines a label reaches, besides its hardware ids.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::guid::plain_guid;
use crate::vocabulary::{floor_rank, floor_rank_of_os};
use dropship_hardware::{ChidState, Targeting};

/// The restrictions of a label. An empty set and an absent edge restrict nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    audiences: BTreeSet<String>,
    chids: BTreeSet<String>,
    floor: Option<String>,
    ceiling: Option<String>,
    /// Lowest and highest build, of a co-engineering label only.
    builds: Option<(Option<u32>, Option<u32>)>,
}

/// Why a label does not reach every machine that another one reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the restriction of that name")]
pub enum Narrower {
    Audiences,
    Chids,
    Floor,
    Ceiling,
    Builds,
}

impl fmt::Display for Narrower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audiences => "its audiences do not include those of the older label",
            Self::Chids => "its CHIDs do not include those of the older label",
            Self::Floor => "its floor is above that of the older label",
            Self::Ceiling => "its ceiling is below that of the older label",
            Self::Builds => "its build range does not include that of the older label",
        })
    }
}

impl Reach {
    /// The restrictions of a label as the service states them. CHIDs that are being removed still restrict the label.
    #[must_use]
    pub fn of(targeting: &Targeting) -> Self {
        let chids =
            targeting.chids.iter().filter(|chid| chid.distribution_state != Some(ChidState::Recovered));
        let in_service = targeting.in_service_publish_info.as_ref();
        let builds = targeting.co_eng_driver_publish_info.as_ref();
        let is_set = |edge: &String| !edge.trim().is_empty();
        Self {
            audiences: targeting.restricted_to_audiences.iter().map(|id| plain_guid(id)).collect(),
            chids: chids.map(|chid| plain_guid(&chid.chid)).collect(),
            floor: in_service.and_then(|info| info.flooring.clone()).filter(is_set),
            ceiling: in_service.and_then(|info| info.ceiling.clone()).filter(is_set),
            builds: builds.map(|info| (info.flooring_build_number, info.ceiling_build_number)),
        }
    }

    /// How these restrictions differ from those before, one text for each; `name` is the name of an audience.
    #[must_use]
    pub fn differences(&self, before: &Self, name: &dyn Fn(&str) -> String) -> Vec<String> {
        let set = |ids: &BTreeSet<String>, name: &dyn Fn(&str) -> String| match ids.is_empty() {
            true => "none".to_owned(),
            false => ids.iter().map(|id| name(id)).collect::<Vec<_>>().join(", "),
        };
        let edge = |edge: &Option<String>| edge.clone().unwrap_or_else(|| "none".to_owned());
        let builds = |builds: &Option<(Option<u32>, Option<u32>)>| {
            let number = |edge: Option<u32>| edge.map_or_else(|| "any".to_owned(), |edge| edge.to_string());
            builds.map_or_else(
                || "none".to_owned(),
                |(low, high)| format!("{} to {}", number(low), number(high)),
            )
        };
        let as_is = |id: &str| id.to_owned();
        let texts = [
            ("audiences", set(&before.audiences, name), set(&self.audiences, name)),
            ("CHIDs", set(&before.chids, &as_is), set(&self.chids, &as_is)),
            ("floor", edge(&before.floor), edge(&self.floor)),
            ("ceiling", edge(&before.ceiling), edge(&self.ceiling)),
            ("builds", builds(&before.builds), builds(&self.builds)),
        ];
        let changed = texts.into_iter().filter(|(_, before, after)| before != after);
        changed.map(|(what, before, after)| format!("{what} changed from {before} to {after}")).collect()
    }

    /// Why a label with these restrictions does not reach every machine that `older` reaches on the system `os`; `None` if
    /// it surely does.
    #[must_use]
    pub fn narrower_than(&self, older: &Self, os: &str) -> Option<Narrower> {
        let includes = |mine: &BTreeSet<String>, theirs: &BTreeSet<String>| {
            mine.is_empty() || (!theirs.is_empty() && theirs.is_subset(mine))
        };
        if !includes(&self.audiences, &older.audiences) {
            return Some(Narrower::Audiences);
        }
        if !includes(&self.chids, &older.chids) {
            return Some(Narrower::Chids);
        }
        if !self.includes_builds_of(older) {
            return Some(Narrower::Builds);
        }
        if !is_floor_covered(self.floor.as_deref(), older.floor.as_deref(), os) {
            return Some(Narrower::Floor);
        }
        (!is_ceiling_covered(self.ceiling.as_deref(), older.ceiling.as_deref())).then_some(Narrower::Ceiling)
    }

    fn includes_builds_of(&self, older: &Self) -> bool {
        match (self.builds, older.builds) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((floor, ceiling)), Some((old_floor, old_ceiling))) => {
                let low = floor.is_none_or(|floor| old_floor.is_some_and(|old| floor <= old));
                let high = ceiling.is_none_or(|ceiling| old_ceiling.is_some_and(|old| ceiling >= old));
                low && high
            }
        }
    }
}

/// A target of a system reaches nothing below that system, for every floor.
fn is_floor_covered(new: Option<&str>, old: Option<&str>, os: &str) -> bool {
    let Some(new) = new else { return true };
    if old.is_some_and(|old| old.eq_ignore_ascii_case(new)) {
        return true;
    }
    let lowest = old.and_then(floor_rank).max(floor_rank_of_os(os));
    matches!((floor_rank(new), lowest), (Some(new), Some(lowest)) if new <= lowest)
}

fn is_ceiling_covered(new: Option<&str>, old: Option<&str>) -> bool {
    let Some(new) = new else { return true };
    let Some(old) = old else { return false };
    let ranks = (floor_rank(new), floor_rank(old));
    new.eq_ignore_ascii_case(old) || matches!(ranks, (Some(new), Some(old)) if new >= old)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const OS: &str = "WINDOWS_v100_X64_RS5_FULL";

    fn reach(targeting: Value) -> Reach {
        let targeting: Targeting = serde_json::from_value(targeting).expect("targeting");
        Reach::of(&targeting)
    }

    #[test]
    fn label_with_narrower_restriction_does_not_cover_another() {
        let range = |floor: Value, ceiling: Value| json!({"inServicePublishInfo": {"flooring": floor, "ceiling": ceiling}});
        let builds = |low: Value, high: Value| json!({"coEngDriverPublishInfo": {"flooringBuildNumber": low, "ceilingBuildNumber": high}});
        let audiences = |ids: &[&str]| json!({"restrictedToAudiences": ids});
        let chids =
            |ids: &[&str]| json!({"chids": ids.iter().map(|id| json!({"chid": id})).collect::<Vec<_>>()});
        let (all, none) = (json!({}), Value::Null);
        for (new, old, expected) in [
            (all.clone(), all.clone(), None),
            (all.clone(), audiences(&["a"]), None),
            (audiences(&["a"]), all.clone(), Some(Narrower::Audiences)),
            (audiences(&["{A}", "b"]), audiences(&["a"]), None),
            (audiences(&["a"]), audiences(&["a", "b"]), Some(Narrower::Audiences)),
            (all.clone(), chids(&["c"]), None),
            (chids(&["c"]), all.clone(), Some(Narrower::Chids)),
            (chids(&["{C}", "d"]), chids(&["c"]), None),
            (chids(&["c"]), chids(&["d"]), Some(Narrower::Chids)),
            (range(json!("RS5"), none.clone()), all.clone(), None),
            (range(json!("19H1"), none.clone()), all.clone(), Some(Narrower::Floor)),
            (range(json!("19H1"), none.clone()), range(json!("VB"), none.clone()), None),
            (range(json!("VB"), none.clone()), range(json!("19H1"), none.clone()), Some(Narrower::Floor)),
            (range(json!("XX"), none.clone()), range(json!("VB"), none.clone()), Some(Narrower::Floor)),
            (range(json!("XX"), none.clone()), range(json!("xx"), none.clone()), None),
            (range(none.clone(), json!("NI")), all.clone(), Some(Narrower::Ceiling)),
            (range(none.clone(), json!("NI")), range(none.clone(), json!("CO")), None),
            (range(none.clone(), json!("CO")), range(none.clone(), json!("NI")), Some(Narrower::Ceiling)),
            (builds(json!(26100), json!(26200)), all.clone(), Some(Narrower::Builds)),
            (builds(json!(26100), json!(26200)), builds(json!(26150), json!(26200)), None),
            (builds(json!(26100), none.clone()), builds(json!(26100), json!(26200)), None),
            (builds(json!(26100), json!(26200)), builds(json!(26100), none.clone()), Some(Narrower::Builds)),
            (all, builds(json!(26100), none), None),
        ] {
            let found = reach(new.clone()).narrower_than(&reach(old.clone()), OS);
            assert_eq!(found, expected, "{new} over {old}");
        }
    }
}
