//! A local user who submits packages under names that no file has.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::build_job::{is_not_root, shell};
use super::environment::{attacked_env, is_up, nothing_else_happened, start, wait_for_state};
use crate::harness::{bytes, text, wait_for};

/// Submits the package in the standard input under each of the names, which are arguments, and prints the status of each answer.
const SUBMIT: &str = r#"
import socket, sys, urllib.parse
package = sys.stdin.buffer.read()
for number, name in enumerate(sys.argv[2:]):
    name = name.encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1", "replace")
    target = "/v1/submit?name=" + urllib.parse.quote(name, safe="")
    body = package + bytes([number])
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(sys.argv[1])
    connection.sendall(head.encode() + body)
    print(connection.recv(100).split(b" ")[1].decode(), flush=True)
"#;

/// As Python escapes them.
const NAMES: [&str; 12] = [
    "../../outside/x.cab",
    "/outside/x.cab",
    "..",
    ".cab",
    "",
    "a\\x00.cab",
    "line\\none.cab",
    "red\\x1b[31m.cab",
    "\\xe2\\x80\\xaeevil.cab",
    "\\xff\\xfe.cab",
    "=HYPERLINK(1).cab",
    "<script>.cab",
];

#[test]
fn root_names_of_submitted_packages_lead_nowhere() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    let daemon = start(&env, "warn");
    is_up(&env);
    fs::set_permissions(env.path("control.sock"), fs::Permissions::from_mode(0o666)).expect("opened");
    fs::write(env.path("submit.py"), SUBMIT).expect("written");
    fs::write(env.path("package"), bytes("cab/unsigned.cab")).expect("written");
    let long = format!("{}.cab", "x".repeat(240));
    let arguments = NAMES.into_iter().chain([&*long]).map(|name| format!("'{name}'")).collect::<Vec<_>>();
    let script = format!("python3 submit.py control.sock {} <package", arguments.join(" "));
    let output = shell(&env, &script).output().expect("a shell");
    let statuses = text(&output.stdout);
    assert_eq!(
        statuses.lines().count(),
        arguments.len(),
        "{statuses}{}\n{}",
        text(&output.stderr),
        env.log()
    );
    assert!(statuses.lines().all(|status| ["200", "400", "409", "500"].contains(&status)), "{statuses}");
    // A long name is a name.
    wait_for_state(&env, &long, "rejected");
    // Nothing that is shown has a control character or a hidden one.
    wait_for("an answer", || {
        for args in [&["jobs"][..], &["status"], &["top", "--once"]] {
            let shown = text(&env.run(args).stdout);
            let is_odd = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!shown.contains(is_odd), "{args:?}: {shown:?}");
        }
        Some(())
    });
    nothing_else_happened(&env, daemon);
}
