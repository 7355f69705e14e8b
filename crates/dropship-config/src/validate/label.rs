//! `[[rule.label]]`, and the rules for labels that are known before there is a package.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use super::rule_diagnostics::RuleDiagnostics;
use crate::raw::rule as raw;
use crate::raw::values::At;
use dropship_glob::Glob;
use dropship_rules::guid::is_guid;
use dropship_rules::rule::{Approval, Build, Chids, Destination, LabelRule, ProductRule, TargetFilter};
use dropship_rules::template::Template;
use dropship_rules::{domains, suggest, vocabulary};

mod after;
mod merge;
mod publishing;

/// `chids` that come from the INFs.
const FROM_INF: &str = "from_inf";

/// The labels of one rule; `None` when one could not be understood.
pub(super) fn labels(
    ctx: &mut RuleDiagnostics<'_, '_>,
    raw: &[At<raw::Label>],
    defaults: Option<&raw::Label>,
    product: Option<&ProductRule>,
) -> Option<Vec<LabelRule>> {
    let merged: Vec<_> = raw.iter().map(|own| merge::merged(own, defaults)).collect();
    let mut labels = Vec::new();
    for (own, default) in raw.iter().filter_map(|own| Some((own, defaults?))) {
        merge::forbid_widening(ctx, own, default);
    }
    for (own, whole) in raw.iter().zip(&merged) {
        labels.push(label(ctx, own, whole, product));
    }
    after::resolve(ctx, &merged, &mut labels);
    refuse_same_names(ctx, &merged);
    labels.into_iter().collect()
}

fn label(
    ctx: &mut RuleDiagnostics<'_, '_>,
    own: &At<raw::Label>,
    raw: &raw::Label,
    product: Option<&ProductRule>,
) -> Option<LabelRule> {
    let at = raw.name.as_ref().map_or(&own.span, |name| &name.span).clone();
    if raw.name.is_none() {
        ctx.diagnostics.missing(&own.span, "name");
    }
    let name = ctx.option(&raw.name);
    let destination = destination(ctx, own, raw, &at);
    let approval = raw.approval.as_ref().map(|approval| self::approval(ctx, approval));
    let flag = |value: &Option<At<bool>>| value.as_ref().map(|flag| flag.value);
    let label = LabelRule {
        name: name?,
        destination: destination?,
        hold: raw.hold.as_ref().map(|hold| hold.value.0).unwrap_or_default(),
        after: None,
        soak: raw.soak.as_ref().map_or(Duration::ZERO, |soak| soak.value.0),
        supersede: flag(&raw.supersede).unwrap_or_default(),
        go_live: raw.go_live.as_ref().map(|date| date.value.0),
        blackout: raw.blackout.iter().flat_map(|days| &days.0).map(|days| days.value.0).collect(),
        auto_install_during_os_upgrade: flag(&raw.auto_install_during_os_upgrade).unwrap_or_default(),
        auto_install_on_applicable_systems: flag(&raw.auto_install_on_applicable_systems).unwrap_or_default(),
        disclosure_restricted: flag(&raw.disclosure_restricted),
        publish_to_windows10s: flag(&raw.publish_to_windows10s),
        visible_to_accounts: raw.visible_to_accounts.iter().flat_map(|ids| &ids.0).map(|id| id.0).collect(),
        approval,
        audiences: ctx.list(&raw.audiences),
        floor: ctx.option(&raw.floor),
        ceiling: ctx.option(&raw.ceiling),
        build: build(ctx, raw),
        chids: chids(ctx, raw),
        targets: raw.hardware_ids.as_ref().map(|ids| targets(ctx, ids)).unwrap_or_default(),
    };
    check_systems(ctx, raw);
    if label.destination == Destination::WindowsUpdate {
        publishing::check(ctx, raw, &label, product, &at);
    }
    Some(label)
}

