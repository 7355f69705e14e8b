//! Which parts the page has, by what there is to show.

use super::*;
use crate::page::Tone;

const QUIET: &str = "Nothing needs attention.";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn line(package: &str) -> PackageLine {
    PackageLine {
        link: format!("/packages/{package}"),
        package: package.to_owned(),
        origin: None,
        badge: Badge::new(Tone::Run, "running"),
        step: Some("sign".to_owned()),
        since: now(),
        note: None,
        due: None,
    }
}

fn page(view: &OverviewView) -> String {
    region(view, now()).into_string()
}

fn empty() -> OverviewView {
    OverviewView::default()
}

/// Fails unless the page says that nothing needs attention, or that something does, as `is_quiet`, and has the texts.
#[track_caller]
fn assert_attention(view: &OverviewView, is_quiet: bool, texts: &[&str]) {
    let page = page(view);
    assert_eq!(page.contains(QUIET), is_quiet, "{page}");
    texts.iter().for_each(|text| assert!(page.contains(text), "{text}: {page}"));
}

#[test]
fn nothing_needs_attention_only_without_trouble_pause_restart_and_held_packages() {
    let trouble = |stops_intake| Trouble {
        kind: "disk-low".to_owned(),
        message: "the disk is nearly full".to_owned(),
        since: now(),
        stops_intake,
    };
    assert_attention(&empty(), true, &[]);
    let view = OverviewView { troubles: vec![trouble(false)], ..empty() };
    assert_attention(&view, false, &["notice hold", "disk-low", "the disk is nearly full"]);
    assert!(!page(&view).contains("no packages are accepted"));
    let view = OverviewView { troubles: vec![trouble(true)], ..empty() };
    assert_attention(&view, false, &["notice bad", "no packages are accepted"]);
    let view = OverviewView { pauses: vec!["everything is paused".to_owned()], ..empty() };
    assert_attention(&view, false, &["everything is paused"]);
    let view = OverviewView { restart: vec!["[web] listen".to_owned(), "[api] proxy".to_owned()], ..empty() };
    assert_attention(&view, false, &["[web] listen, [api] proxy"]);
    // The list is not complete: held packages may follow.
    let view = OverviewView { is_reading: true, ..empty() };
    assert_attention(&view, false, &["is being read"]);
    assert!(!page(&empty()).contains("is being read") && !page(&empty()).contains("at a restart"));
}

#[test]
fn held_packages_need_attention_and_are_counted_with_those_that_are_not_listed() {
    let view = OverviewView { held: vec![line("a.cab")], ..empty() };
    assert_attention(
        &view,
        false,
        &["1 package waits for a decision", "href=\"#held\"", "id=\"held\"", "a.cab"],
    );
    assert!(!page(&view).contains(" more held"));
    let view = OverviewView { held: vec![line("a.cab"), line("b.cab")], more_held: 7, ..empty() };
    assert_attention(&view, false, &["9 packages wait for a decision", "7 more held"]);
    assert!(!page(&empty()).contains("for a decision"));
}

#[test]
fn empty_lists_say_so_and_others_do_not() {
    let texts = [
        "No package is in progress.",
        "No package has ended yet.",
        "No label has a date ahead.",
        "None is configured.",
    ];
    let found = page(&empty());
    assert_eq!(texts.map(|text| found.matches(text).count()), [1, 1, 1, 2], "{found}");
    assert!(
        !found.contains("<ul class=\"rows\">") && !found.contains("All packages by last change"),
        "{found}"
    );
    let part = HealthItem {
        name: "audio".to_owned(),
        place: None,
        badge: Badge::new(Tone::Ok, "ok"),
        notes: vec!["2 files ignored".to_owned()],
    };
    let upcoming = |audiences: &[&str]| Upcoming {
        at: now(),
        label: "echo retail".to_owned(),
        badge: Badge::new(Tone::Wait, "planned"),
        audiences: audiences.iter().map(|name| (*name).to_owned()).collect(),
        package: "c.cab".to_owned(),
        link: "/packages/c".to_owned(),
    };
    let view = OverviewView {
        active: vec![line("a.cab")],
        more_active: 3,
        ended: vec![PackageLine { step: None, due: Some(now()), ..line("b.cab") }],
        upcoming: vec![upcoming(&[]), upcoming(&["Ring 1", "Ring 2"])],
        folders: vec![part.clone()],
        accounts: vec![part],
        ..empty()
    };
    let found = page(&view);
    assert_eq!(texts.map(|text| found.matches(text).count()), [0; 4], "{found}");
    for text in [
        "3 more in progress",
        "All packages by last change",
        "every machine that it targets",
        "Ring 1, Ring 2",
        "sign for ",
        " ago, next at ",
        "2 files ignored",
        "All labels",
    ] {
        assert_eq!(
            found.matches(text).count(),
            if text.starts_with("2 files") { 2 } else { 1 },
            "{text}: {found}"
        );
    }
}
