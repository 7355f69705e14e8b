//! The page "Packages", and the same packages for files.

use std::collections::BTreeSet;

use dropship_web::Markup;
use dropship_web::page::encoded;
use dropship_web::page::packages::{
    self, ColumnHead, FilterView, PackageRow, PackagesView, PageLink, SelectOption,
};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::super::query::QueryParameters;
use super::super::refusal::RequestRefusal;
use super::super::rows::{Row, RowCompleteness, RowFilter, RowPage, SortColumn, SortDirection, SortOrder};
use super::super::site::Site;
use super::super::words;
use dropship_engine::operations::{require_folder, require_rule};
use dropship_glob::Glob;
use dropship_job::{JobId, StateKind};

/// The parameters of the page.
pub(crate) const PARAMETERS: &[&str] =
    &["q", "state", "folder", "rule", "package", "from", "to", "sort", "order", "page", "size", "upto"];

/// The columns of the table, and what each is sorted by.
const COLUMNS: [(&str, SortColumn); 9] = [
    ("Package", SortColumn::Package),
    ("State", SortColumn::State),
    ("Step", SortColumn::Step),
    ("Provider", SortColumn::Provider),
    ("Version", SortColumn::Version),
    ("Folder", SortColumn::Folder),
    ("Rule", SortColumn::Rule),
    ("Arrived", SortColumn::Arrived),
    ("Changed", SortColumn::Updated),
];

/// Number of packages of a page.
const SIZE: usize = 50;

/// Maximum number of packages of a page.
const MAX_SIZE: usize = 500;

/// Maximum number of words of a search.
const MAX_WORDS: usize = 8;

/// Number of links to pages on each side of the present one.
const AROUND: usize = 2;

/// The part of the packages that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageSelection {
    /// One page, from 1.
    Page(usize),
    /// All packages.
    All,
}

/// A request for packages.
#[derive(Debug)]
struct PackageQuery {
    filter: RowFilter,
    order: SortOrder,
    selection: PageSelection,
    size: usize,
}

impl PackageQuery {
    fn of(site: &Site, query: &QueryParameters) -> Result<Self, RequestRefusal> {
        let from = query.parse::<Date>("from", "a day such as 2026-01-31")?;
        let to = query.parse::<Date>("to", "a day such as 2026-01-31")?;
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            return Err(RequestRefusal::parameter(
                "to",
                format!("{to} is before {from}, the value of `from`"),
            ));
        }
        let words: Vec<_> =
            query.get("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        if words.len() > MAX_WORDS {
            return Err(RequestRefusal::parameter("q", format!("it has more than {MAX_WORDS} words")));
        }
        let package = query.get("package").map(Glob::new).transpose();
        let package = package.map_err(|error| RequestRefusal::parameter("package", error.to_string()))?;
        let filter = RowFilter {
            state: query
                .parse("state", &format!("one of {}", names(StateKind::ALL.map(StateKind::as_str))))?,
            folder: query.get("folder").map(str::to_owned),
            rule: query.get("rule").map(str::to_owned),
            package,
            from: from.map(|day| start_of("from", day)).transpose()?,
            before: to.map(|day| day_after("to", day)).transpose()?,
            words,
            up_to: query.parse("upto", "the id of a job")?,
        };
        check_names(site, &filter)?;
        let size = query.parse("size", "a number of packages")?.unwrap_or(SIZE);
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(RequestRefusal::parameter("size", format!("it must be from 1 to {MAX_SIZE}")));
        }
        Ok(Self { filter, order: order(query)?, selection: page_selection(query)?, size })
    }

    fn read(&self, site: &Site) -> RowPage {
        let (skip, max) = match self.selection {
            PageSelection::Page(page) => ((page - 1).saturating_mul(self.size), self.size),
            PageSelection::All => (0, usize::MAX),
        };
        site.rows.page(&self.filter, self.order, &site.readings.running(), skip, max)
    }
}

fn names(names: impl IntoIterator<Item = &'static str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn start_of(name: &str, day: Date) -> Result<Timestamp, RequestRefusal> {
    let start = day.to_zoned(TimeZone::UTC).map(|start| start.timestamp());
    start.map_err(|error| RequestRefusal::parameter(name, error.to_string()))
}

fn day_after(name: &str, day: Date) -> Result<Timestamp, RequestRefusal> {
    let next =
        day.checked_add(1.day()).map_err(|error| RequestRefusal::parameter(name, error.to_string()))?;
    start_of(name, next)
}

