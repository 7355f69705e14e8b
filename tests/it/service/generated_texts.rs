//! Texts that are generated from the command line and the configuration: completions, manual pages, the unit's drop-in.

use crate::harness::{TestEnv, text};

#[test]
fn completions_list_every_command() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish"] {
        let done = env.run(&["completions", shell]);
        assert!(done.status.success());
        let script = text(&done.stdout);
        for command in ["pause", "submit", "completions"] {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
    }
}

#[test]
fn every_command_has_a_man_page() {
    let env = TestEnv::new();
    let folder = env.path("man");
    assert!(env.run(&["man", &folder.display().to_string()]).status.success());
    for (page, expected) in
        [("dropship.8", "dropship"), ("dropship-run.8", "until"), ("dropship-systemd-paths.8", "drop")]
    {
        let page = std::fs::read_to_string(folder.join(page)).expect("a page");
        assert!(page.contains(".TH") && page.contains(expected), "{page}");
    }
}

#[test]
fn systemd_drop_in_grants_what_the_folders_need() {
    let env = TestEnv::with(
        crate::harness::usual_quirks(),
        "[[folder]]\nname = \"homely\"\npath = \"/home/build/drop\"\nafter = \"delete\"\n",
    );
    let done = env.run(&["systemd", "paths"]);
    let drop_in = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    for expected in [
        "[Service]\n".to_owned(),
        format!("ReadWritePaths=-{}\n", env.path("out").display()),
        "BindPaths=-/home/build/drop\n".to_owned(),
    ] {
        assert!(drop_in.contains(&expected), "no {expected} in\n{drop_in}");
    }
    let file = env.path("unit.d/paths.conf");
    let shown = env.json(&["systemd", "paths", "--write", &file.display().to_string()]);
    assert_eq!(std::fs::read_to_string(&file).expect("written"), drop_in);
    assert_eq!(shown["drop_in"], drop_in.as_str());
}
