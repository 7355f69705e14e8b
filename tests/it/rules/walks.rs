//! `[[test.step]]`: labels of a case in virtual time.

use crate::harness::rules::RuleFixture;
use crate::harness::text;

/// A chain of three labels, of which the last waits for an operator.
const CHAIN: &str = r#"
[[rule]]
name = "chain"
match = { kind = "hlkx" }
product = { name = "{{ file.stem }}", test_harness = "hlk", device_type = "internal", requested_signatures = "from_package" }
submission = { name = "{{ file.stem }}" }
[[rule.label]]
name = "{{ file.stem }} ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
[[rule.label]]
name = "{{ file.stem }} pilot"
destination = "windows_update"
audiences = ["Pilots"]
after = "* ring"
soak = "3d"
go_live = "+1d"
[[rule.label]]
name = "{{ file.stem }} retail"
destination = "windows_update"
audiences = ["Customers"]
after = "* pilot"
soak = "7d"
hold = true
go_live = "next_working_day"
blackout = ["2026-12-24..2026-12-31"]
"#;

/// A case with these keys and steps, on Tuesday, 1 December.
fn case(keys: &str, steps: &str) -> String {
    format!(
        r#"
[[test]]
name = "walk"
package = {{ folder = "in", file = "x.hlkx", operating_systems = "WINDOWS_v100_X64_CO_FULL" }}
at = "2026-12-01T09:00:00Z"
expect = {{ rule = "chain" }}
{keys}
step = [{steps}]
"#
    )
}

