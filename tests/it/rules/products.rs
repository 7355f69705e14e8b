//! How a product is come by: shared by packages of one version, named, or derived from.

use std::fs;

use dropship_sandbox::Quirks;
use serde_json::{Value, json};

use super::cab::saying;
use super::running::{bodies, edit, listening, receipt_of};
use crate::home::{Home, bytes, fixture};

/// A home that takes unsigned packages, so that each can say what it likes.
fn lenient(strategy: &str) -> Home {
    let home = Home::with(Quirks::none(), "");
    edit(
        &home,
        &[
            ("[rule.product]\n", &format!("[rule.product]\n{strategy}\n")),
            ("{{ file.stem }} {{ inf.version }}\"", "{{ inf.version }}\""),
            ("[rule.submission]\nname", "[rule.submission]\ntype = \"initial\"\nname"),
            ("[signers]", "[signers]\nallow_unsigned = true"),
        ],
    );
    home
}

/// A product that somebody made by hand.
fn by_hand(home: &Home, name: &str, harness: &str) -> Value {
    let new = json!({"productName": name, "testHarness": harness, "deviceType": "internal",
        "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"]});
    let file = home.path("product.json");
    fs::write(&file, new.to_string()).expect("written");
    home.json(&["api", "product", "create", "--file", file.to_str().expect("a path")])
}

#[test]
fn packages_of_one_version_share_a_product_and_another_version_has_its_own() {
    let home = lenient("strategy = \"per_version\"");
    let daemon = home.daemon(&[]);
    listening(&home);
    // The first gets no further than its product.
    home.fault(&json!({"operation": "create_submission", "action": {"kind": "status", "status": 400}}));
    home.drop_package("one.cab", &saying(&[]));
    let one = receipt_of(&home, "one.cab", "failed");
    home.drop_package("two.cab", &saying(&[("ROOT\\ECHO", "ROOT\\OHCE")]));
    let two = receipt_of(&home, "two.cab", "succeeded");
    assert_eq!(one["product_id"], two["product_id"], "one version, one product");
    assert_eq!(bodies(&home, "create_product").len(), 1);
    // A product takes one full package: the next one is a person's to decide on, and nothing of it was made.
    home.drop_package("three.cab", &saying(&[("ROOT\\ECHO", "ROOT\\CHEO")]));
    let three = receipt_of(&home, "three.cab", "held");
    assert_eq!(
        (&three["error"]["kind"], &three["product_id"]),
        (&json!("exists-already"), &one["product_id"])
    );
    home.drop_package("four.cab", &saying(&[("1.2.3.4", "1.2.3.5")]));
    let four = receipt_of(&home, "four.cab", "succeeded");
    assert_ne!(four["product_id"], one["product_id"]);
    assert_eq!(home.created(), (2, 2, 2));
    drop(daemon);
}

#[test]
fn a_product_is_found_by_its_name_and_two_of_that_name_hold_the_job() {
    let home = lenient("strategy = \"existing\"");
    let make = || by_hand(&home, "Example Hardware Inc. 1.2.3.4", "attestation");
    let daemon = home.daemon(&[]);
    listening(&home);
    home.drop_package("early.cab", &saying(&[("1.2.3.4", "9.9.9.9")]));
    let early = receipt_of(&home, "early.cab", "held");
    assert_eq!(early["error"]["kind"], "no-such-product", "{early:#}");
    let made = make();
    home.drop_package("one.cab", &saying(&[]));
    let one = receipt_of(&home, "one.cab", "succeeded");
    assert_eq!(one["product_id"], made["id"]);
    assert_eq!(bodies(&home, "create_product").len(), 1, "by hand, and by nobody else");
    make();
    home.drop_package("two.cab", &saying(&[("ROOT\\ECHO", "ROOT\\OHCE")]));
    let two = receipt_of(&home, "two.cab", "held");
    let message = two["error"]["message"].as_str().expect("a message");
    assert!(message.contains("there are 2"), "{message}");
    assert_eq!(two["product_id"], Value::Null);
    drop(daemon);
}

