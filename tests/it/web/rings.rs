//! Labels in rings: the pages Labels, Who gets what and Charts against the commands.

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::client::{Answer, Site};
use crate::harness::wait_for;
use crate::rules::cab::cab_with;

/// A name that no page may interpret.
const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// Two further rings: one after a soak, one that operators approve.
const RINGS: &str = r#"
[[rule.label]]
name = "{{ file.stem }} pilot"
destination = "windows_update"
audiences = ["Test Registry Key"]
after = "* test ring"
soak = "30d"
blackout = ["2000-01-01..2200-01-01"]
[[rule.label]]
name = "{{ inf.stem }} {{ inf.version }} broad"
destination = "windows_update"
audiences = ["Test Registry Key"]
hold = true
floor_build = 22621
ceiling_build = 22631
"#;

fn page(site: &Site, target: &str) -> String {
    let answer = site.get(target);
    assert_eq!(answer.status, 200, "{target}: {}\n{}", answer.text(), site.env.log());
    answer.text()
}

/// The text as a page shows it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn str_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A site with packages of two versions, of which each ring but the first waits.
fn rings() -> (Site, Value) {
    let edits = [("[signers]", "[signers]\nallow_unsigned = true")];
    let site = Site::edited(Quirks::none(), RINGS, "", &edits);
    let env = &site.env;
    // The newer version is published last, so that its ring has it.
    let has_settled = |versions: usize| {
        let labels = env.json(&["labels"]);
        let count = |state: &str| {
            labels.as_array().map_or(0, |all| all.iter().filter(|label| label["state"] == state).count())
        };
        ["published", "held", "planned"].iter().all(|state| count(state) == versions).then(|| labels.clone())
    };
    let mut labels = Value::Null;
    for (dropped, (name, version)) in [("echo-3.1", "1.2.3.5"), (HOSTILE, "1.2.3.6")].into_iter().enumerate()
    {
        env.drop_package(&format!("{name}.cab"), &cab_with(&[("1.2.3.4", version)]));
        labels =
            wait_for("the rings", || has_settled(dropped + 1)).unwrap_or_else(|| panic!("{}", env.log()));
    }
    let is_complete = || {
        let text = page(&site, "/labels");
        (text.contains("pilot</option>") && text.contains("6 labels")).then_some(())
    };
    wait_for("the rows", is_complete).unwrap_or_else(|| panic!("{}", page(&site, "/labels")));
    (site, labels)
}

#[test]
fn labels_of_rings_are_shown_as_the_commands_list_them() {
    let (site, labels) = rings();
    let labels = labels.as_array().expect("a list");
    let text = page(&site, "/labels");
    assert!(!text.contains("<img"), "{text}");
    for label in labels {
        for shown in [str_of(&label["name"]), str_of(&label["state"]), "Test Registry Key"] {
            assert!(text.contains(&escape(shown)), "{shown}: {text}");
        }
        if let Some(id) = label["id"].as_str() {
            assert!(text.contains(&format!("id {id}")), "{id}");
        }
        if let Some(date) = label["not_before"].as_str() {
            assert!(text.contains(&date[..16].replace('T', " ")), "{date}: {text}");
        }
    }
    for limit in ["from build 22621", "up to build 22631"] {
        assert_eq!(text.matches(limit).count(), 2, "{limit}: {text}");
    }
    // The calendar has each of them, its soak, its hold and the days without a release.
    let calendar = text.split("Dates of labels, in UTC").nth(1).expect("the dates");
    let calendar = calendar.split("</table>").next().unwrap_or_default();
    for label in labels {
        assert!(calendar.contains(&escape(str_of(&label["name"]))), "{label}: {calendar}");
    }
    for (words, count) in [("published since", 2), ("soak ", 2), ("on hold since", 2), ("blackout ", 2)] {
        assert_eq!(calendar.matches(words).count(), count, "{words}: {calendar}");
    }
    // By driver and ring: what is live, and what comes next.
    let drivers = text
        .split("By driver and ring")
        .nth(1)
        .and_then(|rest| rest.split("</table>").next())
        .expect("a table");
    for shown in ["echo.inf", "test ring", "pilot", "broad", "1.2.3.6"] {
        assert!(drivers.contains(shown), "{shown}: {drivers}");
    }
    // Filters.
    let count = |query: &str| {
        let text = page(&site, &format!("/labels?{query}"));
        let all = text.split("id=\"all\"").nth(1).unwrap_or_default().to_owned();
        all.matches("scope=\"row\"").count()
    };
    for (query, expected) in [
        ("state=held", 2),
        ("state=planned", 2),
        ("state=published", 2),
        ("state=failed", 0),
        ("ring=pilot", 2),
        ("ring=pilot&state=held", 0),
        ("q=ECHO-3.1", 3),
        ("q=1.2.3.6+broad", 1),
        ("q=nothing", 0),
        ("page=1", 6),
    ] {
        assert_eq!(count(query), expected, "{query}");
    }
    for bad in
        ["state=x", "page=0", "page=x", "from=2026-13-01", "from=0001-01-01", "from=9999-12-31", "nothing=1"]
    {
        assert_eq!(site.get(&format!("/labels?{bad}")).status, 400, "{bad}");
    }
    assert_eq!(site.get("/labels?page=2").status, 404);
    assert!(page(&site, "/labels?from=2001-01-01").contains("No label was"));

    charts(&site);
    who(&site);
    site.stop();
}

