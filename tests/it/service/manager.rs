//! The service manager's side of the notify socket.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::harness::{TestDaemon, TestEnv, text, wait_for};

/// A socket that receives the daemon's notifications.
pub(super) struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    pub(super) received: Vec<String>,
}

impl Manager {
    pub(super) fn of(env: &TestEnv) -> Self {
        let path = env.path("notify.sock");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        Self { socket, path, received: Vec::new() }
    }

    /// Starts a daemon with the variables that systemd sets.
    pub(super) fn start(&self, env: &TestEnv, watchdog: Option<Duration>) -> TestDaemon {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(env.path("daemon.log"));
        let mut command: Command = env.command(&["run"]);
        command.env("NOTIFY_SOCKET", &self.path).env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
        if let Some(watchdog) = watchdog {
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        TestDaemon { child: command.stderr(log.expect("a log")).spawn().expect("the daemon starts") }
    }

    /// Receives the next message; `None` if there is none within this time.
    pub(super) fn receive(&mut self, within: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(within)).expect("a timeout");
        let mut buffer = [0; 4096];
        let size = self.socket.recv(&mut buffer).ok()?;
        let message = text(&buffer[..size]);
        self.received.push(message.clone());
        Some(message)
    }

    /// Waits for a line that matches, and returns it.
    pub(super) fn expect(&mut self, is_expected: impl Fn(&str) -> bool) -> String {
        let found = wait_for("a notification", || {
            let message = self.receive(Duration::from_millis(100))?;
            message.lines().find(|line| is_expected(line)).map(str::to_owned)
        });
        found.unwrap_or_else(|| panic!("not received; messages so far: {:#?}", self.received))
    }

    /// Discards the messages received so far.
    pub(super) fn catch_up(&mut self) {
        while self.receive(Duration::from_millis(1)).is_some() {}
    }
}

/// Stops threads of a daemon until it is dropped; all other threads keep running.
pub(super) struct Frozen(Vec<Pid>);

impl Frozen {
    /// Whether this process may trace a daemon. The daemon is not dumpable, so only root may.
    pub(super) fn is_permitted() -> bool {
        let is_permitted = rustix::process::geteuid().is_root();
        if !is_permitted {
            eprintln!("not run: it freezes threads of the daemon, which needs root");
        }
        is_permitted
    }

    /// Freezes the threads of this name.
    pub(super) fn threads(daemon: &TestDaemon, name: &str) -> Self {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.child.id())).expect("its threads");
        let mut frozen = Vec::new();
        for task in tasks.map(|task| task.expect("a thread")) {
            let called = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if called.trim_end() == name {
                let id = Pid::from_raw(task.file_name().to_string_lossy().parse().expect("a number"));
                ptrace::seize(id, ptrace::Options::empty()).expect("seized");
                ptrace::interrupt(id).expect("interrupted");
                waitpid(id, Some(WaitPidFlag::__WALL)).expect("stopped");
                frozen.push(id);
            }
        }
        assert!(!frozen.is_empty(), "no thread is called {name}");
        Self(frozen)
    }
}

impl Frozen {
    /// Waits until the daemon has ended. The kernel keeps a process until its tracer has waited for the threads.
    pub(super) fn ended_with(mut self, daemon: TestDaemon) -> Option<i32> {
        wait_for("the end of the frozen threads", || {
            self.0.retain(|thread| {
                let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
                matches!(
                    waitpid(*thread, Some(flags)),
                    Ok(WaitStatus::StillAlive | WaitStatus::PtraceEvent(..))
                )
            });
            self.0.is_empty().then_some(())
        })?;
        daemon.wait()
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for thread in &self.0 {
            // Fails if the daemon was killed.
            ptrace::detach(*thread, None).ok();
        }
    }
}
