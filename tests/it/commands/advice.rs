//! Advised commands can be pasted, whatever the names in them are.

use std::process::Command;

use crate::harness::text;

#[test]
fn advised_commands_of_the_demo_run_in_a_shell_for_any_path() {
    let parent = tempfile::tempdir().expect("a folder");
    let dropship = env!("CARGO_BIN_EXE_dropship");
    let home = parent.path().join("-a b'c\"d $(touch escaped);`touch escaped`&*é");
    let demo =
        Command::new(dropship).arg("demo").arg("--home").arg(&home).output().expect("the command runs");
    let (shown, errors) = (text(&demo.stdout), text(&demo.stderr));
    assert!(demo.status.success(), "{shown}{errors}");
    let advised: Vec<_> =
        shown.lines().filter_map(|line| line.strip_prefix("  dropship --config ")).collect();
    assert_eq!(advised.len(), 3, "{shown}");
    assert_eq!(
        shown.matches("http://127.0.0.1:").count(),
        3,
        "the sandbox, and the pages now and later: {shown}"
    );
    for command in advised.iter().filter(|command| !command.contains(" run ")) {
        let script = format!("'{dropship}' --config {command}");
        let run =
            Command::new("bash").args(["-c", &script]).current_dir(parent.path()).output().expect("bash");
        assert!(run.status.success(), "{script}: {}{}", text(&run.stdout), text(&run.stderr));
    }
    assert!(!parent.path().join("escaped").exists());
}
