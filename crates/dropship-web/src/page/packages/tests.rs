//! Which parts the page has, by what was found.

use super::*;
use crate::page::Tone;

fn row(package: &str) -> PackageRow {
    let at = Timestamp::from_second(1_800_000_000).expect("a time");
    let text = String::new;
    PackageRow {
        link: format!("/packages/{package}"),
        package: package.to_owned(),
        id: text(),
        badge: Badge::new(Tone::Ok, "succeeded"),
        step: text(),
        provider: text(),
        version: text(),
        folder: text(),
        rule: text(),
        created: at,
        updated: at,
    }
}

fn view() -> PackagesView {
    let files = |of: &str| ["csv", "json"].map(|form| format!("/packages.{form}?{of}"));
    PackagesView {
        rows: vec![row("a.cab"), row("b.cab")],
        found: 2,
        all: 2,
        first: 1,
        exports: files("page"),
        all_exports: files("all"),
        ..PackagesView::default()
    }
}

fn page(view: &PackagesView) -> String {
    content(view).into_string()
}

#[test]
fn caption_counts_the_packages_and_says_from_how_many_they_were_filtered() {
    let all = page(&view());
    assert!(all.contains("1 to 2 of 2 packages<") && !all.contains("filtered from"), "{all}");
    let filtered = page(&PackagesView { first: 1001, found: 1500, all: 12_000, ..view() });
    assert!(filtered.contains("1,001 to 1,002 of 1,500 packages, filtered from 12,000<"), "{filtered}");
}

#[test]
fn all_packages_are_offered_as_files_if_the_page_does_not_have_them() {
    let all = page(&view());
    assert!(all.contains("/packages.csv?page") && !all.contains("?all"), "{all}");
    let part = page(&PackagesView { found: 3, all: 3, ..view() });
    assert!(part.contains("/packages.csv?all") && part.contains("or all 3 as"), "{part}");
}

#[test]
fn empty_page_says_whether_a_filter_is_the_reason() {
    let empty = |is_set| {
        let filter = FilterView { is_set, ..FilterView::default() };
        page(&PackagesView { rows: Vec::new(), found: 0, filter, ..view() })
    };
    let (without, with) = (empty(false), empty(true));
    assert!(without.contains("There are no packages yet") && !without.contains("Reset"), "{without}");
    assert!(with.contains("No package fits these filters") && with.contains("Reset"), "{with}");
}

#[test]
fn form_takes_no_longer_text_than_the_server() {
    // The server refuses values beyond 400 characters.
    assert_eq!(page(&view()).matches("maxlength=\"200\"").count(), 2);
}

#[test]
fn pages_are_links_except_the_present_one_and_gaps() {
    let to = |text: &str, link: Option<&str>, is_current| PageLink {
        text: text.to_owned(),
        link: link.map(str::to_owned),
        is_current,
    };
    let pages = vec![to("1", Some("/packages?page=1"), false), to("…", None, false), to("7", None, true)];
    let found = page(&PackagesView { pages, ..view() });
    for part in
        ["<a href=\"/packages?page=1\">1</a>", "<span>…</span>", "<span aria-current=\"page\">7</span>"]
    {
        assert!(found.contains(part), "{part}: {found}");
    }
}
