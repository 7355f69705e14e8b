//! The page "Overview": what needs attention, what is in progress, what comes next, and what has ended.

use jiff::Timestamp;
use maud::{Markup, html};

use super::Badge;
use crate::text;

/// What the page shows. Two equal views have the same page, apart from the times that have elapsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverviewView {
    /// Whether the list of packages is still being read from the store.
    pub is_reading: bool,
    /// The list of troubles.
    pub troubles: Vec<Trouble>,
    /// What is paused, as sentences.
    pub pauses: Vec<String>,
    /// Keys of the configuration that take effect at a restart.
    pub restart: Vec<String>,
    /// Number of packages by state.
    pub counts: Vec<StateCount>,
    /// Packages that wait for a decision.
    pub held: Vec<PackageLine>,
    /// Packages in progress.
    pub active: Vec<PackageLine>,
    /// Number of packages in progress that are not listed.
    pub more_active: usize,
    /// Number of held packages that are not listed.
    pub more_held: usize,
    /// The next labels on the calendar.
    pub upcoming: Vec<Upcoming>,
    /// The packages that ended last.
    pub ended: Vec<PackageLine>,
    /// The watched folders.
    pub folders: Vec<HealthItem>,
    /// The accounts at Microsoft.
    pub accounts: Vec<HealthItem>,
}

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its kind.
    pub kind: String,
    /// What is wrong, and why.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// Whether no package is accepted because of it.
    pub stops_intake: bool,
}

/// The number of packages in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateCount {
    /// The state.
    pub word: String,
    /// How many.
    pub count: usize,
    /// The address of the list of these.
    pub link: String,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageLine {
    /// Address of its page.
    pub link: String,
    /// File name.
    pub package: String,
    /// Its rule or folder, if it has one.
    pub origin: Option<String>,
    /// Its state.
    pub badge: Badge,
    /// The step, while it is in progress.
    pub step: Option<String>,
    /// Since when it is in this step or state.
    pub since: Timestamp,
    /// Why it waits or ended, or what happens next.
    pub note: Option<String>,
    /// When it continues.
    pub due: Option<Timestamp>,
}

/// A label that will be requested, published or live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// When, at the earliest.
    pub at: Timestamp,
    /// Name of the label.
    pub label: String,
    /// Its state.
    pub badge: Badge,
    /// Its audiences.
    pub audiences: Vec<String>,
    /// File name of its package.
    pub package: String,
    /// Address of the page of its package.
    pub link: String,
}

/// A folder or an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthItem {
    /// Its name.
    pub name: String,
    /// Its path or endpoint.
    pub place: Option<String>,
    /// Its health.
    pub badge: Badge,
    /// What is wrong, what to do, and what is remarkable.
    pub notes: Vec<String>,
}

/// The content of the page. `live` is the address of its stream of newer versions.
#[must_use]
pub fn content(view: &OverviewView, live: &str, now: Timestamp) -> Markup {
    html! {
        div.head {
            h1 { "Overview" }
            p.quiet {
                span data-live-status="" role="status" { noscript { a href="/" { "Reload" } " for newer information" } }
            }
        }
        div data-live=(live) { (region(view, now)) }
    }
}

/// The part of the page that is kept up to date.
#[must_use]
pub fn region(view: &OverviewView, now: Timestamp) -> Markup {
    html! {
        (attention(view, now))
        (counts(view))
        @if !view.held.is_empty() {
            section aria-labelledby="held" {
                h2 #held { "Waiting for a decision" }
                (lines(&view.held, now))
                (more(view.more_held, "held", "/packages?state=held"))
            }
        }
        div.columns {
            div {
                section aria-labelledby="active" {
                    h2 #active { "In progress" }
                    @if view.active.is_empty() { p.empty { "No package is in progress." } }
                    (lines(&view.active, now))
                    (more(view.more_active, "in progress", "/packages?sort=state"))
                }
                section aria-labelledby="ended" {
                    h2 #ended { "Last results" }
                    @if view.ended.is_empty() { p.empty { "No package has ended yet." } }
                    (lines(&view.ended, now))
                    @if !view.ended.is_empty() { p { a href="/packages?sort=updated" { "All packages by last change" } } }
                }
            }
            div {
                (calendar(view))
                (parts("folders", "Folders", &view.folders))
                (parts("accounts", "Accounts", &view.accounts))
            }
        }
    }
}

