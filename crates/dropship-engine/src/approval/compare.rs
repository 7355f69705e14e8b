//! Compares the targets of two requests.

use std::collections::BTreeSet;

use super::page::TargetChange;
use super::targets;
use dropship_hardware::NewShippingLabel;

/// Number of added and of removed targets that are named.
const MAX_NAMED: usize = 5;

impl TargetChange {
    /// How the targets of `new` differ from those of `old`. Bundle ids are different for each submission and do not count.
    #[must_use]
    pub fn between(new: &NewShippingLabel, old: &NewShippingLabel) -> Self {
        let (new, old) = (keys(new), keys(old));
        let named = |one: &BTreeSet<_>, other: &BTreeSet<_>| {
            let only = one.difference(other).take(MAX_NAMED);
            only.map(|(inf, os, id): &(String, String, String)| format!("{inf} {os} {id}")).collect()
        };
        let unchanged = new.intersection(&old).count();
        Self {
            unchanged,
            added: new.len() - unchanged,
            removed: old.len() - unchanged,
            first_added: named(&new, &old),
            first_removed: named(&old, &new),
        }
    }
}

/// INF, OS code and hardware id of each target, in one case.
fn keys(request: &NewShippingLabel) -> BTreeSet<(String, String, String)> {
    let key = |row: &dropship_hardware::HardwareId| {
        (row.inf_id.to_lowercase(), row.operating_system_code.to_uppercase(), row.pnp_string.to_lowercase())
    };
    targets::rows(request).map(key).collect()
}