/// A folder or a rule of the configuration, or of a package.
fn check_names(site: &Site, filter: &RowFilter) -> Result<(), RequestRefusal> {
    let active = site.readings.configuration();
    let rows = site.rows.read();
    if rows.completeness() == RowCompleteness::Reading {
        return Ok(());
    }
    if let Some(name) = &filter.folder
        && !rows.newest_first().any(|row| row.folder.as_deref() == Some(name))
    {
        let known = require_folder(&active.config, name);
        known.map_err(|error| RequestRefusal::parameter("folder", words::escape(&error.message)))?;
    }
    if let Some(name) = &filter.rule
        && !rows.newest_first().any(|row| row.rule.as_deref() == Some(name))
    {
        let known = require_rule(&active.config, name);
        known.map_err(|error| RequestRefusal::parameter("rule", words::escape(&error.message)))?;
    }
    Ok(())
}

fn order(query: &QueryParameters) -> Result<SortOrder, RequestRefusal> {
    let column = match query.get("sort") {
        None => SortColumn::default(),
        Some(name) => SortColumn::ALL.into_iter().find(|column| column.name() == name).ok_or_else(|| {
            let known = names(SortColumn::ALL.map(SortColumn::name));
            RequestRefusal::parameter(
                "sort",
                format!("`{}` cannot be used; it must be one of {known}", words::escape(name)),
            )
        })?,
    };
    let direction = match query.get("order") {
        None => column.first_direction(),
        Some("asc") => SortDirection::Ascending,
        Some("desc") => SortDirection::Descending,
        Some(other) => {
            let why = format!("`{}` cannot be used; it must be asc or desc", words::escape(other));
            return Err(RequestRefusal::parameter("order", why));
        }
    };
    Ok(SortOrder { column, direction })
}

fn page_selection(query: &QueryParameters) -> Result<PageSelection, RequestRefusal> {
    if query.get("page") == Some("all") {
        return Ok(PageSelection::All);
    }
    match query.parse("page", "a number, or `all` for a file")? {
        None => Ok(PageSelection::Page(1)),
        Some(0) => Err(RequestRefusal::parameter("page", "pages are counted from 1")),
        Some(page) => Ok(PageSelection::Page(page)),
    }
}

/// The packages that a query asks for, with their states.
pub(crate) fn rows(site: &Site, query: &QueryParameters) -> Result<Vec<(Row, StateKind)>, RequestRefusal> {
    Ok(PackageQuery::of(site, query)?.read(site).rows)
}

/// The content of the page. It may block.
pub(crate) fn content(site: &Site, query: &QueryParameters) -> Result<Markup, RequestRefusal> {
    let package_query = PackageQuery::of(site, query)?;
    let PageSelection::Page(page) = package_query.selection else {
        return Err(RequestRefusal::parameter("page", "all packages are available as a file only"));
    };
    let row_page = package_query.read(site);
    let pages = row_page.found.div_ceil(package_query.size).max(1);
    if page > pages {
        return Err(RequestRefusal::parameter("page", format!("the last page is {pages}")));
    }
    let address = FilteredAddress { query, up_to: row_page.newest.as_ref() };
    let of_page = |to: usize| address.with(&[("page", &to.to_string())]);
    Ok(packages::content(&PackagesView {
        filter: filter_view(site, query, &package_query),
        columns: COLUMNS.into_iter().map(|column| head(&address, package_query.order, column)).collect(),
        rows: row_page.rows.iter().map(|(row, state)| row_view(row, *state)).collect(),
        found: row_page.found,
        all: row_page.all,
        first: (page - 1) * package_query.size + 1,
        pages: page_links(page, pages, of_page),
        incomplete: incomplete(row_page.completeness),
        exports: ["csv", "json"].map(|form| address.export(form, &page.to_string())),
        all_exports: ["csv", "json"].map(|form| address.export(form, "all")),
    }))
}

/// Addresses that keep the filters of a page.
struct FilteredAddress<'a> {
    query: &'a QueryParameters,
    /// The newest package, so that further pages do not move when a package arrives.
    up_to: Option<&'a JobId>,
}

