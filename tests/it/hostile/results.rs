//! Results under the umask of the unit.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use super::build_job::{attack, is_not_root};
use super::environment::{attacked_env, configure, mount, nothing_else_happened, start, wait_for_state};
use crate::harness::{bytes, wait_for};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o7777
}

#[test]
fn root_results_are_readable_for_others_whatever_the_umask_is() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("outbox_mode = \"0644\"\nafter = \"move:done\"", "");
    configure(&env, "outbox = \"out\"", "outbox = \"new/deep/out\"");
    // `after` moves to another file system.
    let disk = mount(&env, "done", "64m");
    let fifo = env.path("done/echo.cab");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let daemon = start(&env, "trace");
    let good = bytes("cab/good-signed-ts.cab");
    fs::write(env.path("outside/start"), &good).expect("written");
    fs::set_permissions(env.path("outside/start"), fs::Permissions::from_mode(0o644)).expect("a mode");
    attack(&env, "cp outside/start drop/echo.cab.part; mv drop/echo.cab.part drop/echo.cab");
    fs::remove_file(env.path("outside/start")).expect("removed");
    let done = wait_for_state(&env, "echo.cab", "succeeded");
    for folder in ["new", "new/deep", "new/deep/out"] {
        assert_eq!(mode(&env.path(folder)), 0o755, "{folder}");
    }
    let folder = Path::new(done["outbox"].as_str().expect("a folder"));
    assert_eq!(mode(folder), 0o755);
    for file in ["receipt.json", "signed.zip", "driver-metadata.json"] {
        assert_eq!(mode(&folder.join(file)), 0o644, "{file}");
    }
    let moved = wait_for("the dropped file to be moved", || {
        let files = fs::read_dir(env.path("done")).expect("listed").flatten().map(|entry| entry.path());
        files.into_iter().find(|path| path.is_file() && path.extension().is_some_and(|end| end == "cab"))
    });
    let moved = moved.unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(fs::read(&moved).expect("read"), good);
    assert_eq!(mode(&moved), 0o644);
    wait_for("the dropped file to be gone", || (!env.path("drop/echo.cab").exists()).then_some(()))
        .expect("gone");
    nothing_else_happened(&env, daemon);
    drop(disk);
}
