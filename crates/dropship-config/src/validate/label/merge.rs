//! `[defaults.label]`: taken for each key that a label leaves out, in its tables too.

use crate::raw::rule as raw;
use crate::raw::values::At;
use crate::validate::rule_diagnostics::RuleDiagnostics;

pub(super) fn merged(own: &raw::Label, defaults: Option<&raw::Label>) -> raw::Label {
    let own = own.clone();
    let defaults = defaults.cloned().unwrap_or_default();
    raw::Label {
        name: own.name.or(defaults.name),
        destination: own.destination.or(defaults.destination),
        hold: own.hold.or(defaults.hold),
        after: own.after.or(defaults.after),
        soak: own.soak.or(defaults.soak),
        supersede: own.supersede.or(defaults.supersede),
        go_live: own.go_live.or(defaults.go_live),
        blackout: own.blackout.or(defaults.blackout),
        auto_install_during_os_upgrade: own
            .auto_install_during_os_upgrade
            .or(defaults.auto_install_during_os_upgrade),
        auto_install_on_applicable_systems: own
            .auto_install_on_applicable_systems
            .or(defaults.auto_install_on_applicable_systems),
        disclosure_restricted: own.disclosure_restricted.or(defaults.disclosure_restricted),
        publish_to_windows10s: own.publish_to_windows10s.or(defaults.publish_to_windows10s),
        visible_to_accounts: own.visible_to_accounts.or(defaults.visible_to_accounts),
        approval: both(own.approval, defaults.approval, approval),
        partners: own.partners.or(defaults.partners),
        enforce_chid_targeting: own.enforce_chid_targeting.or(defaults.enforce_chid_targeting),
        block_dua_creation: own.block_dua_creation.or(defaults.block_dua_creation),
        audiences: own.audiences.or(defaults.audiences),
        floor: own.floor.or(defaults.floor),
        ceiling: own.ceiling.or(defaults.ceiling),
        floor_build: own.floor_build.or(defaults.floor_build),
        ceiling_build: own.ceiling_build.or(defaults.ceiling_build),
        chids: own.chids.or(defaults.chids),
        hardware_ids: both(own.hardware_ids, defaults.hardware_ids, hardware_ids),
    }
}

/// Reports an empty list over a default that restricts the label: it would reach more machines without a word about it.
pub(super) fn forbid_widening(ctx: &mut RuleDiagnostics<'_, '_>, own: &At<raw::Label>, default: &raw::Label) {
    let empties = |own: &Option<raw::Templates>, default: &Option<raw::Templates>| {
        own.as_ref().is_some_and(|own| own.0.is_empty())
            && default.as_ref().is_some_and(|default| !default.0.is_empty())
    };
    let exclude = |label: &raw::Label| label.hardware_ids.as_ref().and_then(|ids| ids.exclude.clone());
    let keys = [
        ("audiences", "audiences", empties(&own.audiences, &default.audiences)),
        ("exclude", "hardware_ids.exclude", empties(&exclude(own), &exclude(default))),
    ];
    let at = own.name.as_ref().map_or(&own.span, |name| &name.span);
    for (key, path, _) in keys.into_iter().filter(|(_, _, empties)| *empties) {
        let message = format!("`{key} = []` would remove the restriction of [defaults.label]");
        let help = format!("remove `{path}` from [defaults.label] and write it in each label that needs it");
        ctx.diagnostics.error_with_help(at, message, help);
    }
}

fn both<T>(own: Option<At<T>>, defaults: Option<At<T>>, merge: fn(T, T) -> T) -> Option<At<T>> {
    match (own, defaults) {
        (Some(own), Some(defaults)) => Some(At { value: merge(own.value, defaults.value), span: own.span }),
        (own, defaults) => own.or(defaults),
    }
}

fn approval(own: raw::Approval, defaults: raw::Approval) -> raw::Approval {
    raw::Approval {
        microsoft_contact: own.microsoft_contact.or(defaults.microsoft_contact),
        validations_performed: own.validations_performed.or(defaults.validations_performed),
        affected_oems: own.affected_oems.or(defaults.affected_oems),
        is_reboot_required: own.is_reboot_required.or(defaults.is_reboot_required),
        is_co_engineered: own.is_co_engineered.or(defaults.is_co_engineered),
        is_for_unreleased_hardware: own.is_for_unreleased_hardware.or(defaults.is_for_unreleased_hardware),
        has_ui_software: own.has_ui_software.or(defaults.has_ui_software),
        business_justification: own.business_justification.or(defaults.business_justification),
    }
}

fn hardware_ids(own: raw::HardwareIds, defaults: raw::HardwareIds) -> raw::HardwareIds {
    raw::HardwareIds {
        include: own.include.or(defaults.include),
        exclude: own.exclude.or(defaults.exclude),
        operating_systems: own.operating_systems.or(defaults.operating_systems),
        infs: own.infs.or(defaults.infs),
        bundles: own.bundles.or(defaults.bundles),
        descriptions: own.descriptions.or(defaults.descriptions),
        lowest_os_only: own.lowest_os_only.or(defaults.lowest_os_only),
    }
}
