//! Everything that a build job can put under a name: in the target of `after`, and beside a package.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::build_job::{attack, is_not_root};
use super::environment::{
    attacked_env, is_up, nothing_else_happened, quiet_folder_is_served, start, wait_for_state,
};
use crate::harness::{TestEnv, bytes, wait_for};

/// The kinds of files, and the script by which the build job makes one at `$P`, which is in a folder of the environment.
const KINDS: [(&str, &str); 10] = [
    ("fifo", "mkfifo $P"),
    ("link", "ln -s ../outside/file $P"),
    ("dangling", "ln -s ../outside/new $P"),
    ("loop", "ln -s $(basename $P) $P"),
    ("socket", "python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' $P"),
    ("foreign", "echo foreign > $P"),
    ("unreadable", "echo foreign > $P; chmod 000 $P"),
    ("sparse", "truncate -s 100G $P"),
    ("folder", "mkdir $P; echo foreign > $P/file"),
    ("hardlink", "echo foreign > $P.one; ln $P.one $P"),
];

/// Makes a file of a kind, or a device.
fn make(env: &TestEnv, kind: &str, path: &str) {
    match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, script)) => attack(env, &script.replace("$P", path)),
        // A device that never ends. Only root can make it.
        None => {
            let status =
                Command::new("mknod").arg(env.path(path)).args(["-m", "666", "c", "1", "5"]).status();
            assert!(status.expect("mknod runs").success());
        }
    }
}

fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _)| *kind).chain(["device"])
}

/// A folder that everybody can write to.
fn open_folder(env: &TestEnv, name: &str) {
    fs::create_dir(env.path(name)).expect("a folder");
    fs::set_permissions(env.path(name), fs::Permissions::from_mode(0o777)).expect("a mode");
}

/// The names in a folder, and what they are: a replaced file has another inode, a written one another time.
fn content(folder: &Path) -> Vec<(PathBuf, u64, i64, i64)> {
    let entries = fs::read_dir(folder).expect("listed").flatten();
    let entry = |path: PathBuf| {
        let meta = fs::symlink_metadata(&path).expect("it is there");
        (path, meta.ino(), meta.mtime(), meta.mtime_nsec())
    };
    let mut content: Vec<_> = entries.map(|item| entry(item.path())).collect();
    content.sort();
    content
}

#[test]
fn root_names_that_are_taken_in_the_target_of_after_are_left_alone() {
    if is_not_root() {
        return;
    }
    let folder = |kind: &str| {
        format!(
            "[[folder]]\nname = \"{kind}\"\npath = \"from-{kind}\"\nsettle = \"200ms\"\npoll = \"1s\"\nafter = \"move:to-{kind}\"\n"
        )
    };
    let env = attacked_env("", &kinds().map(folder).collect::<String>());
    let good = bytes("cab/good-signed.cab");
    let digest: String = Sha256::digest(&good).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let mut before = Vec::new();
    for kind in kinds() {
        open_folder(&env, &format!("from-{kind}"));
        open_folder(&env, &format!("to-{kind}"));
        for name in [
            format!("{kind}.cab"),
            format!("{kind}-{digest}.cab"),
            format!(".{kind}.cab.0123456789abcdef.part"),
            format!(".{kind}-{digest}-1.cab.0123456789abcdef.part"),
        ] {
            make(&env, kind, &format!("to-{kind}/{name}"));
        }
        before.push((kind, content(&env.path(&format!("to-{kind}")))));
    }
    let daemon = start(&env, "trace");
    is_up(&env);
    for kind in kinds() {
        fs::write(env.path(&format!("from-{kind}/{kind}.cab")), &good).expect("written");
    }
    for (kind, before) in before {
        wait_for_state(&env, &format!("{kind}.cab"), "succeeded");
        let moved = env.path(&format!("to-{kind}/{kind}-{digest}-1.cab"));
        wait_for("the file to be moved", || moved.exists().then_some(()))
            .unwrap_or_else(|| panic!("{kind}: {}", env.log()));
        assert_eq!(fs::read(&moved).expect("read"), good, "{kind}");
        assert!(!env.path(&format!("from-{kind}/{kind}.cab")).exists(), "{kind}");
        let mut after = content(&env.path(&format!("to-{kind}")));
        after.retain(|(path, ..)| *path != moved);
        assert_eq!(after, before, "{kind}");
    }
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_strange_files_beside_a_package_are_not_read() {
    if is_not_root() {
        return;
    }
    let folder = |ready: &str| {
        let name = ready.trim_start_matches('.');
        format!(
            "[[folder]]\nname = \"{name}\"\npath = \"{name}\"\nsettle = \"200ms\"\npoll = \"1s\"\nready = \"sidecar:{ready}\"\n"
        )
    };
    let env = attacked_env("", &[".sha256", ".toml"].map(folder).concat());
    let daemon = start(&env, "trace");
    is_up(&env);
    for ready in ["sha256", "toml"] {
        open_folder(&env, ready);
        for kind in kinds() {
            make(&env, kind, &format!("{ready}/{ready}-{kind}.cab.{ready}"));
            let junk = format!("no cabinet: {ready} {kind}");
            fs::write(env.path(&format!("{ready}/{ready}-{kind}.cab")), junk).expect("written");
        }
    }
    quiet_folder_is_served(&env);
    // The folders still work: a package with a regular file beside it gets its verdict.
    for ready in ["sha256", "toml"] {
        let junk = format!("no cabinet: {ready} last");
        let sha256: String = Sha256::digest(&junk).iter().map(|byte| format!("{byte:02x}")).collect();
        let beside = if ready == "toml" { String::new() } else { format!("{sha256}  {ready}-last.cab\n") };
        fs::write(env.path(&format!("{ready}/{ready}-last.cab")), junk).expect("written");
        fs::write(env.path(&format!("{ready}/{ready}-last.cab.{ready}")), beside).expect("written");
        wait_for_state(&env, &format!("{ready}-last.cab"), "rejected");
    }
    assert_eq!(env.created(), (1, 1, 1), "of the folder that is not attacked");
    nothing_else_happened(&env, daemon);
}
