//! Every value of a page is escaped.

use jiff::Timestamp;

use super::overview::{HealthItem, OverviewView, PackageLine, StateCount, Trouble, Upcoming};
use super::package::{
    ApprovalView, FileView, HistoryStep, InfView, NamedValue, Notice, PackageLabelView, PackageView,
    StepView, ValueView,
};
use super::packages::{ColumnHead, FilterView, PackageRow, PackagesView, PageLink, SelectOption};
use super::{Badge, Tone, message, overview, package, packages};
use crate::picture::StepState;
use crate::{Markup, PageFrame, Section, document};

/// A text that ends attributes and elements, if it is not escaped.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;</title></svg>";

fn hostile() -> String {
    HOSTILE.to_owned()
}

fn badge() -> Badge {
    Badge::new(Tone::Hold, HOSTILE)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

/// The page around the content has one script, and no element of the hostile text.
fn assert_escaped(content: &Markup) {
    let frame = PageFrame {
        title: hostile(),
        section: Some(Section::Overview),
        version: hostile(),
        sandbox: true,
        active_node: Some(hostile()),
        now: now(),
    };
    let page = document(&frame, content).into_string();
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(!page.contains("<img") && !page.contains("onerror=alert(2)>"), "{page}");
    assert_eq!(page.matches("</title>").count(), page.matches("<title").count(), "{page}");
    assert!(!page.contains(" style=") && !page.contains("javascript:"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
}

#[test]
fn overview_escapes_every_value() {
    let line = || PackageLine {
        link: hostile(),
        package: hostile(),
        origin: Some(hostile()),
        badge: badge(),
        step: Some(hostile()),
        since: now(),
        note: Some(hostile()),
        due: Some(now()),
    };
    let part =
        || HealthItem { name: hostile(), place: Some(hostile()), badge: badge(), notes: vec![hostile()] };
    let view = OverviewView {
        is_reading: true,
        troubles: vec![Trouble { kind: hostile(), message: hostile(), since: now(), stops_intake: true }],
        pauses: vec![hostile()],
        restart: vec![hostile()],
        counts: vec![StateCount { word: hostile(), count: 7, link: hostile() }],
        held: vec![line()],
        active: vec![line()],
        more_active: 3,
        more_held: 4,
        upcoming: vec![Upcoming {
            at: now(),
            label: hostile(),
            badge: badge(),
            audiences: vec![hostile()],
            package: hostile(),
            link: hostile(),
        }],
        ended: vec![line()],
        folders: vec![part()],
        accounts: vec![part()],
    };
    assert_escaped(&overview::content(&view, HOSTILE, now()));
}

#[test]
fn packages_escape_every_value() {
    let choices = || vec![SelectOption { value: hostile(), is_chosen: true }];
    let view = PackagesView {
        filter: FilterView {
            states: choices(),
            folders: choices(),
            rules: choices(),
            package: hostile(),
            from: hostile(),
            to: hostile(),
            words: hostile(),
            kept: vec![("sort", hostile())],
            is_set: true,
        },
        columns: vec![ColumnHead { name: "Package", link: hostile(), sorted: Some("ascending") }],
        rows: vec![PackageRow {
            link: hostile(),
            package: hostile(),
            id: hostile(),
            badge: badge(),
            step: hostile(),
            provider: hostile(),
            version: hostile(),
            folder: hostile(),
            rule: hostile(),
            created: now(),
            updated: now(),
        }],
        found: 2,
        all: 3,
        first: 1,
        pages: vec![PageLink { text: hostile(), link: Some(hostile()), is_current: false }],
        incomplete: Some(hostile()),
        exports: [hostile(), hostile()],
        all_exports: [hostile(), hostile()],
    };
    assert_escaped(&packages::content(&view));
}

#[test]
fn package_escapes_every_value() {
    let pairs = || vec![(hostile(), hostile())];
    let facts = || {
        let link = |is_external| ValueView::Link { text: hostile(), link: hostile(), is_external };
        let values = [
            ValueView::Text(hostile()),
            ValueView::Code(hostile()),
            ValueView::Time(now()),
            link(true),
            link(false),
        ];
        values.map(|value| NamedValue { name: hostile(), value }).to_vec()
    };
    let view = PackageView {
        id: hostile(),
        package: hostile(),
        badge: badge(),
        summary: hostile(),
        notices: vec![Notice { tone: Tone::Bad, text: vec![hostile()] }],
        stages: vec![StepView {
            name: hostile(),
            state: StepState::Held,
            took: None,
            since: Some(now()),
            note: Some(hostile()),
        }],
        facts: facts(),
        infs: vec![InfView {
            name: hostile(),
            provider: hostile(),
            class: hostile(),
            version: hostile(),
            hardware_ids: 2,
            first_ids: vec![hostile()],
        }],
        more_infs: 1,
        labels: vec![PackageLabelView {
            name: hostile(),
            badge: badge(),
            id: Some(ValueView::Code(hostile())),
            audiences: vec![hostile()],
            not_before: Some(now()),
            notes: vec![hostile()],
            plan: pairs(),
        }],
        approvals: vec![ApprovalView {
            label: hostile(),
            problem: Some(hostile()),
            facts: pairs(),
            body: Some(hostile()),
            command: hostile(),
        }],
        plan: facts(),
        requests: pairs(),
        files: vec![
            FileView { name: hostile(), size: Some(1), link: Some(hostile()) },
            FileView { name: hostile(), size: None, link: None },
        ],
        history: vec![HistoryStep {
            step: hostile(),
            start: now(),
            took: None,
            lines: vec![(now(), hostile()), (now(), hostile())],
        }],
    };
    assert_escaped(&package::content(&view, HOSTILE, now()));
}

#[test]
fn message_escapes_every_value() {
    let view = message::MessageView { heading: "Not found", message: hostile(), advice: Some(hostile()) };
    assert_escaped(&message::content(&view));
}
