//! The daemon against a service with every oddity at once.

use dropship_sandbox::Quirks;

use crate::harness::{TestEnv, bytes};

#[test]
fn package_is_published_on_a_sandbox_with_every_quirk_at_once() {
    let env = TestEnv::with(Quirks::all(), "");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{}", env.log());
    assert_eq!(env.created(), (1, 1, 1), "nothing was created twice: {}", env.log());
    let state = env.sandbox.control().state();
    let label = &state["products"][0]["submissions"][0]["labels"][0];
    let targets = label["targeting"]["hardwareIds"].to_string();
    assert!(targets.contains("WINDOWS_v100_X64_CO_FULL") && !targets.contains("NI_FULL"), "{targets}");
    assert_eq!(env.sandbox.control().leaked_bearers(), 0);
    assert_eq!(daemon.terminate(), Some(0));
}
