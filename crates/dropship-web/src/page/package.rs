//! The page of one package: its way, its facts, its plan, its labels, its requests, its files and its history.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::{Badge, Tone};
use crate::picture::{StepState, Way, WayStep};
use crate::text;

/// What the page shows. Two equal views have the same page, apart from the times that have elapsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageView {
    /// Id of its job.
    pub id: String,
    /// File name.
    pub package: String,
    /// Its state.
    pub badge: Badge,
    /// What happens now, such as `sign, waiting for the signature`.
    pub summary: String,
    /// What is wrong, why it waits, and what an operator can do.
    pub notices: Vec<Notice>,
    /// The steps, in their order.
    pub stages: Vec<StepView>,
    /// Facts about the package and its job.
    pub facts: Vec<NamedValue>,
    /// Its INFs.
    pub infs: Vec<InfView>,
    /// Number of INFs that are not listed.
    pub more_infs: usize,
    /// Its labels.
    pub labels: Vec<PackageLabelView>,
    /// The requests that wait for an approval.
    pub approvals: Vec<ApprovalView>,
    /// What the rule asks for: product and submission.
    pub plan: Vec<NamedValue>,
    /// The requests for product and submission: heading and body.
    pub requests: Vec<(String, String)>,
    /// Its results.
    pub files: Vec<FileView>,
    /// Its history, by step.
    pub history: Vec<HistoryStep>,
}

/// Something to know before everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its meaning.
    pub tone: Tone,
    /// Its text, in paragraphs.
    pub text: Vec<String>,
}

/// A step of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// Its progress.
    pub state: StepState,
    /// How long it took before the present attempt; absent if it has not started.
    pub took: Option<Duration>,
    /// Start of the present attempt, while it runs.
    pub since: Option<Timestamp>,
    /// What it waits for, or why it failed.
    pub note: Option<String>,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// The name.
    pub name: String,
    /// The value.
    pub value: ValueView,
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueView {
    /// A text.
    Text(String),
    /// A text in the letters of a machine, such as a digest.
    Code(String),
    /// A time.
    Time(Timestamp),
    /// A text that leads to a page of the site or of Partner Center.
    Link {
        /// The text.
        text: String,
        /// The address.
        link: String,
        /// Whether it leads to another site.
        is_external: bool,
    },
}

/// An INF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfView {
    /// File name.
    pub name: String,
    /// Provider.
    pub provider: String,
    /// Class.
    pub class: String,
    /// Date and version of `DriverVer`.
    pub version: String,
    /// Number of hardware ids.
    pub hardware_ids: usize,
    /// The first hardware ids.
    pub first_ids: Vec<String>,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageLabelView {
    /// Its name.
    pub name: String,
    /// Its state.
    pub badge: Badge,
    /// Its id at Microsoft, with the address in Partner Center.
    pub id: Option<ValueView>,
    /// Its audiences.
    pub audiences: Vec<String>,
    /// The time before which it is not requested or does not go live.
    pub not_before: Option<Timestamp>,
    /// Why it waits, or what has changed.
    pub notes: Vec<String>,
    /// What the rule asks for: names and values.
    pub plan: Vec<(String, String)>,
}

/// A request that waits for an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalView {
    /// Name of the label.
    pub label: String,
    /// Why the request is not, or not known to be, the one with the digest.
    pub problem: Option<String>,
    /// The request: names and values.
    pub facts: Vec<(String, String)>,
    /// The body of the request.
    pub body: Option<String>,
    /// The command that approves it.
    pub command: String,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileView {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its address, while it is in the outbox.
    pub link: Option<String>,
}

/// A step of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryStep {
    /// The step.
    pub step: String,
    /// Its begin.
    pub start: Timestamp,
    /// How long it took; absent while it runs.
    pub took: Option<SignedDuration>,
    /// What happened, with the time.
    pub lines: Vec<(Timestamp, String)>,
}

/// The content of the page. `live` is the address of its stream of newer versions.
#[must_use]
pub fn content(view: &PackageView, live: &str, now: Timestamp) -> Markup {
    html! {
        div.head.quiet {
            p { a href="/packages" { "Packages" } " / " (view.id) }
            p { span data-live-status="" role="status" { noscript { a href="" { "Reload" } " for newer information" } } }
        }
        div data-live=(live) { (region(view, now)) }
    }
}

