//! The page Rules against `reload --dry-run`.

use super::client::Site;
use crate::harness::{bytes, text, wait_for};

const MORE: &str = r#"
[[rule]]
name = "lab <b>"
folders = ["in"]
match = { file = "lab*.hlkx" }
[rule.product]
name = "Lab {{ file.stem }}"
test_harness = "hlk"
device_type = "internal"
requested_signatures = "from_package"
"#;

fn page(site: &Site) -> String {
    let answer = site.get("/rules");
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), site.env.log());
    answer.text()
}

/// The part of the page about the configuration on disk, once it shows a text.
fn disk(site: &Site, shown: &str) -> String {
    let found = wait_for(shown, || {
        let text = page(site);
        let part = text.split("id=\"disk\"").nth(1)?.split("</section>").next()?.to_owned();
        part.contains(shown).then_some(part)
    });
    found.unwrap_or_else(|| panic!("{shown}: {}", page(site)))
}

#[test]
fn rules_page_shows_what_each_rule_matched_and_what_a_reload_would_change() {
    let site = Site::with(MORE, "");
    let env = &site.env;
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.drop_package("none.txt.cab", &bytes("cab/unsigned.cab"));
    let counted = || {
        let text = page(&site);
        (text.contains("<strong>1</strong> package") && text.contains("rejected packages")).then_some(text)
    };
    let text_of_page = wait_for("the packages", counted).unwrap_or_else(|| panic!("{}", page(&site)));
    for shown in [
        "lab &lt;b&gt;",
        "file is &quot;lab*.hlkx&quot;",
        "echo.cab",
        "for Test Registry Key",
        "none since the start",
        "HLK",
    ] {
        assert!(text_of_page.contains(shown), "{shown}: {text_of_page}");
    }
    assert!(!text_of_page.contains("<b>"), "{text_of_page}");
    assert!(disk(&site, "would change").contains("A reload would change nothing"));

    // A change on disk, before and after it is applied.
    env.edit_configuration("file = \"*.cab\"", "file = \"e*.cab\"");
    let expected = text(&env.run(&["reload", "--dry-run"]).stdout);
    let first = expected.lines().next().expect("a change");
    assert!(first.contains("rules changed"), "{expected}");
    let shown = disk(&site, "rules changed: ring");
    assert!(shown.contains("Compared ") && shown.contains("UTC"), "{shown}");
    assert!(page(&site).contains("file is &quot;*.cab&quot;"), "the rule in force is unchanged");
    assert_eq!(env.run(&["reload"]).status.code(), Some(0), "{}", env.log());
    disk(&site, "A reload would change nothing");
    let after = page(&site);
    assert!(after.contains("file is &quot;e*.cab&quot;") && after.contains("applied"), "{after}");
    assert!(after.contains("rules changed: ring"), "the last reload: {after}");

    // A configuration with an error.
    env.edit_configuration("file = \"e*.cab\"", "fil = \"e*.cab\"");
    let shown = disk(&site, "would be refused");
    assert!(shown.contains("fil"), "{shown}");
    assert_ne!(env.run(&["reload"]).status.code(), Some(0));
    let after = page(&site);
    assert!(after.contains("refused</span>"), "{after}");

    // A rule that is gone keeps its packages.
    env.edit_configuration("fil = \"e*.cab\"", "file = \"e*.cab\"");
    env.edit_configuration("name = \"ring\"", "name = \"circle\"");
    assert_eq!(env.run(&["reload"]).status.code(), Some(0), "{}", env.log());
    let after = page(&site);
    assert!(after.contains("/packages?rule=ring") && after.contains("no longer exists"), "{after}");
    site.stop();
}
