//! A file system that does not respond: FUSE without, or almost without, a server.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use super::environment::{DAEMON, Mount};

/// Codes of requests (`linux/fuse.h`).
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const READ: u32 = 15;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;

const NO_SUCH_CALL: i32 = -38;
const INTERRUPTED: i32 = -4;

/// A mount that hangs. Everything that waits for it fails when this is dropped.
pub(super) struct HungMount {
    mount: Option<Mount>,
    device: Option<File>,
    server: Option<JoinHandle<()>>,
}

impl HungMount {
    /// Mounts a folder. Every access hangs.
    pub(super) fn folder(path: &Path) -> Self {
        std::fs::create_dir_all(path).expect("a folder");
        let (device, mount) = mount(path, "40000");
        Self { mount: Some(mount), device: Some(device), server: None }
    }

    /// Mounts a file of this size. It can be opened, and every read hangs.
    pub(super) fn file(path: &Path, size: u64) -> Self {
        File::create_new(path).expect("a file");
        let (device, mount) = mount(path, "100000");
        let server = device.try_clone().expect("a descriptor");
        let server = std::thread::spawn(move || serve_all_but_reads(server, size));
        Self { mount: Some(mount), device: Some(device), server: Some(server) }
    }
}

impl Drop for HungMount {
    fn drop(&mut self) {
        // Ends the connection, and with it every request and the server.
        if let Some(mount) = &self.mount {
            mount.force();
        }
        self.device = None;
        self.mount = None;
        if let Some(server) = self.server.take() {
            drop(server.join());
        }
    }
}

fn mount(path: &Path, root_mode: &str) -> (File, Mount) {
    let device = File::options().read(true).write(true).open("/dev/fuse").expect("/dev/fuse");
    let options = format!("fd=0,rootmode={root_mode},user_id=0,group_id=0,allow_other");
    let mut command = Command::new("mount");
    command.args(["-i", "-t", "fuse", "-o", &options, "hung"]).arg(path);
    command.stdin(Stdio::from(device.try_clone().expect("a descriptor")));
    let mount = Mount::run(&mut command, path);
    (device, mount)
}

fn serve_all_but_reads(mut device: File, size: u64) {
    let mut request = vec![0; 1 << 20];
    while let Ok(length @ 40..) = device.read(&mut request) {
        let word = |at: usize| {
            let bytes = request[..length].get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            u32::from_ne_bytes(bytes.expect("four bytes"))
        };
        let (code, mut unique) = (word(4), [word(8), word(12)]);
        let reply = match code {
            READ | FORGET => continue,
            // A process that is killed ends, as with a network share.
            INTERRUPT => {
                unique = [word(40), word(44)];
                Err(INTERRUPTED)
            }
            INIT => Ok(words(&[7, 31, 1 << 16, 0, 0, 1 << 16, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
            GETATTR => Ok(attributes(size)),
            OPEN => Ok(words(&[0; 4])),
            _ => Err(NO_SUCH_CALL),
        };
        let (error, body) = match reply {
            Ok(body) => (0, body),
            Err(error) => (error, Vec::new()),
        };
        let total = u32::try_from(16 + body.len()).expect("small");
        let mut answer = words(&[total, error.cast_unsigned(), unique[0], unique[1]]);
        answer.extend(body);
        // Fails if the request was interrupted.
        drop(device.write(&answer));
    }
}

/// `fuse_attr_out`: attributes of a regular file that others can read, which are not cached.
fn attributes(size: u64) -> Vec<u8> {
    let (low, high) = (size as u32, (size >> 32) as u32);
    let validity = [0, 0, 0, 0];
    let times = [1_700_000_000, 0, 1_700_000_000, 0, 1_700_000_000, 0, 0, 0, 0];
    let rest = [0o100_644, 1, DAEMON, DAEMON, 0, 4096, 0];
    words(&[&validity[..], &[1, 0, low, high, 8, 0], &times, &rest].concat())
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}
