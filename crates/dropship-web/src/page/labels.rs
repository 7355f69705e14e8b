//! The page "Labels".

use jiff::Timestamp;
use maud::{Markup, html};

use super::Badge;
use super::link::{MaybeLink, links, names};
use crate::picture::Calendar;
use crate::text::{self, clean};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelsView {
    /// Why not all labels are known yet.
    pub incomplete: Option<String>,
    /// The filters, as they were sent.
    pub filters: LabelFilters,
    /// The calendar.
    pub calendar: Option<CalendarView>,
    /// Labels by driver and ring.
    pub drivers: Vec<DriverView>,
    /// Number of drivers that are not shown.
    pub more_drivers: usize,
    /// The labels of this page.
    pub labels: Vec<LabelView>,
    /// Number of labels that the filters let through.
    pub total: usize,
    /// Address of the page before.
    pub previous: Option<String>,
    /// Address of the next page.
    pub next: Option<String>,
    /// `1–25`.
    pub range: String,
}

/// The filters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelFilters {
    /// Text in the name of the label, the package or the driver.
    pub text: String,
    /// The chosen state.
    pub state: Option<String>,
    /// All states that can be chosen: value and word.
    pub states: Vec<(String, String)>,
    /// The chosen ring.
    pub ring: Option<String>,
    /// All rings.
    pub rings: Vec<String>,
}

/// The calendar and its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarView {
    /// The picture.
    pub calendar: Calendar,
    /// Address with earlier weeks.
    pub earlier: Option<String>,
    /// Address with the present weeks.
    pub present: String,
    /// Address with later weeks.
    pub later: Option<String>,
}

/// A driver, with the rings of its labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverView {
    /// Its name.
    pub name: MaybeLink,
    /// The rings, in the order of the rule.
    pub rings: Vec<RingView>,
}

/// A ring of a driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RingView {
    /// Its name.
    pub name: String,
    /// The latest published label: its version, its page and when it went live.
    pub live: Option<(MaybeLink, Timestamp)>,
    /// The next label: its version and page, its state, and when it goes live at the earliest.
    pub next: Option<(MaybeLink, Badge, Option<Timestamp>)>,
}

/// A label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelView {
    /// Its name and the page of its package.
    pub name: MaybeLink,
    /// Id at Microsoft.
    pub id: Option<String>,
    /// Its state.
    pub state: Badge,
    /// Its package.
    pub package: String,
    /// The driver and its version.
    pub driver: String,
    /// Its ring.
    pub ring: String,
    /// Names of its audiences; empty: every machine that it targets.
    pub audiences: Vec<String>,
    /// The partner that it goes to instead of Windows Update.
    pub partner: Option<String>,
    /// Dates: what, and when.
    pub dates: Vec<(&'static str, Timestamp)>,
    /// What it waits for.
    pub waits: Vec<String>,
    /// Its targets.
    pub reach: Option<ReachView>,
    /// Older labels that gave up targets to it.
    pub supersedes: Vec<MaybeLink>,
    /// Newer labels to which it gave up targets.
    pub superseded_by: Vec<MaybeLink>,
    /// The change that dropship did not make, and whether an operator has acknowledged it.
    pub drift: Option<(String, bool)>,
}

/// The targets of a label, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReachView {
    /// Number of targets.
    pub total: usize,
    /// Where the numbers come from.
    pub source: &'static str,
    /// Targets by OS code.
    pub systems: Vec<(String, usize)>,
    /// Targets by vendor.
    pub vendors: Vec<(String, usize)>,
    /// Number of computer hardware ids that it is restricted to.
    pub chids: usize,
    /// Lowest and highest system.
    pub limits: Vec<String>,
}

/// Maximum number of items of a list in a cell.
const MAX_ITEMS: usize = 6;

