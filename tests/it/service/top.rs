//! `top` on a pseudo-terminal.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};

/// The output that a terminal has received.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    /// Reads a terminal until its other end is closed.
    fn of(mut terminal: File) -> Self {
        let screen = Self::default();
        let seen = screen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(size @ 1..) = terminal.read(&mut buffer) {
                seen.0.lock().extend_from_slice(&buffer[..size]);
            }
        });
        screen
    }

    fn shows(&self, wanted: &[&str]) {
        let all = || wanted.iter().all(|wanted| self.last().contains(wanted)).then_some(());
        wait_for("the screen", all).unwrap_or_else(|| panic!("{wanted:?} not in: {}", self.last()));
    }

    /// The last complete screen. Each begins at the top left and ends by clearing the rest.
    fn last(&self) -> String {
        let all = text(&self.0.lock());
        let whole = all.rfind("\x1b[J").map_or("", |end| &all[..end]);
        whole.rsplit("\x1b[H").next().unwrap_or_default().to_owned()
    }
}

#[test]
fn top_shows_job_changes_and_ends_when_interrupted() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    wait_for("the daemon", || env.path("control.sock").exists().then_some(())).expect("a socket");
    env.json(&["pause"]);
    let terminal = nix::pty::openpty(None, None).expect("a terminal");
    let mut command = env.command(&["top", "--every", "50ms"]);
    command.stdin(Stdio::null()).stdout(terminal.slave);
    let top = TestDaemon { child: command.spawn().expect("it starts") };
    // The child has the terminal open too, so it would not be closed.
    drop(command);
    let screen = Screen::of(File::from(terminal.master));
    screen.shows(&["JOB", "PACKAGE", "PAUSED: everything"]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    screen.shows(&["echo.cab", "product"]);
    env.json(&["resume"]);
    screen.shows(&["echo.cab", "succeeded"]);
    let interrupt = Command::new("kill").args(["-INT", &top.child.id().to_string()]).status();
    assert!(interrupt.expect("kill runs").success());
    assert_eq!(top.wait(), Some(0));
    assert_eq!(daemon.terminate(), Some(0));
}
