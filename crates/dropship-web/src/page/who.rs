//! The page "Who gets what": the published labels that reach a device.

use jiff::Timestamp;
use maud::{Markup, html};

use super::link::{MaybeLink, encoded};
use crate::text::{self, clean};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhoView {
    /// The fields of the form, as they were sent.
    pub form: WhoForm,
    /// The answer; absent before a question, and after a wrong one.
    pub answer: Option<WhoAnswer>,
}

/// The fields of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhoForm {
    /// The hardware id or glob.
    pub hardware_id: Field,
    /// The OS code or glob.
    pub os: Field,
    /// Whether labels that go live later are listed.
    pub upcoming: bool,
}

/// A field of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// Its value.
    pub value: String,
    /// Why the value cannot be used.
    pub fault: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhoAnswer {
    /// The first labels, the latest publication first.
    pub labels: Vec<WhoLabel>,
    /// Whether there are more, published earlier.
    pub has_more: bool,
}

/// A published label that reaches the device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhoLabel {
    /// Its name and page.
    pub name: MaybeLink,
    /// Its id.
    pub id: String,
    /// The package.
    pub package: String,
    /// The rule.
    pub rule: String,
    /// Version of the driver; absent if it is not known.
    pub version: Option<String>,
    /// Its audiences; empty: every machine that it targets.
    pub audiences: Vec<String>,
    /// When its publication was seen.
    pub published: Timestamp,
    /// Its go-live date.
    pub go_live: Option<Timestamp>,
    /// Its first targets: INF, OS code and hardware id.
    pub targets: Vec<[String; 3]>,
    /// Number of its other targets.
    pub more_targets: usize,
    /// Older labels that gave up targets to it.
    pub supersedes: Vec<MaybeLink>,
    /// Newer labels to which it gave up targets.
    pub superseded_by: Vec<MaybeLink>,
}

/// The content of the page.
#[must_use]
pub fn content(view: &WhoView) -> Markup {
    html! {
        h1 { "Who gets what" }
        p.lead { "Which driver does a device get from Windows Update? The labels that dropship has published and that reach the device." }
        section aria-label="Question" { (form(&view.form)) }
        @if let Some(answer) = &view.answer {
            (result(&view.form, answer))
        }
    }
}

fn form(form: &WhoForm) -> Markup {
    html! {
        form.filters method="get" action="/who" {
            div.wide { (field("hardware_id", "Hardware id", &form.hardware_id, true)) }
            div.wide { (field("os", "OS code (optional)", &form.os, false)) }
            div.check {
                label for="upcoming" {
                    input #upcoming type="checkbox" name="upcoming" value="1" checked[form.upcoming];
                    "Also labels that go live later"
                }
            }
            div.buttons { button type="submit" { "Look up" } }
        }
        p.hint {
            "As Device Manager shows it, in any case; " code { "*" } " stands for any text. Examples: "
            (example(r"PCI\VEN_8086&DEV_51C8&SUBSYS_00011028", None)) ", "
            (example(r"pci\ven_8086&dev_51c8*", Some("WINDOWS_v100_X64_*"))) ", "
            (example(r"usb\vid_045e*", None)) "."
        }
    }
}

fn example(hardware_id: &str, os: Option<&str>) -> Markup {
    let os_query = os.map(|os| format!("&os={}", encoded(os))).unwrap_or_default();
    let href = format!("/who?hardware_id={}{os_query}", encoded(hardware_id));
    html! {
        a href=(href) { code { (hardware_id) } }
        @if let Some(os) = os { " on " code { (os) } }
    }
}

fn field(name: &str, title: &str, field: &Field, is_required: bool) -> Markup {
    let fault = format!("{name}-fault");
    html! {
        label for=(name) { (title) }
        input id=(name) name=(name) type="text" value=(field.value) maxlength="400" autocomplete="off" spellcheck="false"
            required[is_required] aria-invalid=[field.fault.as_ref().map(|_| "true")] aria-describedby=[field.fault.as_ref().map(|_| &fault)];
        @if let Some(why) = &field.fault {
            p.fault id=(fault) role="alert" { (clean(why)) }
        }
    }
}

fn result(form: &WhoForm, answer: &WhoAnswer) -> Markup {
    html! {
        section aria-labelledby="answer" {
            h2 #answer {
                @if answer.labels.is_empty() { "No label" }
                @else if answer.has_more { "The latest " (text::number(answer.labels.len())) " labels" }
                @else { (text::count(answer.labels.len(), "label", "labels")) }
                " for " code { bdi { (clean(&form.hardware_id.value)) } }
                @if !form.os.value.is_empty() { " on " code { bdi { (clean(&form.os.value)) } } }
            }
            @if answer.labels.is_empty() {
                p.empty {
                    "No label of dropship reaches this device"
                    @if !form.upcoming { " now; labels that go live later are not listed" }
                    ". Labels that were made elsewhere are not known here."
                }
            } @else {
                @if answer.has_more {
                    p.hint { "There are more labels, published earlier. Enter more of the hardware id, or an OS code, to see them." }
                }
                ul.rows { @for label in &answer.labels { li { (one(label)) } } }
            }
        }
    }
}

fn one(label: &WhoLabel) -> Markup {
    html! {
        div.line {
            div.grow { span.name { (label.name.render()) } @if let Some(version) = &label.version { " " span.quiet { "version " (clean(version)) } } }
            span.quiet { "id " (label.id) }
        }
        dl.facts {
            dt { "Audiences" }
            dd {
                @if label.audiences.is_empty() { "none: every machine that the targets fit" }
                @else { (super::link::names(&label.audiences)) }
            }
            dt { "Published" }
            dd { (text::time(label.published)) @if let Some(live) = label.go_live { ", goes live " (text::time(live)) } }
            dt { "Package" }
            dd { bdi { (clean(&label.package)) } ", rule " bdi { (clean(&label.rule)) } }
            dt { "Reaches" }
            dd {
                ul.plain { @for target in &label.targets { li { code { (clean(&target[2])) } " on " code { (clean(&target[1])) } span.quiet { " from " bdi { (clean(&target[0])) } } } } }
                @if label.more_targets > 0 { p.hint { "and " (text::count(label.more_targets, "more target", "more targets")) } }
            }
            @if !label.supersedes.is_empty() { dt { "Supersedes" } dd { (super::link::links(&label.supersedes)) } }
            @if !label.superseded_by.is_empty() { dt { "Superseded by" } dd { (super::link::links(&label.superseded_by)) " for other targets" } }
        }
    }
}
