//! The author of an included rule file, who is another user than the daemon and the administrator.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use super::build_job::{Repeated, STRANGER, attack, is_not_root};
use super::environment::{
    DAEMON, attacked_env, configure, is_up, nothing_else_happened, quiet_folder_is_served, start,
};
use crate::harness::{SECRET, TestEnv, text, wait_for};

/// Maximum length of an answer about a refused configuration, in bytes.
const MOST: usize = 512 << 10;

/// Scripts that put something in the place of the rule file `$P`. Python writes what is long.
const FILES: [(&str, &str); 24] = [
    ("fifo", "mkfifo $P"),
    ("folder", "mkdir $P"),
    ("socket", "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"'$P'\")'"),
    ("dangling", "ln -s nothing $P"),
    ("loop", "ln -s theirs.toml $P"),
    ("secret", "ln -s ../secret $P"),
    ("private", "ln -s ../private $P"),
    ("memory", "ln -s /proc/self/environ $P"),
    ("device", "ln -s /dev/zero $P"),
    ("terminal", "ln -s /dev/tty $P"),
    ("sparse", "truncate -s 100G $P"),
    ("binary", "head -c 100000 /dev/urandom > $P"),
    ("unreadable", "echo x > $P; chmod 000 $P"),
    ("notify", "printf '[[notify]]\\nname = \"n\"\\ncommand = [\"/bin/touch\", \"outside/new\"]\\n' > $P"),
    ("web", "printf '[web]\\nlisten = \"0.0.0.0:1\"\\n' > $P"),
    ("metrics", "printf '[metrics]\\nlisten = \"0.0.0.0:1\"\\n' > $P"),
    ("guard", "printf '[guard]\\neverybody = \"allow\"\\n' > $P"),
    ("control", "printf '[control]\\noperators = [\"61236\"]\\n' > $P"),
    ("include", "printf 'include = [\"/etc/passwd\", \"../secret\"]\\n' > $P"),
    (
        "store",
        "printf '[[folder]]\\nname = \"t\"\\npath = \"../outside\"\\noutbox = \"../store/journal\"\\n' > $P",
    ),
    ("nested", "python3 -c 'print(\"a = \" + \"[\" * 100000)' > $P"),
    ("dotted", "python3 -c 'print(\"[\" + \".\".join([\"a\"] * 100000) + \"]\")' > $P"),
    ("tables", "python3 -c 'print(\"[[rule]]\\n\" * 400000)' > $P"),
    (
        "template",
        "python3 -c 'print(\"[[rule]]\\nname = \\\"t\\\"\\nmatch = {file = \\\"\" + \"{a,\" * 2000 + \"\\\"}\\n[rule.product]\\nname = \\\"\" + \"{{ \" * 3000 + \"\\\"\")' > $P",
    ),
];

/// An attacked environment that includes the rule files of the other author.
fn including_env() -> TestEnv {
    let env = attacked_env("", "");
    configure(&env, "[account]", "include = [\"rules.d/*.toml\"]\n[account]");
    fs::create_dir(env.path("rules.d")).expect("a folder");
    chown(env.path("rules.d"), Some(STRANGER), Some(STRANGER)).expect("an owner");
    // Only the daemon can read it.
    fs::write(env.path("private"), "hunter2 is = the password\n").expect("written");
    fs::set_permissions(env.path("private"), fs::Permissions::from_mode(0o600)).expect("a mode");
    chown(env.path("private"), Some(DAEMON), Some(DAEMON)).expect("an owner");
    env
}

/// What is no file is not included.
const NO_FILES: [&str; 4] = ["folder", "socket", "dangling", "loop"];

/// Everything that a reload and `check` print about the file.
fn printed_texts(env: &TestEnv, kind: &str) -> String {
    let mut all = String::new();
    for args in
        [&["check"][..], &["--json", "check"], &["reload"], &["reload", "--dry-run"], &["config", "show"]]
    {
        let output = env.run(args);
        let printed = text(&output.stdout) + &text(&output.stderr);
        let is_fine = NO_FILES.contains(&kind) && output.status.success();
        assert!(
            is_fine || output.status.code() == Some(78),
            "{kind}: {args:?}: {:?}: {printed}",
            output.status
        );
        all += &printed;
    }
    all
}

#[test]
fn root_hostile_rule_file_is_refused_and_the_daemon_keeps_its_configuration() {
    if is_not_root() {
        return;
    }
    let env = including_env();
    let daemon = start(&env, "trace");
    is_up(&env);
    for (kind, script) in FILES {
        attack(&env, &format!("cd rules.d; {}", script.replace("$P", "theirs.toml")));
        let printed = printed_texts(&env, kind);
        assert!(printed.len() < MOST, "{kind}: {} bytes", printed.len());
        assert!(!printed.contains("hunter2") && !printed.contains(SECRET), "{kind}: {printed}");
        let status = env.run(&["status"]);
        assert!(status.status.success(), "{kind}: {}\n{}", text(&status.stderr), env.log());
        attack(&env, "rm -rf rules.d/theirs.toml");
    }
    // A file that changes while it is read, and many files.
    quiet_folder_is_served(&env);
    let swap = "cd rules.d; echo > x; mv x theirs.toml; mkfifo x; mv x theirs.toml; ln -s ../private x; mv -T x theirs.toml";
    let swapper = Repeated::start(&env, swap);
    for _ in 0..20 {
        let output = env.run(&["reload"]);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!([Some(0), Some(78)].contains(&output.status.code()), "{printed}");
    }
    drop(swapper);
    attack(&env, "rm -rf rules.d/*; cd rules.d; seq -f 'r%.0f.toml' 12000 | xargs touch");
    let printed = printed_texts(&env, "many");
    assert!(printed.len() < MOST, "{} bytes", printed.len());
    attack(&env, "cd rules.d; ls | xargs rm");
    wait_for("a reload", || env.run(&["reload"]).status.success().then_some(()))
        .unwrap_or_else(|| panic!("{}", text(&env.run(&["reload"]).stderr)));
    assert!(!env.log().contains("hunter2"), "{}", env.log());
    nothing_else_happened(&env, daemon);
}