fn destination(
    ctx: &mut RuleDiagnostics<'_, '_>,
    own: &At<raw::Label>,
    raw: &raw::Label,
    at: &Range<usize>,
) -> Option<Destination> {
    let Some(destination) = &raw.destination else {
        ctx.diagnostics.missing(&own.span, "destination");
        return None;
    };
    match destination.value {
        raw::Destination::WindowsUpdate => {
            for (key, span) in [
                ("partners", own.partners.as_ref().map(|_| at)),
                ("enforce_chid_targeting", own.enforce_chid_targeting.as_ref().map(|flag| &flag.span)),
                ("block_dua_creation", own.block_dua_creation.as_ref().map(|flag| &flag.span)),
            ] {
                if let Some(span) = span {
                    let help = "set `destination = \"another_partner\"`, or remove the key";
                    ctx.diagnostics.error_with_help(
                        span,
                        format!("`{key}` is for labels for partners"),
                        help,
                    );
                }
            }
            Some(Destination::WindowsUpdate)
        }
        raw::Destination::AnotherPartner => {
            let partners: Vec<_> = raw.partners.iter().flat_map(|ids| &ids.0).collect();
            if partners.is_empty() {
                let help = "add `partners = [\"PUBLISHER ID\"]`";
                ctx.diagnostics.error_with_help(at, "a label for another partner names none", help);
            }
            let mut seen = BTreeSet::new();
            for partner in partners.iter().filter(|partner| !seen.insert(partner.value.0)) {
                let message = format!("the partner {} is named twice", partner.value.0);
                ctx.diagnostics.error(&partner.span, message);
            }
            let several = partners.len() > 1;
            let shows = |name: &raw::Templated| name.value.0.variables().contains("partner");
            if let Some(name) = raw.name.as_ref().filter(|name| several && !shows(name)) {
                let help = "let the name show `{{ partner }}`";
                ctx.diagnostics.error_with_help(
                    &name.span,
                    "several partners, and their labels would have the same name",
                    help,
                );
            }
            publishing::forbid_keys(ctx, own);
            Some(Destination::AnotherPartner {
                partners: partners.into_iter().map(|id| id.value.0).collect(),
                enforce_chid_targeting: raw.enforce_chid_targeting.as_ref().map(|flag| flag.value),
                block_dua_creation: raw.block_dua_creation.as_ref().map(|flag| flag.value),
            })
        }
    }
}

fn build(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Label) -> Option<Build> {
    let mut edge = |value: &Option<At<u64>>| {
        let at = value.as_ref()?;
        let number = u32::try_from(at.value).ok().filter(|number| (10_000..=99_999).contains(number));
        if number.is_none() {
            ctx.diagnostics.error(
                &at.span,
                format!("{} is not a build number; a build number has five digits", at.value),
            );
        }
        number
    };
    let (floor, ceiling) = (edge(&raw.floor_build), edge(&raw.ceiling_build));
    if let (Some(low), Some(high), Some(at)) = (floor, ceiling, &raw.ceiling_build)
        && low > high
    {
        ctx.diagnostics.error(&at.span, "`ceiling_build` is below `floor_build`");
    }
    (raw.floor_build.is_some() || raw.ceiling_build.is_some()).then_some(Build { floor, ceiling })
}

fn chids(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Label) -> Chids {
    let Some(list) = &raw.chids else {
        return Chids::None;
    };
    if let [only] = list.0.as_slice()
        && only.value.0.source() == FROM_INF
    {
        return Chids::FromInf;
    }
    if list.0.is_empty() {
        let help = "leave the key out to target all computers";
        ctx.diagnostics.error_with_help(&list.span, "`chids` is empty", help);
    }
    let mut templates = Vec::new();
    for at in &list.0 {
        let template = ctx.template(at);
        if template.literal().is_some_and(|text| !is_guid(text)) {
            ctx.diagnostics
                .error(&at.span, format!("`{}` is not a CHID; a CHID is a GUID", template.source()));
        }
        templates.push(template);
    }
    Chids::Listed(templates)
}

/// Errors and warnings about operating systems that a label names without wildcards.
fn check_systems(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Label) {
    let ids = raw.hardware_ids.as_ref();
    let named = ids.into_iter().filter_map(|ids| ids.operating_systems.as_ref()).flat_map(|list| &list.0);
    let words = named.filter_map(|at| Some((word_for_word(at).filter(|word| is_known(word))?, at)));
    let (new, old): (Vec<_>, Vec<_>) = words.partition(|(word, _)| vocabulary::is_windows_10_or_later(word));
    let Some((old, at)) = old.first() else { return };
    if raw.chids.is_some() {
        let help = "leave `chids` out, or target Windows 10 and later in this label";
        let message = format!("CHIDs are allowed only for Windows 10 and later, but the label targets {old}");
        if new.is_empty() {
            ctx.diagnostics.error_with_help(&at.span, message, help);
        } else {
            // A package that was not signed for the old one never targets it.
            ctx.diagnostics.warn(&at.span, message, Some(help.to_owned()));
        }
    }
    if let Some((new, _)) = new.first() {
        let help = "give the older systems a label of their own (Microsoft: Other policies)";
        ctx.diagnostics.warn(&at.span, format!("the label mixes {old} with {new}"), Some(help.to_owned()));
    }
}

/// The characters that a glob can match alone.
fn word_for_word(at: &raw::Templated) -> Option<String> {
    Glob::new(at.value.0.literal()?).ok()?.only_text()
}

fn is_known(code: &str) -> bool {
    vocabulary::OS_CODES.iter().any(|known| known.eq_ignore_ascii_case(code))
}

