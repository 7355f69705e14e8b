//! Calendars of few and many labels, and of any times and names.

use jiff::civil::date;

use super::super::calendar_label::{Mark, MarkKind, Span, SpanKind};
use super::*;
use crate::picture::testing::{self, HOSTILE};

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn calendar(groups: Vec<CalendarGroup>) -> Calendar {
    Calendar {
        id: "calendar".to_owned(),
        first: date(2026, 11, 2),
        days: 42,
        now: time("2026-11-18T09:30:00Z"),
        groups,
        more: 0,
        more_href: "/labels".to_owned(),
    }
}

fn row(name: &str, spans: &[(SpanKind, &str, Option<&str>)], marks: &[(MarkKind, &str)]) -> CalendarRow {
    let span = |(kind, from, to): &(SpanKind, &str, Option<&str>)| Span {
        kind: *kind,
        from: time(from),
        to: to.map(time),
    };
    CalendarRow {
        name: name.to_owned(),
        state: "planned".to_owned(),
        spans: spans.iter().map(span).collect(),
        marks: marks.iter().map(|(kind, at)| Mark { kind: *kind, at: time(at) }).collect(),
        blackout: Vec::new(),
    }
}

#[test]
fn calendar_of_two_drivers_looks_as_recorded() {
    let test = row(
        "echo 3.2 test ring",
        &[
            (SpanKind::Processing, "2026-11-10T08:00:00Z", Some("2026-11-12T15:00:00Z")),
            (SpanKind::Live, "2026-11-12T15:00:00Z", None),
        ],
        &[(MarkKind::Published, "2026-11-12T15:00:00Z")],
    );
    let broad = CalendarRow {
        blackout: vec![date(2026, 11, 26), date(2026, 11, 27)],
        ..row(
            "echo 3.2 broad",
            &[(SpanKind::Soak, "2026-11-12T15:00:00Z", Some("2026-11-26T15:00:00Z"))],
            &[(MarkKind::NotBefore, "2026-11-28T15:00:00Z")],
        )
    };
    let held = row("touch 1.0 release", &[(SpanKind::Held, "2026-11-16T12:00:00Z", None)], &[]);
    let groups = vec![
        CalendarGroup { name: "echo.cab".to_owned(), rows: vec![test, broad] },
        CalendarGroup { name: "touch.cab".to_owned(), rows: vec![held] },
    ];
    let calendar = calendar(groups);
    insta::assert_snapshot!(testing::lines(&html! { (calendar.picture()) (calendar.table()) }));
}

#[test]
fn calendar_without_labels_is_a_sentence() {
    assert!(calendar(Vec::new()).picture().into_string().starts_with("<p class=\"empty\">"));
}

#[test]
fn calendar_of_many_labels_names_the_number_of_the_others() {
    let row = |_| row("x", &[(SpanKind::Waits, "2026-11-10T08:00:00Z", Some("2026-11-12T15:00:00Z"))], &[]);
    let group = |index| CalendarGroup { name: format!("group {index}"), rows: (0..100).map(row).collect() };
    let calendar = Calendar { more: 7, ..calendar((0..100).map(group).collect()) };
    let picture = calendar.picture();
    testing::check(&picture);
    testing::well_formed(&calendar.table());
    assert!(picture.0.contains("more labels are not in the picture"), "{}", picture.0);
    assert!(picture.0.len() < 60_000, "{} bytes", picture.0.len());
    let shown = picture.0.matches("class=\"row\"").count();
    assert!(picture.0.contains(&format!("{} more labels", 10_007 - shown)), "{shown} shown");
}

#[test]
fn calendar_with_any_times_and_names_stays_in_its_picture() {
    let times = [
        "-009999-01-02T01:59:59Z",
        "2026-11-02T00:00:00Z",
        "2026-11-18T09:30:00Z",
        "2026-12-14T00:00:00Z",
        "9999-12-30T22:00:00Z",
    ];
    for days in [0, 1, 7, 42, 93, u16::MAX] {
        for name in HOSTILE {
            let spans = times.iter().flat_map(|from| {
                times
                    .iter()
                    .map(|to| Some(time(to)))
                    .chain([None])
                    .flat_map(|to| SpanKind::ALL.map(|kind| Span { kind, from: time(from), to }))
            });
            let marks = times.iter().flat_map(|at| MarkKind::ALL.map(|kind| Mark { kind, at: time(at) }));
            let row = CalendarRow {
                name: name.to_owned(),
                state: name.to_owned(),
                spans: spans.collect(),
                marks: marks.collect(),
                blackout: vec![date(2026, 11, 30), date(-9999, 1, 1), date(9999, 12, 31)],
            };
            let group = CalendarGroup { name: name.to_owned(), rows: vec![row] };
            let calendar = Calendar { days, ..calendar(vec![group]) };
            testing::check(&calendar.picture());
            testing::well_formed(&calendar.table());
            testing::check(&Calendar { first: date(9999, 12, 20), ..calendar.clone() }.picture());
            testing::check(&Calendar { first: date(-9999, 1, 1), ..calendar }.picture());
        }
    }
}