const WHQL: &str = r#"
[[rule]]
name = "whql"
folders = ["in"]
match = { kind = "hlkx" }
[rule.product]
name = "Echo whql"
test_harness = "hlk"
device_type = "internal"
requested_signatures = "from_package"
[rule.submission]
name = "{{ file.stem }}"
[[rule]]
name = "update"
folders = ["dua"]
match = { kind = "hlkx" }
[rule.product]
strategy = "existing"
name = "Echo whql"
[rule.submission]
name = "{{ file.stem }}"
[[rule.label]]
name = "{{ file.stem }} ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
[[folder]]
name = "dua"
path = "dua"
outbox = "out"
settle = "200ms"
"#;

/// A home with a rule for full HLK packages, and one for driver updates of what came of them.
fn updating() -> Home {
    let home = Home::with(Quirks::all(), WHQL);
    fs::create_dir(home.path("dua")).expect("a folder");
    for pem in ["roots.pem", "inter.pem"] {
        fs::copy(fixture(&format!("more/{pem}")), home.path(&format!("more-{pem}"))).expect("a root");
    }
    edit(
        &home,
        &[
            ("roots = [\"roots.pem\"]", "roots = [\"roots.pem\", \"more-roots.pem\"]"),
            ("intermediates = [\"inter.pem\"]", "intermediates = [\"inter.pem\", \"more-inter.pem\"]"),
        ],
    );
    home
}

#[test]
fn a_driver_update_derives_from_the_shell_that_the_initial_submission_offers() {
    let home = updating();
    let daemon = home.daemon(&[]);
    listening(&home);
    home.drop_package("echo.hlkx", &bytes("hlkx/good.hlkx"));
    let full = receipt_of(&home, "echo.hlkx", "succeeded");
    // The shell, of which the driver update is made, is among the results.
    let files: Vec<_> = full["files"].as_array().expect("files").iter().map(|file| &file["name"]).collect();
    assert!(files.contains(&&json!("derived-shell.hlkx")), "{files:?}");
    let shell = home.path("out").join(full["outbox"].as_str().expect("a folder")).join("derived-shell.hlkx");
    assert!(zip::ZipArchive::new(fs::File::open(shell).expect("the shell")).is_ok());

    fs::copy(fixture("more/good.hlkx"), home.path("dua/update.hlkx")).expect("dropped");
    let update = receipt_of(&home, "update.hlkx", "succeeded");
    assert_eq!(update["product_id"], full["product_id"]);
    assert_ne!(update["submission_id"], full["submission_id"]);
    assert_eq!(bodies(&home, "create_product").len(), 1);
    let kinds: Vec<_> = bodies(&home, "create_submission").iter().map(|body| body["type"].clone()).collect();
    assert_eq!(kinds, ["initial", "derived"]);
    drop(daemon);
}

#[test]
fn where_no_shell_is_offered_nothing_is_derived() {
    let home = updating();
    edit(&home, &[("strategy = \"existing\"\nname = \"Echo whql\"", "strategy = \"existing\"\nid = \"1\"")]);
    let product = by_hand(&home, "Echo", "hlk");
    let id = product["id"].as_str().expect("an id");
    edit(&home, &[("id = \"1\"", &format!("id = \"{id}\""))]);
    let daemon = home.daemon(&[]);
    listening(&home);
    fs::copy(fixture("more/good.hlkx"), home.path("dua/update.hlkx")).expect("dropped");
    let held = receipt_of(&home, "update.hlkx", "held");
    assert_eq!(held["error"]["kind"], "no-shell", "{held:#}");
    let message = held["error"]["message"].as_str().expect("a message");
    assert!(message.contains("no initial submission to derive from"), "{message}");
    assert_eq!(bodies(&home, "create_submission").len(), 0, "what would be refused is not sent");
    drop(daemon);
}
