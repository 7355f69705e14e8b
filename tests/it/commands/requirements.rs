//! `check` and `run` report the same: what is wrong in the configuration and in its surroundings.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use crate::harness::{TestEnv, bytes, text, wait_for};

/// A change of the configuration or of its surroundings, and a part of the error.
type Case = (&'static str, fn(&TestEnv), &'static str);

/// CRC-64/NVME, the checksum of a line of the journal.
fn crc64(bytes: &[u8]) -> u64 {
    let shifted = |sum: u64, _| if sum & 1 == 1 { (sum >> 1) ^ 0x9a6c_9329_ac4b_c9b5 } else { sum >> 1 };
    !bytes.iter().fold(u64::MAX, |sum, byte| (0..8).fold(sum ^ u64::from(*byte), shifted))
}

/// Checks that `check` and `run` refuse the configuration and say so.
fn assert_refused(env: &TestEnv, what: &str, part: &str) {
    for command in [&["check"][..], &["run", "--until-idle"]] {
        let output = env.run(command);
        let (stdout, shown) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(78), "{what}: {command:?}: {stdout}{shown}");
        assert!(shown.contains(part), "{what}: {command:?}: {shown}");
    }
}

/// Changes a byte in the first of several lines of a journal whose database is lost.
fn damage_journal(env: &TestEnv) {
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    for command in ["pause", "resume"] {
        let output = env.run(&[command]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    std::fs::remove_dir_all(env.path("store/sled")).expect("removed");
    let journal = std::fs::read_dir(env.path("store/journal")).expect("a folder").next();
    let journal = journal.expect("a segment").expect("an entry").path();
    let mut lines = std::fs::read(&journal).expect("a journal");
    assert!(lines.iter().filter(|byte| **byte == b'\n').count() > 1);
    lines[0] ^= 1;
    std::fs::write(&journal, lines).expect("written");
}

const CASES: [Case; 19] = [
    (
        "a missing secret",
        |env| std::fs::remove_file(env.path("secret")).expect("removed"),
        "secret: No such file",
    ),
    (
        "an empty secret",
        |env| std::fs::write(env.path("secret"), "\n").expect("written"),
        "contains no secret",
    ),
    (
        "a missing root",
        |env| std::fs::remove_file(env.path("roots.pem")).expect("removed"),
        "roots.pem: No such file",
    ),
    (
        "a root that is none",
        |env| std::fs::write(env.path("roots.pem"), "x").expect("written"),
        "holds no certificate",
    ),
    (
        "a missing CA",
        |env| env.edit_configuration("[api]\n", "[api]\nca_file = \"no.pem\"\n"),
        "no.pem: No such file",
    ),
    (
        "two credentials",
        |env| env.edit_configuration("client_secret_file", "client_secret_env = \"X\"\nclient_secret_file"),
        "exactly one credential",
    ),
    (
        "an environment variable that is not set",
        |env| {
            env.edit_configuration(
                "client_secret_file = \"secret\"",
                "client_secret_env = \"DROPSHIP_NO_SUCH\"",
            )
        },
        "DROPSHIP_NO_SUCH is not set",
    ),
    (
        "a certificate without its key",
        |env| {
            env.edit_configuration(
                "client_secret_file = \"secret\"",
                "client_certificate_file = \"inter.pem\"",
            )
        },
        "private key cannot be read",
    ),
    (
        "a token file that is missing",
        |env| {
            env.edit_configuration("client_secret_file = \"secret\"", "federated_token_file = \"no.token\"")
        },
        "no.token: No such file",
    ),
    (
        "an account that does not exist",
        |env| env.edit_configuration("name = \"ring\"", "name = \"ring\"\naccount = \"other\""),
        "other",
    ),
    (
        "a secret of a webhook",
        |env| {
            env.edit_configuration(
                "[signers]",
                "[[notify]]\nname = \"chat\"\nurl = \"http://127.0.0.1:9/\"\nsecret_file = \"no\"\n[signers]",
            )
        },
        "notify `chat`: cannot read",
    ),
    (
        "a store of a newer version",
        |env| {
            std::fs::create_dir_all(env.path("store/journal")).expect("a folder");
            let line = br#"{"v":4000000,"seq":1,"at":"2026-01-01T00:00:00Z","entries":[]}"#;
            let text = [format!("{:016x} ", crc64(line)).as_bytes(), line, b"\n"].concat();
            std::fs::write(env.path("store/journal/00000001.jsonl"), text).expect("a journal");
        },
        "newer dropship",
    ),
    ("a damaged journal", |env| damage_journal(env), "the store is damaged"),
    (
        "a file in place of the journal",
        |env| {
            std::fs::create_dir(env.path("store")).expect("a folder");
            std::fs::write(env.path("store/journal"), "").expect("written");
        },
        "journal: Not a directory",
    ),
    (
        "a file in place of the socket",
        |env| std::fs::write(env.path("control.sock"), "").expect("written"),
        "control.sock exists and is not a socket",
    ),
    (
        "a folder of the socket that cannot be created",
        |env| env.edit_configuration("socket = \"control.sock\"", "socket = \"secret/control.sock\""),
        "[control] socket: cannot create",
    ),
    (
        "a file in place of the outbox",
        |env| std::fs::write(env.path("out"), "").expect("written"),
        "cannot write to the outbox",
    ),
    (
        "a file in place of the drop folder",
        |env| {
            std::fs::remove_dir(env.path("drop")).expect("removed");
            std::fs::write(env.path("drop"), "").expect("written");
        },
        "drop: Not a directory",
    ),
    (
        "a target of `after` that cannot be created",
        |env| {
            env.edit_configuration("settle = \"200ms\"", "after = \"move:secret/done\"\nsettle = \"200ms\"")
        },
        "`after` cannot write to",
    ),
];

#[test]
fn run_exits_78_for_everything_that_check_reports() {
    for (what, change, part) in CASES {
        let env = TestEnv::new();
        change(&env);
        assert_refused(&env, what, part);
    }
}

#[test]
fn port_in_use_is_an_error_unless_the_daemon_has_it() {
    let env = TestEnv::new();
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = other.local_addr().expect("an address");
    env.edit_configuration("[signers]", &format!("[metrics]\nlisten = \"{address}\"\n[signers]"));
    assert_refused(&env, "a port in use", &address.to_string());
    drop(other);
    let daemon = env.daemon(&[]);
    wait_for("the daemon", || env.run(&["rescan"]).status.success().then_some(())).expect("an answer");
    let output = env.run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    drop(daemon);
}

#[test]
fn check_reports_mistakes_and_surroundings_at_once() {
    let env = TestEnv::new();
    env.edit_configuration("settle = \"200ms\"", "setle = \"200ms\"");
    std::fs::remove_file(env.path("secret")).expect("removed");
    std::fs::remove_dir(env.path("drop")).expect("removed");
    std::fs::write(env.path("out"), "a file in place of the outbox").expect("written");
    let report = env.json(&["check"]);
    let shown = report["problems"].to_string();
    for part in ["setle", "secret", "outbox"] {
        assert!(shown.contains(part), "{part}: {report:#}");
    }
    assert_eq!(report["ok"], false);
    assert!(report["warnings"].to_string().contains("cannot read"), "{report:#}");
    // The daemon starts without a folder, which can come back, but not without the secret.
    let output = env.run(&["run", "--until-idle"]);
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{shown}");
    assert!(shown.contains("setle") && shown.contains("secret"), "{shown}");
}

#[test]
fn missing_folder_is_a_warning_and_is_used_as_soon_as_it_exists() {
    let env = TestEnv::new();
    std::fs::remove_dir(env.path("drop")).expect("removed");
    let output = env.run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("warning") && text(&output.stdout).contains("drop: No such file"));
    let daemon = env.daemon(&[]);
    wait_for("the daemon", || env.run(&["rescan"]).status.success().then_some(())).expect("an answer");
    std::fs::create_dir(env.path("drop")).expect("created");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    drop(daemon);
}

#[test]
fn unit_that_cannot_start_names_the_next_commands() {
    let env = TestEnv::new();
    std::fs::remove_file(env.path("secret")).expect("removed");
    let run = |in_unit: bool| {
        let mut command = env.command(&["run", "--until-idle"]);
        command.env_remove("INVOCATION_ID");
        if in_unit {
            command.env("INVOCATION_ID", "0123456789abcdef0123456789abcdef");
        }
        let output = command.output().expect("the command runs");
        assert_eq!(output.status.code(), Some(78));
        text(&output.stderr)
    };
    assert!(run(true).contains("systemctl reset-failed dropship"));
    assert!(!run(false).contains("systemctl"));
}

#[test]
fn check_leaves_no_file_behind() {
    let env = TestEnv::new();
    env.edit_configuration("settle = \"200ms\"", "after = \"move:done\"\nsettle = \"200ms\"");
    assert_eq!(env.run(&["check"]).status.code(), Some(0));
    let leftovers: Vec<_> = std::fs::read_dir(env.folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().contains("check"))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
    assert_eq!(std::fs::read_dir(env.path("drop")).expect("a folder").count(), 0);
}

/// A user without a name.
const OWNER: u32 = 61_236;

#[test]
fn check_by_root_checks_as_the_owner_of_the_store() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it gives a store to another user; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let env = TestEnv::new();
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(env.path(name), std::fs::Permissions::from_mode(mode)).expect("changed");
    };
    let own = |name: &str| chown(env.path(name), Some(OWNER), Some(OWNER)).expect("changed");
    for name in ["store", "out", "done"] {
        std::fs::create_dir(env.path(name)).expect("a folder");
        own(name);
    }
    env.edit_configuration("settle = \"200ms\"", "after = \"move:done\"\nsettle = \"200ms\"");
    env.edit_configuration("control.sock", "store/control.sock");
    own("drop");
    mode("", 0o755);
    mode("secret", 0o644);
    let good = env.json(&["check"]);
    assert_eq!((&good["ok"], &good["user"]), (&true.into(), &format!("uid {OWNER}").into()), "{good:#}");
    let text = text(&env.run(&["check"]).stdout);
    assert!(text.contains(&format!("checked as uid {OWNER}")), "{text}");
    let text = crate::harness::text;
    // Each of these is fine for root, and not for the daemon.
    std::fs::create_dir(env.path("store/packages")).expect("a folder");
    own("store/packages");
    let cases: [(&str, u32, &str); 9] = [
        ("secret", 0o600, "secret: Permission denied"),
        ("roots.pem", 0o600, "roots.pem: Permission denied"),
        ("dropship.toml", 0o600, "dropship.toml"),
        ("drop", 0o300, "drop: Permission denied"),
        ("store", 0o500, "cannot write to"),
        ("store/packages", 0o500, "store/packages: Permission denied"),
        ("drop", 0o500, "`after` cannot remove files"),
        ("done", 0o500, "`after` cannot write to"),
        ("out", 0o500, "cannot write to the outbox"),
    ];
    for (name, closed, part) in cases {
        let before = std::fs::metadata(env.path(name)).expect("it exists").permissions().mode();
        mode(name, closed);
        let report = env.json(&["check"]);
        assert!(report["problems"].to_string().contains(part), "{name}: {report:#}");
        assert_eq!(env.run(&["check"]).status.code(), Some(78), "{name}");
        let mut daemon = env.command(&["run", "--until-idle"]);
        let output = daemon.uid(OWNER).gid(OWNER).output().expect("the command runs");
        let shown = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{name}: {shown}");
        assert!(shown.contains(part), "{name}: {shown}");
        mode(name, before & 0o777);
    }
    assert_eq!(env.run(&["check"]).status.code(), Some(0));
}