fn targets(ctx: &mut RuleDiagnostics<'_, '_>, raw: &At<raw::HardwareIds>) -> TargetFilter<Template> {
    for at in raw.operating_systems.iter().flat_map(|list| &list.0) {
        let glob = at.value.0.literal().and_then(|text| Glob::new(text).ok());
        if let Some(glob) = glob.filter(|glob| !domains::is_known_os(glob)) {
            let known = vocabulary::OS_CODES.iter().copied();
            let help = suggest::nearest(glob.as_str(), known).map(|best| format!("did you mean `{best}`?"));
            let message = format!("`{glob}` matches no OS code that Microsoft's documentation lists");
            ctx.diagnostics.warn(&at.span, message, help);
        }
    }
    let mut globs = |key: &str, list: &Option<raw::Templates>| {
        if list.as_ref().is_some_and(|list| list.0.is_empty()) && key != "exclude" {
            let help = "leave the key out to target all";
            ctx.diagnostics.error_with_help(
                &raw.span,
                format!("`{key}` is an empty list: nothing fits it"),
                help,
            );
        }
        let column = match key {
            "include" | "exclude" => Some(domains::hardware_id as fn(&Glob) -> Option<&'static str>),
            "infs" => Some(domains::inf_name as fn(&Glob) -> Option<&'static str>),
            _ => None,
        };
        list.iter()
            .flat_map(|list| &list.0)
            .map(|at| target_glob(ctx, at, column, key == "exclude"))
            .collect()
    };
    TargetFilter {
        include: globs("include", &raw.include),
        exclude: globs("exclude", &raw.exclude),
        operating_systems: globs("operating_systems", &raw.operating_systems),
        infs: globs("infs", &raw.infs),
        bundles: globs("bundles", &raw.bundles),
        descriptions: globs("descriptions", &raw.descriptions),
        lowest_os_only: raw.lowest_os_only.as_ref().is_some_and(|flag| flag.value),
    }
}

/// A glob that selects rows. Reports one that has no meaning, and one that matches nothing in its column.
fn target_glob(
    ctx: &mut RuleDiagnostics<'_, '_>,
    at: &raw::Templated,
    never_matches: Option<fn(&Glob) -> Option<&'static str>>,
    excludes: bool,
) -> Template {
    let template = ctx.template(at);
    if template.has_expression_in_brackets() {
        let help = "the value of an expression is matched literally, which brackets cannot do; write alternatives in braces";
        ctx.diagnostics.error_with_help(&at.span, "an expression is inside the brackets of a glob", help);
        return template;
    }
    let Ok(text) = template.render_glob(&ctx.sample) else { return template };
    match Glob::new(&text) {
        Err(_) if text.is_empty() => {}
        Err(error) => ctx.diagnostics.error(&at.span, error.to_string()),
        Ok(glob) => {
            let advice = never_matches.and_then(|never_matches| never_matches(&glob));
            let advice = advice.filter(|_| template.literal().is_some());
            let message = || format!("`{glob}` never matches");
            match advice {
                Some(advice) if excludes => ctx.diagnostics.error_with_help(&at.span, message(), advice),
                Some(advice) => ctx.diagnostics.warn(&at.span, message(), Some(advice.to_owned())),
                None => {}
            }
        }
    }
    template
}

fn approval(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Approval) -> Approval {
    let flag = |value: &Option<At<bool>>| value.as_ref().map(|flag| flag.value);
    Approval {
        microsoft_contact: ctx.option(&raw.microsoft_contact),
        validations_performed: ctx.option(&raw.validations_performed),
        affected_oems: ctx.list(&raw.affected_oems),
        is_reboot_required: flag(&raw.is_reboot_required),
        is_co_engineered: flag(&raw.is_co_engineered),
        is_for_unreleased_hardware: flag(&raw.is_for_unreleased_hardware),
        has_ui_software: flag(&raw.has_ui_software),
        business_justification: ctx.option(&raw.business_justification),
    }
}

/// Two labels of one rule must not have the same name: after a lost response, a label is searched for by its name.
fn refuse_same_names(ctx: &mut RuleDiagnostics<'_, '_>, labels: &[raw::Label]) {
    for (index, label) in labels.iter().enumerate() {
        let Some(name) = &label.name else { continue };
        let rendered = |name: &raw::Templated| name.value.0.render(&ctx.sample).ok();
        let same = |other: &raw::Label| {
            let Some(other) = &other.name else { return false };
            other.value == name.value || (rendered(other).is_some() && rendered(other) == rendered(name))
        };
        let is_duplicate = labels[..index].iter().any(same);
        if is_duplicate {
            let message = format!("two labels of this rule are named `{}`", name.value.0.source());
            ctx.diagnostics.error_with_help(
                &name.span,
                message,
                "dropship finds a label again by its name; give each label its own name",
            );
        }
    }
}
