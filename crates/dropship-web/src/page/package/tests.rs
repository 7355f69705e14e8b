//! Which parts the page has, by what is known of the package.

use super::*;
use crate::page::Tone;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
}

fn view() -> PackageView {
    PackageView {
        id: "1m8h".to_owned(),
        package: "echo.cab".to_owned(),
        badge: Badge::new(Tone::Ok, "succeeded"),
        summary: String::new(),
        notices: Vec::new(),
        stages: Vec::new(),
        facts: Vec::new(),
        infs: Vec::new(),
        more_infs: 0,
        labels: Vec::new(),
        approvals: Vec::new(),
        plan: Vec::new(),
        requests: Vec::new(),
        files: Vec::new(),
        history: Vec::new(),
    }
}

fn page(view: &PackageView) -> String {
    region(view, at(100)).into_string()
}

fn inf(hardware_ids: usize, first_ids: &[&str]) -> InfView {
    InfView {
        name: "echo.inf".to_owned(),
        provider: "Contoso".to_owned(),
        class: String::new(),
        version: "1.0".to_owned(),
        hardware_ids,
        first_ids: first_ids.iter().map(|id| (*id).to_owned()).collect(),
    }
}

#[test]
fn hardware_ids_and_infs_that_are_not_listed_are_counted() {
    let of = |inf: InfView, more_infs| page(&PackageView { infs: vec![inf], more_infs, ..view() });
    let none = of(inf(0, &[]), 0);
    assert!(!none.contains("hardware id") && !none.contains("and "), "{none}");
    let all = of(inf(2, &["PCI\\A", "PCI\\B"]), 0);
    assert!(all.contains("2 hardware ids") && !all.contains("and "), "{all}");
    let some = of(inf(1_240, &["PCI\\A", "PCI\\B"]), 1);
    assert!(some.contains("and 1,238 more") && some.contains("and 1 more INF<"), "{some}");
    assert!(!page(&view()).contains("Drivers"));
    assert!(
        !none.contains(", class ")
            && of(InfView { class: "Net".to_owned(), ..inf(0, &[]) }, 0).contains(", class ")
    );
}

#[test]
fn history_names_a_step_once_and_says_how_long_it_took() {
    let step = |step: &str, took: Option<i64>, lines: &[&str]| HistoryStep {
        step: step.to_owned(),
        start: at(40),
        took: took.map(SignedDuration::from_secs),
        lines: lines.iter().map(|line| (at(41), (*line).to_owned())).collect(),
    };
    let history = vec![step("product", Some(12), &["first", "second"]), step("sign", None, &["third"])];
    let found = page(&PackageView { history, ..view() });
    assert_eq!(found.matches("<strong>product</strong>").count(), 1, "{found}");
    let cell = |name: &str, took: &str| {
        format!("<strong>{name}</strong> <span class=\"quiet\">{took}</span></td><td>")
    };
    assert!(found.contains(&format!("{}first", cell("product", "12 s"))), "{found}");
    assert!(found.contains(&format!("{}third", cell("sign", "1 min"))), "until now: {found}");
}

#[test]
fn step_in_progress_has_its_earlier_time_and_that_until_now() {
    let stage = |took, since| StepView {
        name: "sign".to_owned(),
        state: StepState::Running,
        took,
        since,
        note: None,
    };
    let second = Duration::from_secs(1);
    assert_eq!(took(&stage(None, None), at(0)), None);
    assert_eq!(took(&stage(Some(second), None), at(0)), Some(second));
    assert_eq!(took(&stage(None, Some(at(0))), at(5)), Some(5 * second));
    assert_eq!(took(&stage(Some(second), Some(at(0))), at(5)), Some(6 * second));
    assert_eq!(took(&stage(None, Some(at(9))), at(5)), Some(Duration::ZERO), "a clock was set");
}

#[test]
fn labels_files_and_plan_are_shown_when_there_are_some() {
    let empty = page(&view());
    for part in ["id=\"labels\"", "id=\"files\"", "id=\"plan\""] {
        assert!(!empty.contains(part), "{part}: {empty}");
    }
    let label = |audiences: &[&str], plan: &[(&str, &str)]| PackageLabelView {
        name: "ring".to_owned(),
        badge: Badge::new(Tone::Wait, "planned"),
        id: None,
        audiences: audiences.iter().map(|name| (*name).to_owned()).collect(),
        not_before: None,
        notes: Vec::new(),
        plan: plan.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    let file = |link: Option<&str>, size| FileView {
        name: "signed.zip".to_owned(),
        size,
        link: link.map(str::to_owned),
    };
    let plan = vec![NamedValue { name: "rule".to_owned(), value: ValueView::Text("ring".to_owned()) }];
    let found = page(&PackageView {
        labels: vec![label(&[], &[]), label(&["One", "Two"], &[("floor", "NI")])],
        files: vec![file(Some("/packages/1/files/signed.zip"), Some(2048)), file(None, None)],
        plan,
        ..view()
    });
    for (text, count) in [
        ("every machine that it targets", 1),
        ("One, Two", 1),
        (">Settings<", 1),
        ("is no longer in the outbox", 1),
        ("download=", 1),
        ("2.0 KiB", 1),
        ("id=\"plan\"", 1),
    ] {
        assert_eq!(found.matches(text).count(), count, "{text}: {found}");
    }
}
