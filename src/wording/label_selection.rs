//! The lines about the targets of a label and about its publication.

use super::lines::Lines;
use dropship_glob::Glob;
use dropship_rules::plan::{ChidPlan, LabelPlan};
use dropship_rules::suggest;

/// One line for each restriction of a label, and for each property of its publication.
pub(super) fn add(lines: &mut Lines, plan: &LabelPlan) {
    let targets = &plan.targets;
    for (key, globs) in [
        ("hardware ids", &targets.include),
        ("except hardware ids", &targets.exclude),
        ("operating systems", &targets.operating_systems),
        ("INFs", &targets.infs),
        ("bundles", &targets.bundles),
        ("device descriptions", &targets.descriptions),
    ] {
        if !globs.is_empty() {
            lines.add(key, list(globs));
        } else if key == "hardware ids" {
            lines.add(key, "all");
        }
    }
    if targets.lowest_os_only {
        lines.add("operating systems", "of each hardware id only the lowest; later ones are offered it too");
    }
    for (key, edge) in [("floor", &plan.floor), ("ceiling", &plan.ceiling)] {
        edge.iter().for_each(|edge| lines.add(key, edge));
    }
    if let Some(build) = plan.build {
        let edge = |edge: Option<u32>| edge.map_or("any".to_owned(), |edge| edge.to_string());
        lines.add("builds", format_args!("from {} to {}", edge(build.floor), edge(build.ceiling)));
    }
    match &plan.chids {
        ChidPlan::None => {}
        ChidPlan::FromInf => lines.add("CHIDs", "those that the targeted INFs name"),
        ChidPlan::Listed(chids) => lines.add("CHIDs", chids.join(", ")),
    }
    add_publication(lines, plan);
}

fn add_publication(lines: &mut Lines, plan: &LabelPlan) {
    match plan.disclosure_restricted {
        Some(true) => lines.add("disclosure", "restricted: hidden from the catalog and WSUS"),
        Some(false) => lines.add("disclosure", "not restricted"),
        None => {}
    }
    if let Some(publish) = plan.publish_to_windows10s {
        lines.add("Windows 10 S", if publish { "included" } else { "not included" });
    }
    if !plan.visible_to_accounts.is_empty() {
        let accounts: Vec<_> = plan.visible_to_accounts.iter().map(ToString::to_string).collect();
        lines.add("visible to accounts", accounts.join(", "));
    }
    if let Some(approval) = &plan.approval {
        let fields = serde_json::to_value(approval).unwrap_or_default();
        for (key, value) in fields.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            lines.add("approval", format_args!("{key}: {}", text.replace('\n', " ")));
        }
    }
}

fn list(globs: &[Glob]) -> String {
    suggest::list(globs.iter().map(Glob::as_str))
}
