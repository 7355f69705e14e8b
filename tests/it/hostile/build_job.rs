//! The build job: a user of its own with a shell.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use crate::harness::{TestEnv, text};

/// A uid and gid without a user.
pub(super) const STRANGER: u32 = 61_236;

/// Whether these tests cannot run.
pub(super) fn is_not_root() -> bool {
    let lacks = std::env::var_os("DROPSHIP_ROOT_TESTS").is_none();
    if lacks {
        eprintln!("not run: it acts as another user, which needs root; set DROPSHIP_ROOT_TESTS=1");
    }
    lacks
}

/// A shell of the build job, in the environment's folder.
pub(super) fn shell(env: &TestEnv, script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(env.folder.path()).uid(STRANGER).gid(STRANGER);
    command
}

/// Runs a script of the build job, which must succeed.
pub(super) fn attack(env: &TestEnv, script: &str) {
    let output = shell(env, &format!("set -e; {script}")).output().expect("a shell");
    assert!(output.status.success(), "{script}: {}", text(&output.stderr));
}

/// A script that the build job repeats until this is dropped.
pub(super) struct Repeated(Child);

impl Repeated {
    pub(super) fn start(env: &TestEnv, script: &str) -> Self {
        // A process group of its own, because the shell may be waiting for a program.
        let script = format!("while :; do {script}; done 2>/dev/null");
        Self(shell(env, &script).process_group(0).spawn().expect("a shell"))
    }
}

impl Drop for Repeated {
    fn drop(&mut self) {
        let group = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
        drop(self.0.wait());
    }
}
