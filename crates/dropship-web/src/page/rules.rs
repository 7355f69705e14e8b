//! The page "Rules".

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::link::{MaybeLink, encoded, names};
use super::{Badge, Tone};
use crate::text::{self, clean};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesView {
    /// The rules in force, in their order.
    pub rules: Vec<RuleView>,
    /// Number of packages that no rule matched, or that inspection rejected before.
    pub unmatched: usize,
    /// Rules that no longer exist, with the number of their packages.
    pub former: Vec<(String, usize)>,
    /// Why not all packages are counted yet.
    pub incomplete: Option<String>,
    /// The configuration in force.
    pub standing: StandingView,
    /// What the configuration on disk would change.
    pub disk: DiskView,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleView {
    /// Its name.
    pub name: String,
    /// Its folders; empty: all.
    pub folders: Vec<String>,
    /// Its conditions, one text for each.
    pub conditions: Vec<String>,
    /// The account.
    pub account: String,
    /// The product, in a few words.
    pub product: String,
    /// Its labels.
    pub labels: Vec<RuleLabel>,
    /// Number of packages that it matched.
    pub packages: usize,
    /// The last of them.
    pub last: Option<(MaybeLink, Timestamp)>,
}

/// A label of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleLabel {
    /// Its name, a template.
    pub name: String,
    /// Audiences, conditions and dates, one text for each.
    pub details: Vec<String>,
}

/// The configuration in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandingView {
    /// Number of configurations that have been active since the start.
    pub generation: u64,
    /// Since when it is in force.
    pub since: Timestamp,
    /// The last reload.
    pub reload: Option<ReloadView>,
    /// Keys that need a restart.
    pub restart: Vec<String>,
}

/// A reload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReloadView {
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// Whether it became active.
    pub ok: bool,
    /// The changes or the reasons.
    pub lines: Vec<String>,
}

/// What the configuration on disk would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DiskView {
    /// It is being compared.
    #[default]
    Computing,
    /// It was compared.
    Compared {
        /// When.
        at: Timestamp,
        /// How long that took.
        took: SignedDuration,
        /// The changes, as `reload --dry-run` prints them.
        lines: Vec<String>,
        /// Whether nothing would change.
        is_same: bool,
        /// The maximum number of unfinished jobs that are compared, if there are more.
        compared_jobs: Option<usize>,
    },
    /// It would be refused.
    Refused {
        /// When that was found.
        at: Timestamp,
        /// The reasons.
        lines: Vec<String>,
    },
}

/// Maximum number of lines of a list that are shown at once.
const MAX_LINES: usize = 200;

/// The content of the page.
#[must_use]
pub fn content(view: &RulesView) -> Markup {
    html! {
        h1 { "Rules" }
        p.lead { "The first rule that matches a package decides what happens to it." }
        div.columns {
            (standing(&view.standing))
            (disk(&view.disk))
        }
        section aria-labelledby="in-force" {
            div.head {
                h2 #in-force { "In force" }
                span.quiet { (text::count(view.rules.len(), "rule", "rules")) }
            }
            @if let Some(why) = &view.incomplete { p.hint { (why) } }
            @if view.rules.is_empty() { p.empty { "The configuration has no rule: each package is rejected." } }
            ol.rows.rules { @for rule in &view.rules { li { (one(rule)) } } }
        }
        @if view.unmatched > 0 || !view.former.is_empty() {
            section aria-labelledby="others" {
                h2 #others { "Packages without a rule in force" }
                ul.rows {
                    @if view.unmatched > 0 {
                        li { (text::count(view.unmatched, "package", "packages")) " that no rule matched, or that inspection rejected before: " a href="/packages?state=rejected" { "rejected packages" } }
                    }
                    @for (name, packages) in &view.former {
                        li { span.name { (packages_of(name).render()) } " no longer exists: " (text::count(*packages, "package", "packages")) }
                    }
                }
            }
        }
    }
}

