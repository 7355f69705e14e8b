//! `[defaults.label]`: taken for each key that a label leaves out, in its tables too.

use crate::config::raw::rule as raw;
use crate::config::raw::values::At;
use crate::config::validate::rule_diagnostics::RuleDiagnostics;

pub(super) fn merged(own: &raw::Label, defaults: Option<&raw::Label>) -> raw::Label {
    let own = own.clone();
    let rest = defaults.cloned().unwrap_or_default();
    raw::Label {
        name: own.name.or(rest.name),
        destination: own.destination.or(rest.destination),
        hold: own.hold.or(rest.hold),
        after: own.after.or(rest.after),
        soak: own.soak.or(rest.soak),
        supersede: own.supersede.or(rest.supersede),
        go_live: own.go_live.or(rest.go_live),
        blackout: own.blackout.or(rest.blackout),
        auto_install_during_os_upgrade: own
            .auto_install_during_os_upgrade
            .or(rest.auto_install_during_os_upgrade),
        auto_install_on_applicable_systems: own
            .auto_install_on_applicable_systems
            .or(rest.auto_install_on_applicable_systems),
        disclosure_restricted: own.disclosure_restricted.or(rest.disclosure_restricted),
        publish_to_windows10s: own.publish_to_windows10s.or(rest.publish_to_windows10s),
        visible_to_accounts: own.visible_to_accounts.or(rest.visible_to_accounts),
        approval: both(own.approval, rest.approval, approval),
        partners: own.partners.or(rest.partners),
        enforce_chid_targeting: own.enforce_chid_targeting.or(rest.enforce_chid_targeting),
        block_dua_creation: own.block_dua_creation.or(rest.block_dua_creation),
        audiences: own.audiences.or(rest.audiences),
        floor: own.floor.or(rest.floor),
        ceiling: own.ceiling.or(rest.ceiling),
        floor_build: own.floor_build.or(rest.floor_build),
        ceiling_build: own.ceiling_build.or(rest.ceiling_build),
        chids: own.chids.or(rest.chids),
        hardware_ids: both(own.hardware_ids, rest.hardware_ids, hardware_ids),
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

fn both<T>(own: Option<At<T>>, rest: Option<At<T>>, merge: fn(T, T) -> T) -> Option<At<T>> {
    match (own, rest) {
        (Some(own), Some(rest)) => Some(At { value: merge(own.value, rest.value), span: own.span }),
        (own, rest) => own.or(rest),
    }
}

fn approval(own: raw::Approval, rest: raw::Approval) -> raw::Approval {
    raw::Approval {
        microsoft_contact: own.microsoft_contact.or(rest.microsoft_contact),
        validations_performed: own.validations_performed.or(rest.validations_performed),
        affected_oems: own.affected_oems.or(rest.affected_oems),
        is_reboot_required: own.is_reboot_required.or(rest.is_reboot_required),
        is_co_engineered: own.is_co_engineered.or(rest.is_co_engineered),
        is_for_unreleased_hardware: own.is_for_unreleased_hardware.or(rest.is_for_unreleased_hardware),
        has_ui_software: own.has_ui_software.or(rest.has_ui_software),
        business_justification: own.business_justification.or(rest.business_justification),
    }
}

fn hardware_ids(own: raw::HardwareIds, rest: raw::HardwareIds) -> raw::HardwareIds {
    raw::HardwareIds {
        include: own.include.or(rest.include),
        exclude: own.exclude.or(rest.exclude),
        operating_systems: own.operating_systems.or(rest.operating_systems),
        infs: own.infs.or(rest.infs),
        bundles: own.bundles.or(rest.bundles),
        descriptions: own.descriptions.or(rest.descriptions),
        lowest_os_only: own.lowest_os_only.or(rest.lowest_os_only),
    }
}