fn charts(site: &Site) {
    for weeks in ["", "?weeks=4", "?weeks=52"] {
        let text = page(site, &format!("/charts{weeks}"));
        for title in [
            "Time from drop to signed",
            "Time from drop to published",
            "Packages by outcome",
            "Calls per hour of account default",
        ] {
            assert!(text.contains(title), "{title}: {text}");
        }
        // Two packages were signed, and none is published in all rings.
        assert!(text.contains("2 packages. p90"), "{text}");
        assert!(text.contains("No values yet."), "{text}");
        assert!(!text.contains("style="), "the policy forbids it");
    }
    for bad in ["weeks=0", "weeks=13", "weeks=x", "weeks=-4"] {
        assert_eq!(site.get(&format!("/charts?{bad}")).status, 400, "{bad}");
    }
}

fn who(site: &Site) {
    let ask = |query: &str| -> Answer { site.get(&format!("/who?{query}")) };
    let found = |query: &str| -> Vec<String> {
        let text = ask(query).text();
        text.split("<span class=\"quiet\">id ")
            .skip(1)
            .filter_map(|rest| Some(rest.split('<').next()?.to_owned()))
            .collect()
    };
    assert!(!page(site, "/who").contains("id=\"answer\""));
    for (query, arguments) in [
        ("hardware_id=pci%5C*", vec!["pci\\*"]),
        ("hardware_id=PCI%5C*&os=*_CO_*", vec!["PCI\\*", "--os", "*_CO_*"]),
        ("hardware_id=pci%5C*&os=*_NI_*", vec!["pci\\*", "--os", "*_NI_*"]),
        ("hardware_id=*&upcoming=1", vec!["*", "--upcoming"]),
        ("hardware_id=usb%5C*", vec!["usb\\*"]),
    ] {
        let list = site.env.json(&[&["who"], arguments.as_slice()].concat());
        let expected: Vec<_> =
            list.as_array().expect("a list").iter().map(|label| str_of(&label["id"]).to_owned()).collect();
        assert_eq!(found(query), expected, "{query}");
    }
    assert_eq!(found("hardware_id=pci%5C*").len(), 2);
    let text = ask("hardware_id=pci%5C*").text();
    for shown in
        ["Test Registry Key", "1.2.3.6", "echo-3.1.cab", "WINDOWS_v100_X64_CO_FULL", &escape(HOSTILE)]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    // A text that is no glob is answered beside its field, which keeps it.
    let text = ask("hardware_id=a%7B%3Cb&os=%5B").text();
    assert!(
        text.contains("value=\"a{&lt;b\"") && text.contains("aria-describedby=\"hardware_id-fault\""),
        "{text}"
    );
    assert!(text.contains("id=\"os-fault\"") && text.contains("is not a glob"), "{text}");
    assert!(ask("os=x").text().contains("enter a hardware id"));
    assert_eq!(ask("hardware_id=x&hardware_id=y").status, 400);
}
