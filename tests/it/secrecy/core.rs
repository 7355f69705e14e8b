//! A crash writes no memory of the daemon, which holds tokens, to a core file.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::harness::{TestEnv, wait_for};

#[test]
fn daemon_that_crashes_leaves_no_core_file() {
    let env = TestEnv::new();
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -c unlimited; {script}")]).current_dir(env.folder.path());
        command
    };
    let control = shell("kill -ABRT $$").status().expect("a shell");
    if !control.core_dumped() {
        eprintln!("not run: this machine writes no core files");
        return;
    }
    let mut daemon = shell("exec \"$0\" --config dropship.toml run 2>daemon.log");
    let mut daemon = daemon.arg(env!("CARGO_BIN_EXE_dropship")).spawn().expect("the daemon starts");
    wait_for("the daemon to listen", || env.run(&["status"]).status.success().then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let id = daemon.id().to_string();
    assert!(Command::new("kill").args(["-ABRT", &id]).status().expect("kill runs").success());
    let status = wait_for("the crash", || daemon.try_wait().expect("asked")).expect("it has crashed");
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}
