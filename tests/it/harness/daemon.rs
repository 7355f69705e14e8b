//! A daemon process under test.

use std::process::{Child, Command};

use super::wait_for;

/// A running daemon. Dropping it kills the process.
pub(crate) struct TestDaemon {
    pub(crate) child: Child,
}

impl TestDaemon {
    /// Kills the process with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Sends SIGTERM and returns the exit code.
    pub(crate) fn terminate(self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().expect("kill runs").success());
        self.wait()
    }

    /// Waits until the daemon exits; `None` after [`TIME_LIMIT`](super::TIME_LIMIT).
    pub(crate) fn wait(mut self) -> Option<i32> {
        wait_for("the daemon to end", || self.child.try_wait().expect("asked"))
            .and_then(|status| status.code())
    }
}

impl Drop for TestDaemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
