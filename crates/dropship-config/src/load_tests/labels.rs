//! Rules for labels that are known before there is a package.

use super::lines;

/// A rule up to its label.
fn head(harness: &str) -> String {
    format!(
        "[[rule]]\nname = \"r\"\n[rule.product]\nname = \"{{{{ inf.version }}}}\"\ntest_harness = \"{harness}\"\n\
         device_type = \"internal\"\nrequested_signatures = \"WINDOWS_v100_X64_CO_FULL\"\n"
    )
}

/// The messages about a label; line numbers count from the label's own header.
fn label(harness: &str, keys: &str) -> Vec<String> {
    let head = head(harness);
    let text = format!("{head}[[rule.label]]\n{keys}\n");
    let reported = lines(&text).into_iter();
    reported
        .map(|line| {
            let (at, rest) = line.split_once(':').expect("a line number");
            let at: usize = at.parse().expect("a number");
            format!("{}:{rest}", at - head.matches('\n').count())
        })
        .collect()
}

const WHQL: &str = "hlk";
const NAME: &str = "name = \"{{ inf.version }}\"\ndestination = \"windows_update\"";
const NOTHING: [&str; 0] = [];

#[test]
fn attestation_goes_to_test_audiences_alone() {
    let help = "[add `audiences = [\"Test Registry Key\"]`, or submit HLK results for retail (Microsoft, \"Publishing \
                restrictions\")]";
    let retail = format!("Microsoft does not publish attestation-signed drivers to retail {help}");
    assert_eq!(label("attestation", NAME), [format!("2:8 {retail}")]);
    assert_eq!(label("attestation", &format!("{NAME}\naudiences = \"Beta\"")), [format!("4:13 {retail}")]);
    for fine in [
        "audiences = [\"Beta\", \"Test_Registry_Key\"]",
        "audiences = \"2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11\"",
        "audiences = \"{{ vars | length }}\"",
        "floor_build = 26100",
    ] {
        assert_eq!(label("attestation", &format!("{NAME}\n{fine}")), NOTHING, "{fine}");
    }
    assert_eq!(label(WHQL, NAME), NOTHING);
}

#[test]
fn automatic_labels_need_approval_and_ceilings_a_justification() {
    assert_eq!(
        label(
            WHQL,
            &format!("{NAME}\nauto_install_during_os_upgrade = true\nceiling = \"NI\"\nfloor = \"GE\"")
        ),
        [
            "4:34 a driver that installs automatically needs `approval` information [add `[rule.label.approval]` with what \
             was tested and why]",
            "5:11 a ceiling needs a business justification [add `approval.business_justification`]",
            "5:11 the ceiling is below the floor",
        ]
    );
    assert_eq!(
        label(
            WHQL,
            &format!(
                "{NAME}\nauto_install_during_os_upgrade = true\nceiling = \"NI\"\napproval = {{ business_justification = \"x\" }}"
            )
        ),
        NOTHING
    );
}

#[test]
fn floors_and_build_numbers_exclude_each_other() {
    assert_eq!(
        label(WHQL, &format!("{NAME}\nfloor = \"N1\"\nfloor_build = 27000\nceiling_build = 26100")),
        [
            "4:9 floor and ceiling exclude build numbers: give one kind or the other",
            "4:9 `N1` is not a floor or ceiling that Microsoft's documentation lists [did you mean `NI`? It is sent as it is]",
            "6:17 `ceiling_build` is below `floor_build`",
        ]
    );
    assert_eq!(
        label(WHQL, &format!("{NAME}\nfloor_build = 1000000")),
        ["4:15 1000000 is not a build number; a build number has five digits"]
    );
}

