//! Every field of a request can be set by a rule.

use crate::harness::rules::RuleFixture;
use crate::harness::text;

const EVERYTHING: &str = r#"
[[rule]]
name = "all"
match = { file = "*.hlkx" }
[rule.product]
name = "Echo {{ file.stem }}"
test_harness = "hlk"
announcement_date = "2027-01-31"
device_metadata_ids = ["7f1d7c6e-0000-4000-8000-000000000001"]
firmware_version = "980"
device_type = "internal_external"
is_test_sign = true
is_flight_sign = true
marketing_names = ["Echo One", "Echo {{ file.stem }}"]
selected_product_types = { windows_v100_CO = "Audio Device" }
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
additional_attributes = { svvp = { max_processors = 8, max_memory = 4096 } }
package_type = "x"
[rule.submission]
name = "S {{ file.stem }}"
[[rule.label]]
name = "{{ file.stem }} retail"
destination = "windows_update"
go_live = "2027-02-03T10:00:00Z"
visible_to_accounts = [27691110]
auto_install_during_os_upgrade = true
auto_install_on_applicable_systems = true
disclosure_restricted = true
publish_to_windows10s = true
audiences = ["Ring"]
floor = "CO"
ceiling = "CO"
chids = ["{2F3D3EB7-0ed5-4f28-8e06-5b3e5e7d1a11}"]
[rule.label.approval]
microsoft_contact = "a@microsoft.com"
validations_performed = "all"
affected_oems = ["Contoso", "Fabrikam"]
is_reboot_required = true
is_co_engineered = true
is_for_unreleased_hardware = true
has_ui_software = false
business_justification = "because"
[[rule.label]]
name = "{{ file.stem }} insider"
destination = "windows_update"
floor_build = 26100
ceiling_build = 26200
[[rule.label]]
name = "{{ file.stem }} for {{ partner }}"
destination = "another_partner"
partners = ["14631253285588838"]
enforce_chid_targeting = true
block_dua_creation = true

[[test]]
name = "everything"
package = { file = "a.hlkx" }
[test.expect]
labels = ["a retail", "a insider", "a for 14631253285588838"]
[test.expect.product]
product_name = "Echo a"
test_harness = "hlk"
announcement_date = "2027-01-31*"
device_metadata_ids = ["7f1d7c6e-0000-4000-8000-000000000001"]
firmware_version = "980"
device_type = "internalExternal"
is_test_sign = true
is_flight_sign = true
marketing_names = ["Echo One", "Echo a"]
selected_product_types = { windows_v100_CO = "Audio Device" }
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
additional_attributes = { svvp = { max_processors = 8, max_memory = 4096 } }
package_type = "x"
[test.expect.submission]
name = "S a"
type = "initial"
[[test.expect.label]]
name = "a retail"
destination = "windowsUpdate"
go_live_date = "2027-02-03T10:00:00*"
visible_to_accounts = [27691110]
is_auto_install_during_os_upgrade = true
is_auto_install_on_applicable_systems = true
manual_acquisition = false
is_disclosure_restricted = true
publish_to_windows10s = true
restricted_to_audiences = ["Ring"]
in_service_publish_info = { flooring = "CO", ceiling = "CO" }
chid = "2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11"
[test.expect.label.additional_info_for_ms_approval]
microsoft_contact = "a@microsoft.com"
validations_performed = "all"
affected_oems = ["Contoso", "Fabrikam"]
is_reboot_required = true
is_co_engineered = true
is_for_unreleased_hardware = true
has_ui_software = false
business_justification = "because"
[[test.expect.label]]
name = "a insider"
manual_acquisition = true
co_eng_driver_publish_info = { flooring_build_number = 26100, ceiling_build_number = 26200 }
[[test.expect.label]]
name = "a for *"
destination = "anotherPartner"
recipient_specifications = { receiver_publisher_id = "14631253285588838", enforce_chid_targeting = true, block_dua_creation = true }
"#;

#[test]
fn every_request_field_can_be_set_and_is_sent_unchanged() {
    let good = RuleFixture::new(EVERYTHING).run(&["test"]);
    assert_eq!(good.status.code(), Some(0), "{}{}", text(&good.stdout), text(&good.stderr));
    // Each expectation is compared: changing any one of them is a difference.
    let (rule, case) = EVERYTHING.split_once("[test.expect.product]").expect("expectations");
    let mut differences = 0;
    for (from, to) in [
        ("true", "false"),
        ("false", "true"),
        ("\"CO\"", "\"NI\""),
        ("980", "981"),
        ("26100", "26101"),
        ("8838\"", "8839\""),
        ("because", "why"),
        ("\"x\"", "\"y\""),
        ("Fabrikam", "Fab"),
        ("27691110", "1"),
    ] {
        for (at, _) in case.match_indices(from) {
            let changed =
                format!("{rule}[test.expect.product]{}{to}{}", &case[..at], &case[at + from.len()..]);
            let output = RuleFixture::new(&changed).run(&["test"]);
            assert_eq!(output.status.code(), Some(1), "{from} at {at}: {}", text(&output.stdout));
            differences += 1;
        }
    }
    assert!(differences > 20, "{differences}");
}
