//! A `[[folder]]` that gets another name: its files are known already.

use crate::harness::{TestEnv, bytes, text, wait_for};

#[test]
fn files_of_a_renamed_folder_are_not_sent_again() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    env.edit_configuration("name = \"in\"", "name = \"builds\"");
    let reloaded = env.run(&["reload"]);
    assert!(reloaded.status.success(), "{}", text(&reloaded.stderr));
    // The second package is found by the same scan, so the first was considered when it ends.
    env.drop_package("other.cab", &bytes("cab/good-signed-ec384.cab"));
    let jobs = || env.json(&["jobs"]).as_array().cloned().unwrap_or_default();
    let ended = || {
        let is_ended = |job: &serde_json::Value| job["package"] == "other.cab" && job["state"] == "succeeded";
        jobs().iter().any(is_ended).then_some(())
    };
    wait_for("the second package", ended).unwrap_or_else(|| panic!("{:#?}\n{}", jobs(), env.log()));
    let waited = env.run(&["wait", &env.path("drop/echo.cab").display().to_string()]);
    assert_eq!(waited.status.code(), Some(0), "{}", text(&waited.stderr));
    // Under another name, it is still the same bytes in the same folder.
    std::fs::rename(env.path("drop/echo.cab"), env.path("drop/renamed.cab")).expect("renamed");
    assert!(env.run(&["rescan"]).status.success());
    let waited = env.run(&["wait", &env.path("drop/renamed.cab").display().to_string()]);
    assert_eq!(waited.status.code(), Some(0), "{}", text(&waited.stderr));
    assert_eq!(jobs().len(), 2, "{:#?}", jobs());
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.created().0, 2, "{:#?}\n{}", jobs(), env.log());
    // In a folder that is watched besides the first, the same bytes are another package.
    let more = format!(
        "[[folder]]\nname = \"copies\"\npath = \"{}\"\noutbox = \"out\"\n",
        env.path("copies").display()
    );
    std::fs::create_dir(env.path("copies")).expect("a folder");
    env.edit_configuration("[signers]", &format!("{more}[signers]"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    std::fs::write(env.path("copies/echo.cab"), bytes("cab/good-signed-ts.cab")).expect("a copy");
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(jobs().len(), 3, "{:#?}", jobs());
}
