//! A control socket that is gone, foreign or closed while the daemon runs: commands say so at once.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::http::is_up;
use crate::harness::{TestEnv, bytes, text};

/// Answers every connection with these bytes, after the request.
fn serve_answer(path: &Path, answer: &'static [u8]) {
    let listener = UnixListener::bind(path).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            drop(stream.read(&mut [0; 1024]));
            drop(stream.write_all(answer));
        }
    });
}

#[test]
fn socket_that_is_lost_while_the_daemon_runs_ends_commands_with_69() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    is_up(&env);
    let socket = env.path("control.sock");
    let package = env.path("mine.cab");
    std::fs::write(&package, bytes("cab/good-signed.cab")).expect("a package");
    let package = package.display().to_string();
    let pid = format!("(pid {})", daemon.child.id());
    type Change = fn(&Path);
    let ways: [(&str, Change, &[&str]); 7] = [
        ("removed", |_| {}, &["is gone", &pid, "runs", "systemctl restart"]),
        ("file", |path| std::fs::write(path, "x").expect("written"), &["is not a socket", &pid]),
        ("folder", |path| std::fs::create_dir(path).expect("created"), &["is not a socket", &pid]),
        ("link", |path| std::os::unix::fs::symlink("gone", path).expect("linked"), &["is gone", &pid]),
        ("closed", |path| drop(UnixListener::bind(path).expect("bound")), &["was replaced", &pid]),
        (
            "foreign",
            |path| serve_answer(path, b"220 mail.example.com\r\n"),
            &["does not answer as a dropship daemon"],
        ),
        ("mute", |path| serve_answer(path, b""), &["closed the connection without an answer"]),
    ];
    for (way, change, said) in ways {
        drop(std::fs::remove_file(&socket));
        drop(std::fs::remove_dir(&socket));
        change(&socket);
        for command in
            [&["status"][..], &["status", "--check"], &["jobs"], &["submit", &package], &["reload"]]
        {
            let output = env.run(command);
            let message = text(&output.stderr);
            assert_eq!(output.status.code(), Some(69), "{way}: {command:?}: {message}");
            assert!(text(&output.stdout).is_empty() && message.lines().count() == 1, "{way}: {message}");
            for said in said {
                assert!(message.contains(said), "{way}: {command:?}: {message}");
            }
        }
        assert_eq!(env.json(&["wait", &package])["error"]["kind"], "unreachable", "{way}");
    }
    // The daemon itself goes on.
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    // The store is free again: it is read without a daemon.
    let output = env.run(&["jobs"]);
    assert_eq!(output.status.code(), Some(69));
    assert!(text(&output.stdout).contains("echo.cab"), "{}", text(&output.stderr));
}