fn packages_of(rule: &str) -> MaybeLink {
    MaybeLink::to(rule, format!("/packages?rule={}", encoded(rule)))
}

fn standing(standing: &StandingView) -> Markup {
    html! {
        section aria-labelledby="standing" {
            h2 #standing { "Configuration in force" }
            dl.facts {
                dt { "Since" }
                dd { (text::time(standing.since)) span.quiet { " · number " (standing.generation) " since the start" } }
                dt { "Last reload" }
                dd {
                    @match &standing.reload {
                        None => "none since the start",
                        Some(reload) => {
                            (text::time(reload.at)) " by " bdi { (clean(&reload.by)) } " "
                            (if reload.ok { Badge::new(Tone::Ok, "applied") } else { Badge::new(Tone::Bad, "refused") }.render())
                            (lines(&reload.lines))
                        }
                    }
                }
                @if !standing.restart.is_empty() {
                    dt { "Needs a restart" }
                    dd { (names(&standing.restart)) }
                }
            }
        }
    }
}

fn disk(disk: &DiskView) -> Markup {
    html! {
        section aria-labelledby="disk" {
            h2 #disk { "Configuration on disk" }
            @match disk {
                DiskView::Computing => {
                    p { (Badge::new(Tone::Run, "being compared").render()) " Reload this page in a few seconds." }
                }
                DiskView::Refused { at, lines: reasons } => {
                    p { (Badge::new(Tone::Bad, "has errors").render()) " A reload would be refused:" }
                    (lines(reasons))
                    p.hint { "Checked " (text::full_time(*at)) "." }
                }
                DiskView::Compared { at, took, lines: changes, is_same, compared_jobs } => {
                    @if *is_same { p { (Badge::new(Tone::Ok, "same").render()) " A reload would change nothing." } }
                    @else { p { (Badge::new(Tone::Wait, "differs").render()) " A reload would change this:" } }
                    @if !is_same || changes.len() > 1 { (lines(changes)) }
                    p.hint {
                        "Compared " (text::full_time(*at)) ", in " (crate::picture::duration(took.unsigned_abs())) ", as "
                        code { "dropship reload --dry-run" } " does. It is compared again when the files change."
                        @if let Some(jobs) = compared_jobs { " Only the newest " (text::number(*jobs)) " unfinished packages were compared." }
                    }
                }
            }
        }
    }
}

fn lines(lines: &[String]) -> Markup {
    html! {
        ul.lines {
            @for line in lines.iter().take(MAX_LINES) { li { bdi { (clean(line)) } } }
            @if lines.len() > MAX_LINES { li { "and " (text::number(lines.len() - MAX_LINES)) " more" } }
        }
    }
}

fn one(rule: &RuleView) -> Markup {
    html! {
        div.line {
            div.grow { h3.name { (packages_of(&rule.name).render()) } }
            span {
                strong { (text::number(rule.packages)) } (if rule.packages == 1 { " package" } else { " packages" })
                @if let Some((last, at)) = &rule.last { span.quiet { ", the last " (text::time(*at)) ": " (last.render()) } }
            }
        }
        dl.facts {
            dt { "Folders" }
            dd { @if rule.folders.is_empty() { "all" } @else { (names(&rule.folders)) } }
            dt { "Matches" }
            dd { @if rule.conditions.is_empty() { "every package" } @else { (lines(&rule.conditions)) } }
            dt { "Product" }
            dd { bdi { (clean(&rule.product)) } span.quiet { " · account " bdi { (clean(&rule.account)) } } }
            dt { "Labels" }
            dd {
                @if rule.labels.is_empty() { "none: the package is signed only" }
                ol.labels {
                    @for label in &rule.labels {
                        li { code { bdi { (clean(&label.name)) } } @if !label.details.is_empty() { span.quiet { " – " (names(&label.details)) } } }
                    }
                }
            }
        }
    }
}
