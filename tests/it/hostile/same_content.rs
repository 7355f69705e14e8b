//! A build job that changes bytes of a package that its signature does not cover, so that it is submitted again and again.

use std::fs;

use serde_json::Value;

use super::build_job::{Repeated, attack, is_not_root};
use super::environment::{attacked_env, configure, job, nothing_else_happened, start, wait_for_state};
use crate::harness::{TestEnv, bytes, wait_for};
use crate::storm::PackageTemplate;

/// Number of packages that the build job makes of one.
const MADE: u64 = 24;

/// The build job writes files, whose bytes an administrator has put into `outside` for it.
fn drop_as_build_job(env: &TestEnv, name: &str, package: &[u8]) {
    fs::write(env.path("outside/start"), package).expect("written");
    attack(env, &format!("cp outside/start drop/{name}.part; mv drop/{name}.part drop/{name}"));
    fs::remove_file(env.path("outside/start")).expect("removed");
}

#[test]
fn root_package_that_is_stamped_again_is_held() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    configure(&env, "same_content = \"take\"\n", "");
    let daemon = start(&env, "trace");
    let good = bytes("cab/good-signed.cab");
    drop_as_build_job(&env, "first.cab", &good);
    let first = wait_for_state(&env, "first.cab", "succeeded");
    let template = PackageTemplate::new(&good);
    for number in 0..MADE {
        drop_as_build_job(&env, &format!("again{number}.cab"), &template.package(number));
    }
    // Another signer, and another algorithm.
    drop_as_build_job(&env, "signed.cab", &bytes("cab/good-signed-ec384.cab"));
    let again = (0..MADE).map(|number| format!("again{number}.cab")).chain(["signed.cab".to_owned()]);
    let again: Vec<String> = again.collect();
    let assert_held = |name: &str| {
        let held = wait_for_state(&env, name, "held");
        assert_eq!(held["error"]["kind"], "same-content", "{name}: {held:#}");
        let message = held["error"]["message"].as_str().expect("a message");
        assert!(message.contains(first["id"].as_str().expect("an id")), "{name}: {message}");
        assert_eq!(held["product_id"], Value::Null, "{name}: {held:#}");
    };
    again.iter().for_each(|name| assert_held(name));
    // The first package is gone, its name has other bytes by turns, and its receipt is the daemon's own.
    let swap = "rm -f drop/first.cab; cp drop/again1.cab drop/x; mv drop/x drop/first.cab; \
                cp drop/again2.cab drop/x; mv drop/x drop/first.cab; rm -rf out/first* 2>/dev/null";
    let swapper = Repeated::start(&env, swap);
    drop_as_build_job(&env, "late.cab", &template.package(MADE));
    assert_held("late.cab");
    drop(swapper);
    attack(&env, "rm -f drop/*");
    assert_eq!(env.created(), (1, 1, 1), "one submission");
    let daemon = {
        // A daemon that starts again knows what was submitted.
        assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
        start(&env, "trace")
    };
    drop_as_build_job(&env, "later.cab", &template.package(MADE + 1));
    assert_held("later.cab");
    assert_eq!(env.created(), (1, 1, 1), "one submission");
    let rejected = || job(&env, "first.cab").filter(|job| job["id"] == first["id"]);
    assert_eq!(wait_for("the first job", rejected).expect("known")["state"], "succeeded");
    nothing_else_happened(&env, daemon);
}
