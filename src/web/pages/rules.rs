//! The page `Rules`.

use dropship_web::Markup;
use dropship_web::page::rules::{self, DiskView, ReloadView, RulesView, StandingView};
use jiff::SignedDuration;

use super::super::preview::{MAX_JOBS, ReloadComparison};
use super::super::query::QueryParameters;
use super::super::refusal::RequestRefusal;
use super::super::site::Site;
use super::super::words::{self, escape};
use crate::control::ConfigurationStanding;

mod packages;
mod rule;

/// The parameters of the page.
pub(crate) const PARAMETERS: &[&str] = &[];

/// The content of the page. It may block.
pub(crate) fn content(site: &Site, _query: &QueryParameters) -> Result<Markup, RequestRefusal> {
    let active = site.readings.configuration();
    let (packages, incomplete) = {
        let rows = site.rows.read();
        (packages::count(&rows), words::incomplete(rows.completeness()))
    };
    let rules = &active.config.rules;
    let former = packages.by_rule.iter().filter(|(name, _)| !rules.iter().any(|rule| *rule.name == ***name));
    let view = RulesView {
        rules: rules.iter().map(|rule| rule::view(rule, packages.by_rule.get(rule.name.as_str()))).collect(),
        unmatched: packages.unmatched,
        former: former.map(|(name, matched)| (escape(name), matched.count)).collect(),
        incomplete,
        standing: standing(site.readings.configuration_standing()),
        disk: match site.preview.current(&site.readings, &site.main) {
            Some(comparison) => disk(&comparison),
            None => DiskView::Computing,
        },
    };
    Ok(rules::content(&view))
}

fn standing(standing: ConfigurationStanding) -> StandingView {
    StandingView {
        generation: standing.generation,
        since: standing.active_since,
        reload: standing.last_reload.map(|reload| ReloadView {
            at: reload.at,
            by: escape(&reload.by),
            ok: reload.ok,
            lines: reload.lines.iter().map(|line| escape(line)).collect(),
        }),
        restart: standing.restart,
    }
}

fn disk(comparison: &ReloadComparison) -> DiskView {
    match &comparison.result {
        Ok(reloaded) => DiskView::Compared {
            at: comparison.at,
            took: SignedDuration::try_from(comparison.took).unwrap_or_default(),
            lines: reloaded.lines().iter().map(|line| escape(line)).collect(),
            is_same: reloaded.changes_nothing(),
            compared_jobs: comparison.has_left_out_jobs.then_some(MAX_JOBS),
        },
        Err(why) => DiskView::Refused { at: comparison.at, lines: why.lines().map(escape).collect() },
    }
}
