//! Labels before the driver metadata is known.

use dropship_hardware::{AdditionalInfo, TestHarness, Unknown};

use super::model::{ChidPlan, DestinationPlan, LabelDependency, LabelPlan};
use super::render::Renderer;
use crate::guid::is_guid;
use crate::input::MatchInput;
use crate::rule::{Approval, Chids, Destination, LabelRule, Rule, TargetFilter};
use crate::template::Template;

pub(super) fn labels(renderer: &mut Renderer, rule: &Rule, input: &MatchInput<'_>) -> Vec<LabelPlan> {
    let attestation = rule.product.test_harness == TestHarness::Attestation;
    let mut labels: Vec<LabelPlan> = Vec::new();
    // Names of what each label of the rule became: several for several partners.
    let mut names: Vec<Vec<String>> = Vec::new();
    for label in &rule.labels {
        let plans = match &label.destination {
            Destination::WindowsUpdate => {
                check_extension(renderer, label, input);
                vec![render_label(renderer, label, DestinationPlan::WindowsUpdate, attestation)]
            }
            Destination::AnotherPartner { partners, enforce_chid_targeting, block_dua_creation } => partners
                .iter()
                .map(|partner| {
                    let partner = partner.to_string();
                    let destination = DestinationPlan::AnotherPartner {
                        partner: partner.clone(),
                        enforce_chid_targeting: *enforce_chid_targeting,
                        block_dua_creation: *block_dua_creation,
                    };
                    renderer.for_partner(&partner, |renderer| {
                        render_label(renderer, label, destination, attestation)
                    })
                })
                .collect(),
        };
        for plan in &plans {
            let is_duplicate = labels.iter().any(|other| other.name == plan.name);
            if is_duplicate && !plan.name.is_empty() {
                renderer.add_problem(format!("two labels of this rule would have the name `{}`", plan.name));
            }
        }
        names.push(plans.iter().map(|plan| plan.name.clone()).collect());
        labels.extend(plans);
    }
    set_dependencies(rule, &names, &mut labels);
    labels
}

/// Fills in the names of the labels that others wait for.
fn set_dependencies(rule: &Rule, names: &[Vec<String>], labels: &mut [LabelPlan]) {
    let mut rest = labels;
    for (label, label_names) in rule.labels.iter().zip(names) {
        let (label_plans, later) = rest.split_at_mut(label_names.len().min(rest.len()));
        let after = label
            .after
            .and_then(|index| names.get(index))
            .map(|labels| LabelDependency { labels: labels.clone(), soak_seconds: label.soak.as_secs() });
        label_plans.iter_mut().for_each(|plan| plan.after.clone_from(&after));
        rest = later;
    }
}

/// An extension INF is published as an automatic update alone.
fn check_extension(renderer: &mut Renderer, label: &LabelRule, input: &MatchInput<'_>) {
    let is_automatic = label.auto_install_during_os_upgrade || label.auto_install_on_applicable_systems;
    let infs = &input.facts.infs;
    let are_all_extensions = !infs.is_empty() && infs.iter().all(|inf| inf.extension_id.is_some());
    if are_all_extensions && !is_automatic {
        renderer.add_problem(format!(
            "label `{}`: Microsoft publishes an extension INF only as an automatic update; set \
             `auto_install_during_os_upgrade` or `auto_install_on_applicable_systems`",
            label.name.source()
        ));
    }
}

fn render_label(
    renderer: &mut Renderer,
    label: &LabelRule,
    destination: DestinationPlan,
    attestation: bool,
) -> LabelPlan {
    let windows_update = destination == DestinationPlan::WindowsUpdate;
    // The publishing keys of `[defaults.label]` do not apply to a label for a partner.
    let publishing = windows_update.then_some(label);
    let flag = |value: fn(&LabelRule) -> bool| publishing.is_some_and(value);
    LabelPlan {
        key: label.name.source().to_owned(),
        name: renderer.text("label.name", &label.name),
        hold: label.hold,
        after: None,
        supersede: flag(|label| label.supersede),
        go_live: publishing.and_then(|label| label.go_live),
        blackout: publishing.map(|label| label.blackout.clone()).unwrap_or_default(),
        auto_install_during_os_upgrade: flag(|label| label.auto_install_during_os_upgrade),
        auto_install_on_applicable_systems: flag(|label| label.auto_install_on_applicable_systems),
        disclosure_restricted: publishing.and_then(|label| label.disclosure_restricted),
        publish_to_windows10s: publishing.and_then(|label| label.publish_to_windows10s),
        visible_to_accounts: publishing.map(|label| label.visible_to_accounts.clone()).unwrap_or_default(),
        approval: publishing.and_then(|label| approval(renderer, label.approval.as_ref()?)),
        audiences: match publishing {
            Some(label) => renderer.list("label.audiences", &label.audiences),
            None => Vec::new(),
        },
        floor: publishing.and_then(|label| renderer.option("label.floor", &label.floor)),
        ceiling: publishing.and_then(|label| renderer.option("label.ceiling", &label.ceiling)),
        build: publishing.and_then(|label| label.build),
        chids: chids(renderer, &label.chids),
        targets: targets(renderer, &label.targets),
        attestation,
        destination,
    }
}

fn chids(renderer: &mut Renderer, chids: &Chids) -> ChidPlan {
    match chids {
        Chids::None => ChidPlan::None,
        Chids::FromInf => ChidPlan::FromInf,
        Chids::Listed(templates) => {
            let ids = renderer.list("label.chids", templates);
            for id in ids.iter().filter(|id| !id.is_empty() && !is_guid(id)) {
                renderer.add_problem(format!("label.chids: `{id}` is not a CHID; a CHID is a GUID"));
            }
            ChidPlan::Listed(ids)
        }
    }
}

fn targets(renderer: &mut Renderer, filter: &TargetFilter<Template>) -> TargetFilter {
    TargetFilter {
        include: renderer.globs("label.hardware_ids.include", &filter.include),
        exclude: renderer.globs("label.hardware_ids.exclude", &filter.exclude),
        operating_systems: renderer.globs("label.hardware_ids.operating_systems", &filter.operating_systems),
        infs: renderer.globs("label.hardware_ids.infs", &filter.infs),
        bundles: renderer.globs("label.hardware_ids.bundles", &filter.bundles),
        descriptions: renderer.globs("label.hardware_ids.descriptions", &filter.descriptions),
        lowest_os_only: filter.lowest_os_only,
    }
}

fn approval(renderer: &mut Renderer, approval: &Approval) -> Option<AdditionalInfo> {
    Some(AdditionalInfo {
        microsoft_contact: renderer.option("label.approval.microsoft_contact", &approval.microsoft_contact),
        validations_performed: renderer
            .prose("label.approval.validations_performed", &approval.validations_performed),
        affected_oems: renderer.list("label.approval.affected_oems", &approval.affected_oems),
        is_reboot_required: approval.is_reboot_required,
        is_co_engineered: approval.is_co_engineered,
        is_for_unreleased_hardware: approval.is_for_unreleased_hardware,
        has_ui_software: approval.has_ui_software,
        business_justification: renderer
            .prose("label.approval.business_justification", &approval.business_justification),
        other: Unknown::default(),
    })
}
