//! The page "Packages": a table of packages with filters.

use jiff::Timestamp;
use maud::{Markup, html};

use super::Badge;
use crate::text;

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackagesView {
    /// The values of the filters.
    pub filter: FilterView,
    /// The heads of the columns, in the order of [`PackageRow`].
    pub columns: Vec<ColumnHead>,
    /// The packages of this page.
    pub rows: Vec<PackageRow>,
    /// Number of packages that the filters show.
    pub found: usize,
    /// Number of all packages.
    pub all: usize,
    /// Index of the first package of this page among those that were found, from 1.
    pub first: usize,
    /// The pages around this one.
    pub pages: Vec<PageLink>,
    /// What is not complete yet, as a sentence.
    pub incomplete: Option<String>,
    /// Addresses of this page as files: CSV and JSON.
    pub exports: [String; 2],
    /// Addresses of all packages that were found as files: CSV and JSON.
    pub all_exports: [String; 2],
}

/// The values of the filters, as they are in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterView {
    /// The states, and whether one is chosen.
    pub states: Vec<SelectOption>,
    /// The folders.
    pub folders: Vec<SelectOption>,
    /// The rules.
    pub rules: Vec<SelectOption>,
    /// Glob of the file name.
    pub package: String,
    /// First day of arrival.
    pub from: String,
    /// Last day of arrival.
    pub to: String,
    /// Words.
    pub words: String,
    /// Parameters that the form keeps: name and value.
    pub kept: Vec<(&'static str, String)>,
    /// Whether any filter is set.
    pub is_set: bool,
}

/// A value to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectOption {
    /// The value.
    pub value: String,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// The head of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnHead {
    /// Its name.
    pub name: &'static str,
    /// Address of the page sorted by it.
    pub link: String,
    /// `ascending` or `descending`, if the page is sorted by it.
    pub sorted: Option<&'static str>,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRow {
    /// Address of its page.
    pub link: String,
    /// File name.
    pub package: String,
    /// Id of its job.
    pub id: String,
    /// Its state.
    pub badge: Badge,
    /// Its step.
    pub step: String,
    /// Provider of its INFs.
    pub provider: String,
    /// Version of its INFs.
    pub version: String,
    /// Its folder.
    pub folder: String,
    /// Its rule.
    pub rule: String,
    /// Time of arrival.
    pub created: Timestamp,
    /// Time of the last change.
    pub updated: Timestamp,
}

/// A link to another page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLink {
    /// Its text, such as `2` or `Next`.
    pub text: String,
    /// Its address; absent for the page itself, and for a gap.
    pub link: Option<String>,
    /// Whether it is the page itself.
    pub is_current: bool,
}

/// The content of the page.
#[must_use]
pub fn content(view: &PackagesView) -> Markup {
    html! {
        h1 { "Packages" }
        section aria-label="Filters" { (form(&view.filter)) }
        @if let Some(incomplete) = &view.incomplete { div.notice { p { (incomplete) } } }
        section aria-label="Packages" {
            @if view.rows.is_empty() { (empty(view)) } @else { (table(view)) (navigation(view)) }
        }
    }
}

fn empty(view: &PackagesView) -> Markup {
    html! {
        @if view.filter.is_set {
            p.empty { "No package fits these filters. " a href="/packages" { "Show all packages" } }
        } @else {
            p.empty { "There are no packages yet. They appear when a file is accepted or rejected." }
        }
    }
}

fn form(filter: &FilterView) -> Markup {
    html! {
        form.filters method="get" action="/packages" {
            label.wide { "Search" input type="search" name="q" value=(filter.words) maxlength="200" placeholder="name, INF, provider, version, id"; }
            (choice("State", "state", &filter.states))
            (choice("Folder", "folder", &filter.folders))
            (choice("Rule", "rule", &filter.rules))
            label { "File name (glob)" input type="text" name="package" value=(filter.package) maxlength="200" placeholder="echo-*.cab"; }
            label { "Arrived from" input type="date" name="from" value=(filter.from); }
            label { "Arrived to" input type="date" name="to" value=(filter.to); }
            @for (name, value) in &filter.kept { input type="hidden" name=(name) value=(value); }
            div.buttons {
                button type="submit" { "Show" }
                @if filter.is_set { a href="/packages" { "Reset" } }
            }
        }
    }
}

fn choice(label: &str, name: &str, choices: &[SelectOption]) -> Markup {
    html! {
        label {
            (label)
            select name=(name) {
                option value="" { "any" }
                @for choice in choices {
                    option value=(choice.value) selected[choice.is_chosen] { (choice.value) }
                }
            }
        }
    }
}

fn table(view: &PackagesView) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of packages" {
            table.stack {
                caption {
                    (text::number(view.first)) " to " (text::number(view.first + view.rows.len() - 1))
                    " of " (text::count(view.found, "package", "packages"))
                    @if view.found != view.all { ", filtered from " (text::number(view.all)) }
                }
                thead {
                    tr {
                        @for column in &view.columns {
                            th scope="col" aria-sort=[column.sorted] { a href=(column.link) { (column.name) } }
                        }
                    }
                }
                tbody { @for row in &view.rows { (row_of(row)) } }
            }
        }
    }
}

fn row_of(row: &PackageRow) -> Markup {
    html! {
        tr {
            th scope="row" { a.name href=(row.link) { bdi { (row.package) } } }
            td data-label="State" { (row.badge.render()) }
            td data-label="Step" { (row.step) }
            td data-label="Provider" { bdi { (row.provider) } }
            td.nowrap data-label="Version" { bdi { (row.version) } }
            td data-label="Folder" { bdi { (row.folder) } }
            td data-label="Rule" { bdi { (row.rule) } }
            td.nowrap data-label="Arrived" { (text::time(row.created)) }
            td.nowrap data-label="Changed" { (text::time(row.updated)) }
        }
    }
}

fn navigation(view: &PackagesView) -> Markup {
    html! {
        nav.pages aria-label="Pages" {
            ul {
                @for page in &view.pages {
                    li {
                        @match &page.link {
                            Some(link) => { a href=(link) { (page.text) } }
                            None if page.is_current => { span aria-current="page" { (page.text) } }
                            None => { span { (page.text) } }
                        }
                    }
                }
            }
            p.quiet {
                "Save this page as " a href=(view.exports[0]) download="" { "CSV" } " or " a href=(view.exports[1]) download="" { "JSON" }
                @if view.found > view.rows.len() {
                    ", or all " (text::number(view.found)) " as "
                    a href=(view.all_exports[0]) download="" { "CSV" } " or " a href=(view.all_exports[1]) download="" { "JSON" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
