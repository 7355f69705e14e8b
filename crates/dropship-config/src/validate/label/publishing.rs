//! How Windows Update publishes a label: Microsoft's requirements that the rule alone decides.

use std::ops::Range;

use jiff::Timestamp;

use crate::PassedDates;
use crate::raw::rule as raw;
use crate::raw::values::At;
use crate::validate::product::warn_unknown_word;
use crate::validate::rule_diagnostics::RuleDiagnostics;
use dropship_hardware::TestHarness;
use dropship_rules::rule::{LabelRule, ProductRule};
use dropship_rules::schedule::GoLive;
use dropship_rules::template::Template;
use dropship_rules::vocabulary::{self, is_test_audience};

/// Keys that say how Windows Update publishes, on a label that does not go there.
pub(super) fn forbid_keys(ctx: &mut RuleDiagnostics<'_, '_>, own: &raw::Label) {
    let first = |list: &Option<raw::Templates>| list.as_ref()?.0.first().map(|at| at.span.clone());
    let keys = [
        ("go_live", own.go_live.as_ref().map(|value| value.span.clone())),
        ("audiences", first(&own.audiences)),
        ("floor", own.floor.as_ref().map(|value| value.span.clone())),
        ("ceiling", own.ceiling.as_ref().map(|value| value.span.clone())),
        ("floor_build", own.floor_build.as_ref().map(|value| value.span.clone())),
        ("ceiling_build", own.ceiling_build.as_ref().map(|value| value.span.clone())),
        ("supersede", own.supersede.as_ref().filter(|flag| flag.value).map(|value| value.span.clone())),
        ("auto_install_during_os_upgrade", span_if_set(&own.auto_install_during_os_upgrade)),
        ("auto_install_on_applicable_systems", span_if_set(&own.auto_install_on_applicable_systems)),
    ];
    for (key, span) in keys.into_iter().filter_map(|(key, span)| Some((key, span?))) {
        let help = "the partner decides how it is published; remove the key";
        ctx.diagnostics.error_with_help(
            &span,
            format!("`{key}` means nothing on a label for another partner"),
            help,
        );
    }
}

fn span_if_set(flag: &Option<At<bool>>) -> Option<Range<usize>> {
    flag.as_ref().filter(|flag| flag.value).map(|flag| flag.span.clone())
}

/// Microsoft's requirements for a Windows Update label that the rule alone decides.
pub(super) fn check(
    ctx: &mut RuleDiagnostics<'_, '_>,
    raw: &raw::Label,
    label: &LabelRule,
    product: Option<&ProductRule>,
    at: &Range<usize>,
) {
    let automatic = span_if_set(&raw.auto_install_during_os_upgrade)
        .or(span_if_set(&raw.auto_install_on_applicable_systems));
    if let Some(span) = &automatic
        && label.approval.is_none()
    {
        let help = "add `[rule.label.approval]` with what was tested and why";
        ctx.diagnostics.error_with_help(
            span,
            "a driver that installs automatically needs `approval` information",
            help,
        );
    }
    if let Some(ceiling) = &raw.ceiling
        && label.approval.as_ref().is_none_or(|approval| approval.business_justification.is_none())
    {
        let help = "add `approval.business_justification`";
        ctx.diagnostics.error_with_help(&ceiling.span, "a ceiling needs a business justification", help);
    }
    let in_service = raw.floor.as_ref().or(raw.ceiling.as_ref());
    if let Some(span) = in_service.map(|value| &value.span)
        && label.build.is_some()
    {
        ctx.diagnostics.error(span, "floor and ceiling exclude build numbers: give one kind or the other");
    }
    for edge in [&raw.floor, &raw.ceiling].into_iter().flatten() {
        if let Some(word) = edge.value.0.literal() {
            warn_unknown_word(ctx, &edge.span, "a floor or ceiling", word, vocabulary::FLOORS);
        }
    }
    if let (Some(low), Some(high)) = (literal_rank(&label.floor), literal_rank(&label.ceiling))
        && low > high
        && let Some(ceiling) = &raw.ceiling
    {
        ctx.diagnostics.error(&ceiling.span, "the ceiling is below the floor");
    }
    go_live(ctx, raw, label);
    if product.is_some_and(|product| product.test_harness == TestHarness::Attestation) {
        attestation(ctx, raw, label, at);
    }
}

/// A fixed date must be in the future and outside of the blackout days.
fn go_live(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Label, label: &LabelRule) {
    let (Some(date), Some(time)) = (&raw.go_live, label.go_live.and_then(GoLive::fixed)) else { return };
    if time <= Timestamp::now() {
        let help = "give a later date, or an offset such as \"+7d\"; without `go_live` a label goes live once it is certified";
        let message = format!("{time:.0} (UTC) has passed");
        match ctx.diagnostics.passed_dates {
            PassedDates::Refused => ctx.diagnostics.error_with_help(&date.span, message, help),
            PassedDates::Accepted => {
                let message = format!("{message}: the label is held before it is requested");
                ctx.diagnostics.warn(&date.span, message, Some(help.to_owned()));
            }
        }
    }
    let day = time.to_zoned(jiff::tz::TimeZone::UTC).date();
    if label.blackout.iter().any(|days| days.contains(day)) {
        ctx.diagnostics.error(&date.span, format!("{day} is a blackout day"));
    }
}

fn literal_rank(edge: &Option<Template>) -> Option<usize> {
    edge.as_ref().and_then(Template::literal).and_then(vocabulary::floor_rank)
}

/// Since March 2023 an attestation-signed driver goes to test audiences or co-engineering alone.
fn attestation(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Label, label: &LabelRule, at: &Range<usize>) {
    let possible = |audience: &Template| match audience.literal() {
        // A GUID's name is known only to Microsoft; it is checked again before the label is created.
        Some(name) => is_test_audience(name) || dropship_rules::guid::is_guid(name),
        None => true,
    };
    if label.build.is_some() || label.audiences.iter().any(possible) {
        return;
    }
    let first = raw.audiences.as_ref().and_then(|list| list.0.first()).map(|at| at.span.clone());
    let help = "add `audiences = [\"Test Registry Key\"]`, or submit HLK results for retail \
                (Microsoft, \"Publishing restrictions\")";
    let message = "Microsoft does not publish attestation-signed drivers to retail";
    ctx.diagnostics.error_with_help(&first.unwrap_or_else(|| at.clone()), message, help);
}