/// The part of the page that is kept up to date.
#[must_use]
pub fn region(view: &PackageView, now: Timestamp) -> Markup {
    html! {
        div.head { h1 { bdi { (view.package) } } (view.badge.render()) }
        p.lead { (view.summary) }
        @for notice in &view.notices {
            div.notice.(notice.tone.class()) { @for line in &notice.text { p { (text::message(line)) } } }
        }
        section aria-labelledby="way" { h2 #way { "Way" } (way(&view.stages, now)) }
        @for approval in &view.approvals { (approval_of(approval)) }
        div.columns {
            div {
                section aria-labelledby="facts" { h2 #facts { "Package" } (facts(&view.facts)) }
                (files(&view.files))
            }
            div {
                (infs(view))
                @if !view.plan.is_empty() { section aria-labelledby="plan" { h2 #plan { "Plan" } (facts(&view.plan)) (requests(&view.requests)) } }
            }
        }
        (labels(&view.labels))
        (history(&view.history, now))
    }
}

fn way(stages: &[StepView], now: Timestamp) -> Markup {
    let step = |stage: &StepView| WayStep {
        name: stage.name.clone(),
        state: stage.state,
        took: took(stage, now),
        note: stage.note.clone(),
    };
    let way = Way { steps: stages.iter().map(step).collect() };
    html! {
        (way.picture("way-picture"))
        details { summary { "The steps as a table" } (way.table()) }
    }
}

/// How long a step has taken until now.
fn took(stage: &StepView, now: Timestamp) -> Option<Duration> {
    let current = stage.since.map(|since| Duration::try_from(now.duration_since(since)).unwrap_or_default());
    match (stage.took, current) {
        (Some(before), Some(current)) => Some(before.saturating_add(current)),
        (before, current) => before.or(current),
    }
}

fn value(value: &ValueView) -> Markup {
    html! {
        @match value {
            ValueView::Text(text) => { bdi { (text) } }
            ValueView::Code(text) => { code { (text) } }
            ValueView::Time(at) => { (text::full_time(*at)) }
            ValueView::Link { text, link, is_external: true } => {
                a href=(link) rel="external noopener noreferrer" { bdi { (text) } }
            }
            ValueView::Link { text, link, is_external: false } => { a href=(link) { bdi { (text) } } }
        }
    }
}

fn facts(facts: &[NamedValue]) -> Markup {
    html! {
        dl.facts { @for fact in facts { dt { (fact.name) } dd { (value(&fact.value)) } } }
    }
}

fn pairs(pairs: &[(String, String)]) -> Markup {
    html! {
        dl.facts { @for (name, value) in pairs { dt { (text::message(name)) } dd { bdi { (value) } } } }
    }
}

fn approval_of(approval: &ApprovalView) -> Markup {
    html! {
        section.approval {
            h2 { "Approval of label " bdi { (approval.label) } }
            @if let Some(problem) = &approval.problem { div.notice.bad { p { (text::message(problem)) } } }
            (pairs(&approval.facts))
            @if let Some(body) = &approval.body {
                details { summary { "Request" } pre tabindex="0" { (body) } }
            }
            h3 { "To approve this request, run" }
            pre.command tabindex="0" { (approval.command) }
        }
    }
}

fn infs(view: &PackageView) -> Markup {
    html! {
        @if !view.infs.is_empty() {
            section aria-labelledby="infs" {
                h2 #infs { "Drivers" }
                ul.rows {
                    @for inf in &view.infs {
                        li {
                            div.line { span.name.grow { bdi { (inf.name) } } span { bdi { (inf.version) } } }
                            div.quiet { bdi { (inf.provider) } @if !inf.class.is_empty() { ", class " bdi { (inf.class) } } }
                            @if inf.hardware_ids > 0 {
                                details {
                                    summary { (text::count(inf.hardware_ids, "hardware id", "hardware ids")) }
                                    ul { @for id in &inf.first_ids { li { code { (id) } } } }
                                    @if inf.hardware_ids > inf.first_ids.len() {
                                        p { "and " (text::number(inf.hardware_ids - inf.first_ids.len())) " more" }
                                    }
                                }
                            }
                        }
                    }
                }
                @if view.more_infs > 0 { p { "and " (text::count(view.more_infs, "more INF", "more INFs")) } }
            }
        }
    }
}

fn requests(requests: &[(String, String)]) -> Markup {
    html! {
        @for (heading, body) in requests {
            details { summary { (heading) } pre tabindex="0" { (body) } }
        }
    }
}

fn labels(labels: &[PackageLabelView]) -> Markup {
    html! {
        @if !labels.is_empty() {
            section aria-labelledby="labels" {
                h2 #labels { "Labels" }
                ul.rows {
                    @for label in labels {
                        li {
                            div.line { span.name.grow { bdi { (label.name) } } (label.badge.render()) }
                            div.quiet {
                                @if label.audiences.is_empty() { "every machine that it targets" }
                                @else { bdi { (label.audiences.join(", ")) } }
                                @if let Some(id) = &label.id { " · label " (value(id)) }
                                @if let Some(at) = label.not_before { " · not before " (text::time(at)) }
                            }
                            @for note in &label.notes { div { (text::message(note)) } }
                            @if !label.plan.is_empty() { details { summary { "Settings" } (pairs(&label.plan)) } }
                        }
                    }
                }
            }
        }
    }
}

fn files(files: &[FileView]) -> Markup {
    html! {
        @if !files.is_empty() {
            section aria-labelledby="files" {
                h2 #files { "Files" }
                ul.rows {
                    @for file in files {
                        li {
                            div.line {
                                span.grow {
                                    @match &file.link {
                                        Some(link) => { a href=(link) download="" { bdi { (file.name) } } }
                                        None => { bdi { (file.name) } span.quiet { " is no longer in the outbox" } }
                                    }
                                }
                                @if let Some(size) = file.size { span.quiet { (text::size(size)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn history(steps: &[HistoryStep], now: Timestamp) -> Markup {
    html! {
        section aria-labelledby="history" {
            h2 #history { "History" }
            div.scroll tabindex="0" role="region" aria-label="Table of events" {
                table.stack.history {
                    caption { "Events, by step" }
                    thead { tr { th scope="col" { "Time" } th scope="col" { "Step" } th scope="col" { "Event" } } }
                    @for step in steps {
                        tbody {
                            @for (index, (at, line)) in step.lines.iter().enumerate() {
                                tr {
                                    td.nowrap { (text::full_time(*at)) }
                                    td.nowrap {
                                        @if index == 0 {
                                            strong { (step.step) } " "
                                            span.quiet { (text::took(step.took.unwrap_or_else(|| now.duration_since(step.start)))) }
                                        }
                                    }
                                    td { (text::message(line)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