#[test]
fn partners_and_windows_update_do_not_mix() {
    assert_eq!(
        label(WHQL, &format!("{NAME}\nenforce_chid_targeting = true")),
        [
            "4:26 `enforce_chid_targeting` is for labels for partners [set `destination = \"another_partner\"`, or \
             remove the key]"
        ]
    );
    let partner = "name = \"{{ inf.version }}\"\ndestination = \"another_partner\"";
    assert_eq!(
        label(WHQL, &format!("{partner}\nfloor = \"NI\"")),
        [
            "2:8 a label for another partner names none [add `partners = [\"PUBLISHER ID\"]`]",
            "4:9 `floor` means nothing on a label for another partner [the partner decides how it is published; \
             remove the key]",
        ]
    );
    assert_eq!(
        label(WHQL, &format!("{partner}\npartners = [1, \"x\", 2]")),
        [
            "2:8 several partners, and their labels would have the same name [let the name show `{{ partner }}`]",
            "4:16 `x` is not an id; an id is a whole number such as \"14631253285588838\"",
        ]
    );
}

#[test]
fn labels_wait_for_labels_that_there_are() {
    let second = "[[rule.label]]\nname = \"{{ inf.version }} b\"\ndestination = \"windows_update\"";
    assert_eq!(
        label(WHQL, &format!("{NAME}\n{second}\nafter = \"* c\"")),
        ["7:9 this rule has no label `* c` [its labels are `{{ inf.version }}`]"]
    );
    assert_eq!(
        label(WHQL, &format!("{NAME}\n{second}\nafter = \"{{{{ inf.version }}}}\"\nsoak = \"7d\"")),
        NOTHING
    );
    assert_eq!(
        label(WHQL, &format!("{NAME}\nafter = \"* b\"\n{second}\nafter = \"{{{{ inf.version }}}}\"")),
        [
            "4:9 these labels wait for each other in a circle",
            "8:9 these labels wait for each other in a circle",
        ]
    );
    assert_eq!(
        label(WHQL, &format!("{NAME}\nsoak = \"7d\"")),
        ["4:8 `soak` counts from the label that `after` names, and there is none"]
    );
    assert_eq!(
        label(WHQL, &format!("{NAME}\n[[rule.label]]\n{}", NAME.replace(" }}", "}}"))),
        [
            "5:8 two labels of this rule are named `{{ inf.version}}` [dropship finds a label again by its name; \
             give each label its own name]"
        ]
    );
}

#[test]
fn date_that_has_passed_is_a_warning_where_the_operator_cannot_change_it() {
    let text = format!("{}[[rule.label]]\n{NAME}\ngo_live = 2025-12-24\n", head(WHQL));
    let environment = super::environment().with_passed_dates();
    let config = super::load_str(std::path::Path::new("/etc/dropship/dropship.toml"), &text, &environment)
        .expect("accepted");
    let warnings: Vec<_> = config.warnings.problems.iter().map(|problem| &*problem.message).collect();
    let expected = "2025-12-24T00:00:00Z (UTC) has passed: the label is held before it is requested";
    assert!(warnings.contains(&expected), "{warnings:?}");
}

#[test]
fn targeting_that_fits_nothing_is_refused() {
    assert_eq!(
        label(WHQL, &format!("{NAME}\nchids = [\"x\"]\nhardware_ids = {{ include = [], infs = \"[a\" }}")),
        [
            "4:10 `x` is not a CHID; a CHID is a GUID",
            "5:16 `include` is an empty list: nothing fits it [leave the key out to target all]",
            "5:39 `[a` is not a glob: `[` has no closing `]`; write `[[]` for the character `[`",
        ]
    );
    assert_eq!(
        label(WHQL, &format!("{NAME}\ngo_live = 2096-12-24\nblackout = \"2096-12-20..2096-12-31\"")),
        ["4:11 2096-12-24 is a blackout day"]
    );
    assert_eq!(
        label(WHQL, &format!("{NAME}\ngo_live = 2025-12-24")),
        [
            "4:11 2025-12-24T00:00:00Z (UTC) has passed [give a later date, or an offset such as \"+7d\"; without \
             `go_live` a label goes live once it is certified]"
        ]
    );
    assert_eq!(
        label(WHQL, &format!("{NAME}\ngo_live = \"tomorrow\"")),
        [
            "4:11 `tomorrow` is neither a date such as \"2026-12-01\" or \"2026-12-01T09:00:00Z\" nor an offset such \
             as \"+7d\", nor \"next_working_day\""
        ]
    );
}