fn attention(view: &OverviewView, now: Timestamp) -> Markup {
    let held = view.held.len() + view.more_held;
    let is_quiet = view.troubles.is_empty() && view.pauses.is_empty() && view.restart.is_empty() && held == 0;
    html! {
        section.plain aria-label="Needs attention" {
            @if is_quiet && !view.is_reading {
                div.notice.ok { p { strong { "Nothing needs attention." } } }
            }
            @for trouble in &view.troubles {
                div.notice.(if trouble.stops_intake { "bad" } else { "hold" }) {
                    p {
                        strong { (trouble.kind) }
                        span.quiet { " for " (text::elapsed(trouble.since, now)) }
                        @if trouble.stops_intake { span { " · no packages are accepted" } }
                    }
                    p { (text::message(&trouble.message)) }
                }
            }
            @if held > 0 {
                div.notice.hold {
                    p { strong { a href="#held" { (text::count(held, "package waits", "packages wait")) " for a decision" } } }
                }
            }
            @for pause in &view.pauses { div.notice.hold { p { (text::message(pause)) } } }
            @if !view.restart.is_empty() {
                div.notice {
                    p { "Changes of the configuration that take effect at a restart: " (view.restart.join(", ")) }
                }
            }
            @if view.is_reading {
                div.notice { p { "The list of packages is being read from the store; this page is not complete yet." } }
            }
        }
    }
}

fn counts(view: &OverviewView) -> Markup {
    html! {
        ul.tiles aria-label="Packages by state" {
            @for count in &view.counts {
                li { a href=(count.link) { strong { (text::number(count.count)) } (count.word) } }
            }
        }
    }
}

fn lines(lines: &[PackageLine], now: Timestamp) -> Markup {
    html! {
        @if !lines.is_empty() {
            ul.rows {
                @for line in lines {
                    li {
                        div.line {
                            a.name.grow href=(line.link) { bdi { (line.package) } }
                            (line.badge.render())
                        }
                        div.line.quiet {
                            span.grow {
                                @if let Some(step) = &line.step { (step) " for " (text::elapsed(line.since, now)) }
                                @else { (text::elapsed(line.since, now)) " ago" }
                                @if let Some(due) = line.due { ", next at " (text::time(due)) }
                            }
                            @if let Some(origin) = &line.origin { bdi { (origin) } }
                        }
                        @if let Some(note) = &line.note { div { (text::message(note)) } }
                    }
                }
            }
        }
    }
}

fn more(count: usize, what: &str, link: &str) -> Markup {
    html! {
        @if count > 0 { p { a href=(link) { (text::number(count)) " more " (what) } } }
    }
}

fn calendar(view: &OverviewView) -> Markup {
    html! {
        section aria-labelledby="next" {
            h2 #next { "Next on the calendar" }
            @if view.upcoming.is_empty() { p.empty { "No label has a date ahead." } }
            @else {
                ul.rows {
                    @for upcoming in &view.upcoming {
                        li {
                            div.line {
                                span.grow { (text::time(upcoming.at)) }
                                (upcoming.badge.render())
                            }
                            div.name { bdi { (upcoming.label) } }
                            div.quiet {
                                @if upcoming.audiences.is_empty() { "every machine that it targets" }
                                @else { bdi { (upcoming.audiences.join(", ")) } }
                                " · " a href=(upcoming.link) { bdi { (upcoming.package) } }
                            }
                        }
                    }
                }
                p { a href="/labels" { "All labels" } }
            }
        }
    }
}

fn parts(id: &str, heading: &str, parts: &[HealthItem]) -> Markup {
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (heading) }
            @if parts.is_empty() { p.empty { "None is configured." } }
            @else {
                ul.rows {
                    @for part in parts {
                        li {
                            div.line { span.name.grow { bdi { (part.name) } } (part.badge.render()) }
                            @if let Some(place) = &part.place { div.quiet { bdi { (place) } } }
                            @for note in &part.notes { div { (text::message(note)) } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
