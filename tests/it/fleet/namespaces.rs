//! Network namespaces: networks of a test's own, which lose packets when it wants.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::harness::text;

/// What the names of all namespaces begin with; the number of the process follows.
const PREFIX: &str = "dropship-test-";

/// Runs `ip` with these arguments.
pub(super) fn ip(args: &str) {
    let done = Command::new("ip").args(args.split(' ')).output().expect("ip runs");
    assert!(done.status.success(), "ip {args}: {}", text(&done.stderr));
}

/// A network namespace. It ends when this is dropped.
pub(super) struct Namespace {
    pub(super) name: String,
}

impl Namespace {
    /// A new one. Deletes those of processes that were killed.
    pub(super) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let namespaces = fs::read_dir("/run/netns").into_iter().flatten().flatten();
        for name in namespaces.filter_map(|item| item.file_name().into_string().ok()) {
            let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
            let process = process.and_then(|process| process.parse::<u32>().ok());
            if process.is_some_and(|process| !fs::exists(format!("/proc/{process}")).is_ok_and(|is| is)) {
                drop(Command::new("ip").args(["netns", "del", &name]).output());
            }
        }
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        // One that an earlier process with this number has left.
        drop(Command::new("ip").args(["netns", "del", &name]).output());
        ip(&format!("netns add {name}"));
        let namespace = Self { name };
        ip(&format!("-n {} link set lo up", namespace.name));
        namespace
    }

    fn path(&self) -> String {
        format!("/run/netns/{}", self.name)
    }

    /// A listener that only processes in this network reach.
    pub(super) fn listener(&self, address: SocketAddr) -> TcpListener {
        let file = File::open(self.path()).expect("the namespace");
        let listen = move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may");
            TcpListener::bind(address).expect("a free port")
        };
        // A thread of its own: it does not come back.
        std::thread::spawn(listen).join().expect("it listens")
    }

    /// A command that runs a program in this network. The process is that of the program.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path())).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(Command::new("ip").args(["netns", "del", &self.name]).status());
    }
}