/// The content of the page.
#[must_use]
pub fn content(view: &LabelsView) -> Markup {
    html! {
        h1 { "Labels" }
        p.lead { "Which driver goes to whom, and when." }
        @if let Some(why) = &view.incomplete { div.notice { p { (why) } } }
        @if let Some(calendar) = &view.calendar { (calendar_section(calendar)) }
        @if !view.drivers.is_empty() { (drivers(view)) }
        section aria-labelledby="all" {
            div.head { h2 #all { "All labels" } span.quiet { (text::count(view.total, "label", "labels")) } }
            (filters(&view.filters))
            @if view.labels.is_empty() { p.empty { "No label fits." } }
            @else { (table(view)) }
        }
    }
}

fn calendar_section(view: &CalendarView) -> Markup {
    html! {
        section aria-labelledby="calendar-heading" {
            div.head {
                h2 #calendar-heading { "Calendar" }
                nav.choices aria-label="Weeks of the calendar" {
                    ul {
                        @if let Some(href) = &view.earlier { li { a href=(href) { "Earlier" } } }
                        li { a href=(view.present) { "Now" } }
                        @if let Some(href) = &view.later { li { a href=(href) { "Later" } } }
                    }
                }
            }
            (view.calendar.picture())
            (view.calendar.table())
        }
    }
}

fn drivers(view: &LabelsView) -> Markup {
    html! {
        section aria-labelledby="drivers" {
            h2 #drivers { "By driver and ring" }
            div.scroll tabindex="0" role="region" aria-label="Labels by driver and ring" {
                table.stack {
                    caption { "The version that each ring has now, and the one that comes next" }
                    thead { tr { th scope="col" { "Driver" } th scope="col" { "Ring" } th scope="col" { "Has now" } th scope="col" { "Comes next" } } }
                    @for driver in &view.drivers {
                        tbody {
                            @for (index, ring) in driver.rings.iter().enumerate() {
                                tr {
                                    @if index == 0 { th scope="rowgroup" rowspan=(driver.rings.len()) { span.name { (driver.name.render()) } } }
                                    td data-label="Ring" { bdi { (clean(&ring.name)) } }
                                    td data-label="Has now" {
                                        @match &ring.live {
                                            Some((version, at)) => { (version.render()) span.quiet { " since " (text::time(*at)) } }
                                            None => span.quiet { "nothing" },
                                        }
                                    }
                                    td data-label="Comes next" {
                                        @if let Some((version, state, at)) = &ring.next {
                                            (version.render()) " " (state.render())
                                            @if let Some(at) = at { span.quiet { " not before " (text::time(*at)) } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if view.more_drivers > 0 {
                p.hint { "and " (text::count(view.more_drivers, "more driver", "more drivers")) "; the filters below find them." }
            }
        }
    }
}

fn filters(filters: &LabelFilters) -> Markup {
    html! {
        form.filters method="get" action="/labels" {
            div.wide {
                label for="q" { "Label, package or driver" }
                input #q name="q" type="search" value=(filters.text) maxlength="400";
            }
            div {
                label for="state" { "State" }
                select #state name="state" {
                    option value="" { "any" }
                    @for (value, word) in &filters.states {
                        option value=(value) selected[filters.state.as_ref() == Some(value)] { (word) }
                    }
                }
            }
            div {
                label for="ring" { "Ring" }
                select #ring name="ring" {
                    option value="" { "any" }
                    @for ring in &filters.rings {
                        option value=(ring) selected[filters.ring.as_ref() == Some(ring)] { (clean(ring)) }
                    }
                }
            }
            div.buttons { button type="submit" { "Filter" } a href="/labels" { "Clear" } }
        }
    }
}

fn table(view: &LabelsView) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="All labels" {
            table.stack.labels {
                caption { "Labels " (view.range) " of " (text::number(view.total)) ", the newest packages first" }
                thead {
                    tr { th scope="col" { "Label" } th scope="col" { "State" } th scope="col" { "Audiences" } th scope="col" { "Reach" } th scope="col" { "Dates" } }
                }
                tbody { @for label in &view.labels { (row(label)) } }
            }
        }
        nav.pages aria-label="Pages of labels" {
            span { @if let Some(href) = &view.previous { a href=(href) rel="prev" { "Previous" } } }
            span { @if let Some(href) = &view.next { a href=(href) rel="next" { "Next" } } }
        }
    }
}

fn row(label: &LabelView) -> Markup {
    html! {
        tr {
            th scope="row" {
                span.name { (label.name.render()) }
                p.hint {
                    bdi { (clean(&label.package)) }
                    @if !label.driver.is_empty() { " · " bdi { (clean(&label.driver)) } }
                    @if let Some(id) = &label.id { " · id " (id) }
                }
            }
            td data-label="State" {
                (label.state.render())
                @if let Some((what, is_acknowledged)) = &label.drift {
                    p.(if *is_acknowledged { "hint" } else { "fault" }) { "drift: " bdi { (clean(what)) } @if *is_acknowledged { " (acknowledged)" } }
                }
            }
            td data-label="Audiences" {
                @match &label.partner {
                    Some(partner) => { "partner " bdi { (clean(partner)) } }
                    None => @if label.audiences.is_empty() { "everyone" } @else { (names(&label.audiences)) },
                }
            }
            td data-label="Reach" { @if let Some(found) = &label.reach { (reach(found)) } @else { span.quiet { "not known" } }
                @if !label.supersedes.is_empty() { p.hint { "supersedes " (links(&label.supersedes)) } }
                @if !label.superseded_by.is_empty() { p.hint { "superseded by " (links(&label.superseded_by)) } }
            }
            td data-label="Dates" {
                @for (what, at) in &label.dates { div.nowrap { span.quiet { (what) " " } (text::time(*at)) } }
                @for waits in &label.waits { p.hint { bdi { (clean(waits)) } } }
            }
        }
    }
}

fn reach(reach: &ReachView) -> Markup {
    html! {
        div { (text::count(reach.total, "target", "targets")) span.quiet { " " (reach.source) } }
        @if !reach.systems.is_empty() { p.hint { (counts(&reach.systems)) } }
        @if !reach.vendors.is_empty() { p.hint { (counts(&reach.vendors)) } }
        @for limit in &reach.limits { p.hint { (limit) } }
        @if reach.chids > 0 { p.hint { "only " (text::count(reach.chids, "computer model", "computer models")) " (CHIDs)" } }
    }
}

fn counts(counts: &[(String, usize)]) -> Markup {
    html! {
        @for (index, (name, count)) in counts.iter().take(MAX_ITEMS).enumerate() {
            @if index > 0 { ", " } code { (clean(name)) } " " (text::number(*count))
        }
        @if counts.len() > MAX_ITEMS { " and " (counts.len() - MAX_ITEMS) " more" }
    }
}
