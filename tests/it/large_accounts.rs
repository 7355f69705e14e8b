//! Accounts whose product list cannot be read to its end: jobs continue, and nothing is created twice without an operator.

use dropship_sandbox::{Options, Quirks};
use serde_json::{Value, json};

use crate::harness::{TestEnv, bytes, text, usual_quirks, wait_for};

/// Products that the account has from the start, on several pages.
const OLD: usize = 12;

/// An environment whose product list ends early, with this quirk besides the usual ones.
fn large_account(quirk: &str, more: &str) -> TestEnv {
    let quirks = Quirks::parse(quirk).expect("a quirk");
    let quirks = dropship_sandbox::Quirk::ALL.iter().filter(|quirk| quirks.has(**quirk));
    let quirks =
        quirks.fold(usual_quirks().without(dropship_sandbox::Quirk::Empty2xxBody), |all, one| all.with(*one));
    let env = TestEnv::at(Options { speed: 1200.0, page_size: 5, quirks, ..Options::default() }, more);
    env.sandbox.control().add_products("tenant", "Old", OLD);
    env
}

fn wait_for_hold(env: &TestEnv) -> Value {
    wait_for("a held job", || env.receipts().pop().filter(|receipt| receipt["state"] == "held"))
        .unwrap_or_else(|| panic!("{:?}\n{}", env.receipts(), env.log()))
}

fn act(env: &TestEnv, action: &str, job: &Value) {
    let output = env.run(&[action, job["id"].as_str().expect("an id")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn job_of_large_account_is_submitted_with_an_incomplete_list() {
    for quirk in ["next-link-without-token", "next-link-loop", "next-link-odata"] {
        let env = large_account(quirk, "");
        let daemon = env.daemon(&["--until-idle"]);
        env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
        assert_eq!(env.wait_for_end()["state"], "succeeded", "{quirk}: {}", env.log());
        assert_eq!(env.created(), (OLD + 1, 1, 1), "{quirk}");
        assert!(env.log().contains("with an incomplete list"), "{quirk}: {}", env.log());
        drop(daemon);
    }
}

#[test]
fn job_is_submitted_although_the_product_list_always_fails() {
    let env = large_account("none", "");
    env.fault(
        &json!({"operation": "list_products", "times": 0, "action": {"kind": "status", "status": 500}}),
    );
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (OLD + 1, 1, 1));
    let lists = env.sandbox.control().count("list_products");
    assert!(lists < 60, "{lists} attempts");
    drop(daemon);
}

#[test]
fn lost_create_with_incomplete_list_is_held_once_and_approval_sends_it_again() {
    let env = large_account("next-link-without-token", "");
    env.fault(&json!({"operation": "create_product", "action": {"kind": "drop_before"}}));
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = wait_for_hold(&env);
    assert_eq!(receipt["error"]["kind"], "incomplete-list", "{receipt:#}");
    let message = receipt["error"]["message"].as_str().expect("a message");
    for word in ["Partner Center", "dropship approve", "dropship cancel", "incomplete", "continuation token"]
    {
        assert!(message.contains(word), "no {word} in: {message}");
    }
    let creates = env.sandbox.control().count("create_product");
    assert_eq!((creates, env.created().0), (1, OLD), "nothing is sent again without the operator");
    act(&env, "approve", &receipt);
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (OLD + 1, 1, 1));
    assert_eq!(env.sandbox.control().count("create_product"), creates + 1);
    drop(daemon);
}

#[test]
fn existing_product_by_name_is_held_when_the_list_is_incomplete() {
    let env = large_account("next-link-empty-token", "");
    let path = env.path("dropship.toml");
    let config = std::fs::read_to_string(&path).expect("a configuration");
    let name = "name = \"{{ inf.provider }} {{ file.stem }} {{ inf.version }}\"";
    assert!(config.contains(name), "{config}");
    std::fs::write(&path, config.replace(name, "strategy = \"existing\"\nname = \"Old 1\""))
        .expect("written");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = wait_for_hold(&env);
    assert_eq!(receipt["error"]["kind"], "incomplete-list", "{receipt:#}");
    let message = receipt["error"]["message"].as_str().expect("a message");
    assert!(message.contains("set the product's id in the rule") && message.contains("Old 1"), "{message}");
    assert_eq!(env.created(), (OLD, 0, 0));
    act(&env, "cancel", &receipt);
    drop(daemon);
}