/// The exit code of `test`, and everything that it prints.
fn run(rules: &str, case: &str) -> (Option<i32>, String) {
    let output = RuleFixture::new(&format!("{rules}{case}")).run(&["test"]);
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

fn passes(rules: &str, steps: &str) {
    let (code, printed) = run(rules, &case("", steps));
    assert_eq!(code, Some(0), "{steps}: {printed}");
}

fn fails(rules: &str, steps: &str, parts: &[&str]) {
    let (code, printed) = run(rules, &case("", steps));
    assert_eq!(code, Some(1), "{steps}: {printed}");
    for part in parts {
        assert!(printed.contains(part), "{part:?} in {printed}");
    }
}

/// Up to the published pilot, which goes live a day after its request.
const PILOT: &str = r#"
    { at = "+0s", expect = { requested = ["* ring"], held = [] } },
    { at = "+1d", published = "* ring", expect = { requested = ["* ring"] } },
    { at = "+4d", expect = { requested = ["* pilot", "* ring"], label = { name = "* pilot", go_live = "2026-12-06*" } } },
    { at = "+4d1h", published = "* pilot" },
"#;

#[test]
fn labels_are_requested_after_soak_go_live_and_approval() {
    // The soak counts from the go-live date of the pilot, 6 December.
    passes(CHAIN, PILOT);
    passes(
        CHAIN,
        &format!(
            r#"{PILOT}
            {{ at = "+11d23h", expect = {{ requested = ["* ring", "* pilot"], held = [] }} }},
            {{ at = "2026-12-13T09:00:00Z", expect = {{ requested = ["* ring", "* pilot"], held = ["* retail"] }} }},
            {{ at = "2026-12-23T09:00:00Z", approved = "* retail", expect = {{ requested = ["*", "*", "*"], held = [] }} }},
            {{ at = "+60d", expect = {{ label = {{ name = "* retail", go_live = "2027-01-01T09*", audiences = "Customers" }} }} }},"#
        ),
    );
    // Without the published pilot nothing follows, however long it takes.
    passes(
        CHAIN,
        r#"{ at = "+1d", published = "* ring" }, { at = "+900d", expect = { requested = ["* ring", "* pilot"] } }"#,
    );
}

#[test]
fn unmet_expectation_says_where_each_label_stands() {
    fails(
        CHAIN,
        r#"{ at = "+1d", published = "* ring" }, { at = "+2d", expect = { requested = ["* ring", "* pilot"], held = ["* retail"] } }"#,
        &[
            "step 2 (+2d): requested\n      - `* ring` and `* pilot`\n      + `x ring`; `x pilot` waits until 2026-12-05T09:00:00Z; `x retail` waits for another label",
            "step 2 (+2d): held\n      - `* retail`\n      + none; `x ring` is published;",
            "FAILED  walk",
        ],
    );
    fails(
        CHAIN,
        r#"{ at = "+4d", expect = { requested = ["*"], label = { name = "* ring", audiences = "Pilots" } } }"#,
        &["step 1 (+4d): label \"x ring\".audiences\n      - \"Pilots\"\n      + [\"Test Registry Key\"]"],
    );
    fails(
        CHAIN,
        r#"{ at = "+4d", expect = { label = { name = "* retail", hold = true } } }"#,
        &["a request of `* retail`", "`x retail` waits for another label"],
    );
}

#[test]
fn event_that_cannot_happen_fails_the_case() {
    fails(
        CHAIN,
        r#"{ at = "+1d", published = "* pilot" }"#,
        &["step 1 (+1d): published", "`* pilot` is at Microsoft", "`x pilot` waits for another label"],
    );
    fails(
        CHAIN,
        r#"{ at = "+1d", published = "* ring" }, { at = "+1d", published = "* ring" }"#,
        &["step 2 (+1d): published", "`x ring` is published"],
    );
    fails(
        CHAIN,
        r#"{ at = "+1d", approved = "* retail" }"#,
        &["step 1 (+1d): approved", "`* retail` is on hold"],
    );
    fails(
        CHAIN,
        r#"{ at = "+1d", failed = "* beta" }"#,
        &["the labels are `x ring`, `x pilot` and `x retail`"],
    );
    // A date before an offset is only known to be earlier when the case runs.
    fails(
        CHAIN,
        r#"{ at = "+9d", published = "* ring" }, { at = "2026-12-02", expect = { held = [] } }"#,
        &["steps in order of time"],
    );
}

#[test]
fn failed_label_holds_those_that_depend_on_it_until_an_operator_decides() {
    passes(
        CHAIN,
        r#"
        { at = "+1d", failed = "* ring", expect = { requested = ["* ring"], held = ["* pilot"] } },
        { at = "+40d", expect = { requested = ["* ring"], held = ["* pilot"] } },
        { at = "+40d", approved = "* pilot", expect = { requested = ["* ring", "* pilot"] } },
        "#,
    );
    // A published label that Microsoft withdraws later no longer counts.
    passes(
        CHAIN,
        &format!(r#"{PILOT} {{ at = "+5d", failed = "* pilot", expect = {{ held = ["* retail"] }} }},"#),
    );
}

#[test]
fn guard_holds_and_refuses_labels_of_a_walk() {
    let open = CHAIN.replace("audiences = [\"Pilots\"]\n", "");
    let walk = |held: &str| {
        format!(r#"{{ at = "+1d", published = "* ring" }}, {{ at = "+4d", expect = {{ held = {held} }} }},"#)
    };
    passes(&open, &walk("[]"));
    passes(&format!("[guard]\neverybody = \"hold\"\n{open}"), &walk("[\"* pilot\"]"));
    let approved = r#"{ at = "+5d", approved = "* pilot", expect = { requested = ["* ring", "* pilot"] } }"#;
    passes(
        &format!("[guard]\neverybody = \"hold\"\n{open}"),
        &format!("{}{approved}", walk("[\"* pilot\"]")),
    );
    // Nothing can be foreseen of an .hlkx.
    passes(
        &format!("[guard]\nunforeseen = \"hold\"\n{CHAIN}"),
        r#"{ at = "+0s", expect = { requested = [], held = ["* ring"] } }"#,
    );
    let metadata = r#"{"BundleInfoMap":{"b1":{"InfInfoMap":{"x.inf":{"OSPnPInfoMap":{"WINDOWS_v100_X64_CO_FULL":{"pci\\ven_1":{}}}}}}}}"#;
    let refused = format!("[guard]\nhardware_ids = [\"usb*\"]\n{CHAIN}");
    let held = r#"{ at = "+0s", expect = { requested = [], held = ["* ring"] } }"#;
    let rules_env = RuleFixture::new(&format!("{refused}{}", case("metadata = \"metadata.json\"", held)));
    rules_env.write("metadata.json", metadata);
    let output = rules_env.run(&["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn fixed_go_live_date_that_passes_during_a_walk_holds_the_label() {
    let fixed = CHAIN.replace("go_live = \"+1d\"", "go_live = \"2099-12-10\"");
    let walk = r#"
        { at = "2099-12-01", published = "* ring" },
        { at = "2099-12-04", expect = { requested = ["*", "*"], label = { name = "* pilot", go_live = "2099-12-10*" } } },
    "#;
    passes(&fixed, walk);
    let late = walk.replace("2099-12-01", "2099-12-09").replace("2099-12-04", "2099-12-13");
    fails(&fixed, &late, &["`x pilot` is on hold (go-live-passed)"]);
}

#[test]
fn walk_that_makes_no_sense_is_a_configuration_error() {
    for (steps, part) in [
        (r#"{ published = "* ring" }"#, "`at` is missing"),
        (r#"{ at = "+1d" }"#, "nothing happens in this step, and nothing is expected"),
        (
            r#"{ at = "+2d", published = "*" }, { at = "+1d", published = "*" }"#,
            "earlier than the one before it",
        ),
        (r#"{ at = "soon", published = "*" }"#, "`soon` is neither a date"),
        (r#"{ at = "+1d", publish = "*" }"#, "did you mean `published`?"),
        (r#"{ at = "+1d", expect = { asked = [] } }"#, "unknown key `asked`"),
    ] {
        let (code, printed) = run(CHAIN, &case("", steps));
        assert_eq!(code, Some(78), "{steps}: {printed}");
        assert!(printed.contains(part), "{part:?} in {printed}");
    }
    let rejected = case("", r#"{ at = "+1d", published = "*" }"#)
        .replace("rule = \"chain\"", "rejected = true")
        .replace("x.hlkx", "x.cab");
    let (code, printed) = run(CHAIN, &rejected);
    assert_eq!(code, Some(78), "{printed}");
    assert!(printed.contains("a rejected package has no labels"), "{printed}");
    // A package that is rejected against the expectation.
    let (code, printed) =
        run(CHAIN, &case("", r#"{ at = "+1d", published = "*" }"#).replace("x.hlkx", "x.cab"));
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("the package is rejected"), "{printed}");
}

#[test]
fn time_of_a_case_is_its_own_or_an_offset_from_the_run() {
    let go_live = |at: &str, date: &str| {
        let keys = format!("expect.label = {{ name = \"* pilot\", go_live = \"{date}*\" }}");
        case("", "")
            .replace("at = \"2026-12-01T09:00:00Z\"", at)
            .replace("expect = { rule = \"chain\" }", &keys)
    };
    // The pilot is requested three days after the signature, and goes live a day later.
    for (at, date) in
        [("at = \"2027-03-01\"", "2027-03-05"), ("at = \"+10d\"", "2027-01-15"), ("", "2027-01-05")]
    {
        let rules_env = RuleFixture::new(&format!("{CHAIN}{}", go_live(at, date)));
        let output = rules_env.run(&["test", "--at", "2027-01-01T00:00:00Z"]);
        assert_eq!(output.status.code(), Some(0), "{at}: {}{}", text(&output.stdout), text(&output.stderr));
    }
}
