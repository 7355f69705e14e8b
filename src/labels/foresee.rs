//! Driver metadata as it will probably come, so that labels can be shown before Microsoft has answered.

use crate::hardware::{Audience, Bundle, DriverMetadata, InfMetadata, PnpInfo};
use crate::package::Facts;

/// The bundle of foreseen metadata.
const BUNDLE: &str = "foreseen";

/// Every hardware id of every INF under every OS code that is asked for.
#[must_use]
pub fn foresee(facts: &Facts, os_codes: &[String]) -> DriverMetadata {
    let mut bundle = Bundle::default();
    for inf in &facts.infs {
        let mut info = InfMetadata {
            inf_class: inf.class.clone(),
            driver_version: inf.version.clone(),
            extension_id: inf.extension_id.clone(),
            provider: inf.provider.clone(),
            class_guid: inf.class_guid.clone(),
            installation_computer_hardware_ids: inf.chids.clone(),
            ..InfMetadata::default()
        };
        let single = match inf.descriptions.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        for os in os_codes {
            let pnp = |id: &String| {
                let info = PnpInfo { device_description: single.clone(), ..PnpInfo::default() };
                (id.to_lowercase(), info)
            };
            info.os_pnp.insert(os.clone(), inf.hardware_ids.iter().map(pnp).collect());
        }
        bundle.infs.insert(inf.name.clone(), info);
    }
    let mut metadata = DriverMetadata::default();
    metadata.bundles.insert(BUNDLE.to_owned(), bundle);
    metadata
}

/// Audiences as if the account had each that a rule names; their ids are their names.
#[must_use]
pub fn foresee_audiences(names: &[String]) -> Vec<Audience> {
    let audience = |name: &String| Audience {
        id: name.clone(),
        name: if super::rules::is_guid(name) { "Test Registry Key".to_owned() } else { name.clone() },
        ..Audience::default()
    };
    names.iter().map(audience).collect()
}