impl FilteredAddress<'_> {
    /// The parameters of the page with these in place of its own.
    fn parameters(&self, changed: &[(&str, &str)]) -> String {
        let kept = PARAMETERS.iter().filter(|name| !["page", "upto"].contains(name));
        let kept = kept.filter(|name| changed.iter().all(|(other, _)| other != *name));
        let mut parts: Vec<_> =
            kept.filter_map(|name| Some((*name, self.query.get(name)?.to_owned()))).collect();
        let is_later = changed.iter().any(|(name, value)| *name == "page" && *value != "1");
        parts.extend(
            changed
                .iter()
                .filter(|part| **part != ("page", "1"))
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let up_to = self.query.get("upto").or(self.up_to.map(JobId::as_str));
        parts.extend(up_to.filter(|_| is_later).map(|id| ("upto", id.to_owned())));
        let parts: Vec<_> = parts.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    fn with(&self, changed: &[(&str, &str)]) -> String {
        format!("/packages{}", self.parameters(changed))
    }

    /// A file shows what the page shows, also when packages have arrived since.
    fn export(&self, form: &str, page: &str) -> String {
        let up_to = self.query.get("upto").or(self.up_to.map(JobId::as_str)).unwrap_or_default();
        let changed = [("page", page), ("upto", up_to)];
        let changed: &[_] = if page == "1" && !up_to.is_empty() { &changed[1..] } else { &changed[..1] };
        format!("/packages.{form}{}", self.parameters(changed))
    }
}

fn head(
    address: &FilteredAddress<'_>,
    order: SortOrder,
    (name, column): (&'static str, SortColumn),
) -> ColumnHead {
    let is_sorted = order.column == column;
    let direction = if is_sorted { order.direction.reversed() } else { column.first_direction() };
    ColumnHead {
        name,
        link: address.with(&[("sort", column.name()), ("order", direction.name())]),
        sorted: is_sorted.then_some(match order.direction {
            SortDirection::Ascending => "ascending",
            SortDirection::Descending => "descending",
        }),
    }
}

fn row_view(row: &Row, state: StateKind) -> PackageRow {
    let differ = |text: Option<&str>| match (text, row.infs.as_deref()) {
        (Some(text), _) => words::escape(text),
        (None, Some(infs)) if infs.len() > 1 => "several".to_owned(),
        (None, _) => String::new(),
    };
    PackageRow {
        link: words::package_link(&row.id),
        package: words::escape(&row.package),
        id: row.id.to_string(),
        badge: words::state(state),
        step: row.step.to_string(),
        provider: differ(row.provider()),
        version: differ(row.version()),
        folder: row.folder.as_deref().map(words::escape).unwrap_or_default(),
        rule: row.rule.as_deref().map(words::escape).unwrap_or_default(),
        created: row.created,
        updated: row.updated,
    }
}

fn filter_view(site: &Site, query: &QueryParameters, package_query: &PackageQuery) -> FilterView {
    let active = site.readings.configuration();
    let filter = &package_query.filter;
    let value = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let folders = active.config.folders.iter().map(|folder| folder.name.clone());
    let rules = active.config.rules.iter().map(|rule| rule.name.clone());
    let kept =
        ["sort", "order", "size"].into_iter().filter_map(|name| Some((name, query.get(name)?.to_owned())));
    let filters = ["q", "state", "folder", "rule", "package", "from", "to"];
    FilterView {
        states: StateKind::ALL
            .into_iter()
            .map(|state| SelectOption { value: state.to_string(), is_chosen: filter.state == Some(state) })
            .collect(),
        folders: choices(folders, filter.folder.as_deref()),
        rules: choices(rules, filter.rule.as_deref()),
        package: value("package"),
        from: value("from"),
        to: value("to"),
        words: value("q"),
        kept: kept.collect(),
        is_set: filters.into_iter().any(|name| query.get(name).is_some()),
    }
}

/// The names of the configuration, and the chosen one, which may be gone from it.
fn choices(names: impl Iterator<Item = String>, chosen: Option<&str>) -> Vec<SelectOption> {
    let names: BTreeSet<_> = names.chain(chosen.map(str::to_owned)).collect();
    let choice = |value: String| SelectOption { is_chosen: chosen == Some(value.as_str()), value };
    names.into_iter().map(choice).collect()
}

/// The first page, the last page, and those around the present one.
fn page_links(page: usize, pages: usize, link: impl Fn(usize) -> String) -> Vec<PageLink> {
    let to = |text: String, page: usize| PageLink { text, link: Some(link(page)), is_current: false };
    let mut links = Vec::new();
    if page > 1 {
        links.push(to("Previous".to_owned(), page - 1));
    }
    let near = |number: &usize| *number == 1 || *number == pages || number.abs_diff(page) <= AROUND;
    let mut last = 0;
    // The numbers between are skipped: there can be many.
    let around = page.saturating_sub(AROUND).max(1)..=page.saturating_add(AROUND).min(pages);
    let numbers: BTreeSet<_> = around.chain([1, pages]).filter(near).collect();
    for number in numbers {
        if number > last + 1 {
            links.push(PageLink { text: "…".to_owned(), link: None, is_current: false });
        }
        last = number;
        links.push(match number == page {
            true => PageLink { text: number.to_string(), link: None, is_current: true },
            false => to(number.to_string(), number),
        });
    }
    if page < pages {
        links.push(to("Next".to_owned(), page + 1));
    }
    links
}

fn incomplete(completeness: RowCompleteness) -> Option<String> {
    let text = match completeness {
        RowCompleteness::Complete => return None,
        RowCompleteness::Reading => {
            "The packages are being read from the store: older ones are not listed yet."
        }
        RowCompleteness::WithoutInfs => {
            "The INFs of older packages are being read: a search does not find all of them by provider or version yet."
        }
        RowCompleteness::Limited => "There are more packages than this list holds: the oldest are left out.",
    };
    Some(text.to_owned())
}
