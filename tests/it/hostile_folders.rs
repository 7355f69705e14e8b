//! More attacks of a build job on its folders, against a daemon that runs as a user of its own, as the unit does.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};
use crate::hostile::{
    Swapper, Unmount, attack, attacked, job, not_root, nothing_else_happened, shell, wait_for_state,
};

/// A uid and gid without a user: the daemon.
const DAEMON: u32 = 61_237;

/// The attacked environment, in which the folder `in` has these settings in addition, and the daemon's user owns its folders.
fn environment(settings: &str) -> TestEnv {
    let env = attacked("");
    let configuration = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let configuration = configuration.replacen("poll = \"1s\"\n", &format!("poll = \"1s\"\n{settings}\n"), 1);
    fs::write(env.path("dropship.toml"), configuration).expect("written");
    for folder in ["", "out", "quiet", "store"] {
        fs::create_dir_all(env.path(folder)).expect("a folder");
        chown(env.path(folder), Some(DAEMON), Some(DAEMON)).expect("an owner");
    }
    let binary = env!("CARGO_BIN_EXE_dropship");
    if fs::hard_link(binary, env.path("dropship")).is_err() {
        fs::copy(binary, env.path("dropship")).expect("a copy");
    }
    env
}

/// Starts the daemon as its user, with the umask of the unit. It logs at this level.
fn start(env: &TestEnv, level: &str) -> TestDaemon {
    let log = fs::OpenOptions::new().create(true).append(true).open(env.path("daemon.log")).expect("a log");
    let script = format!("umask 0077; exec ./dropship --config dropship.toml run --log-level {level}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(env.folder.path()).uid(DAEMON).gid(DAEMON);
    command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
    TestDaemon { child: command.stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts") }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o7777
}

fn mount(env: &TestEnv, folder: &str, size: &str) -> Unmount {
    fs::create_dir_all(env.path(folder)).expect("a folder");
    let options = format!("size={size},uid={DAEMON},gid={DAEMON},mode=0755");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(env.path(folder));
    assert!({ mounted }.status().expect("mount runs").success());
    Unmount(env.path(folder))
}

#[test]
fn root_swapped_subfolders_show_nothing_outside() {
    if not_root() {
        return;
    }
    let env = environment("recursive = true\nafter = \"delete\"");
    let good = bytes("cab/good-signed-ts.cab");
    fs::create_dir(env.path("elsewhere")).expect("a folder");
    fs::write(env.path("elsewhere/stolen.cab"), &good).expect("written");
    let daemon = start(&env, "trace");
    let swap = "while :; do mkdir -p drop/sub/below; echo junk > drop/sub/below/stolen.cab; mv -T drop/sub drop/was; \
                ln -s ../elsewhere drop/sub; mv -T drop/sub drop/link; mkdir drop/sub; ln -s ../../elsewhere drop/sub/below; \
                rm -rf drop/sub drop/link drop/was; done 2>/dev/null";
    let mut swapper = Swapper(shell(&env, swap).spawn().expect("a shell"));
    for number in 0..10 {
        attack(&env, &format!("mkdir drop/d{number}; echo junk {number} > drop/d{number}/j{number}.cab"));
        wait_for_state(&env, &format!("j{number}.cab"), "rejected");
    }
    swapper.stop();
    assert_eq!(fs::read(env.path("elsewhere/stolen.cab")).expect("it is there"), good);
    let stolen = job(&env, "stolen.cab");
    assert!(stolen.as_ref().is_none_or(|job| job["state"] == "rejected"), "{stolen:?}");
    assert_eq!(env.created(), (0, 0, 0), "the package outside is not read");
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_strange_files_stop_no_other_folder() {
    if not_root() {
        return;
    }
    let env = environment("recursive = true");
    let daemon = start(&env, "warn");
    wait_for("the daemon", || env.path("control.sock").exists().then_some(())).expect("started");
    // The daemon's own files, under a name in the drop folder.
    let journal = fs::read_dir(env.path("store")).expect("listed").flatten();
    let journal = journal.map(|entry| entry.path()).find(|path| path.is_file()).expect("a file of the store");
    fs::hard_link(&journal, env.path("drop/own.cab")).expect("linked");
    for (name, kind) in
        [("null.cab", ["c", "1", "3"]), ("zero.cab", ["c", "1", "5"]), ("block.cab", ["b", "7", "0"])]
    {
        let made = Command::new("mknod").arg(env.path("drop").join(name)).args(kind).status();
        assert!(made.expect("mknod runs").success());
    }
    attack(
        &env,
        "cd drop; n=$(printf 'n%.0s' $(seq 251)); echo junk > $n.cab; mkfifo fifo.cab; ln -s ../outside/file link.cab; \
         ln -s loop.cab loop.cab; mkdir folder.cab; mkdir -p $(printf 'd/%.0s' $(seq 300)); \
         echo junk > $(printf 'd/%.0s' $(seq 20))deep.cab; echo junk > closed.cab; chmod 000 closed.cab; \
         mkdir closed; chmod 000 closed; for i in $(seq 50); do mkdir -m 000 closed$i; done; truncate -s 100G sparse.cab; \
         seq -f 'j%.0f.cab' 30000 | xargs touch; seq -f 'other%.0f.txt' 70000 | xargs touch",
    );
    let grow = "while :; do head -c 4096 /dev/urandom >> drop/grow.cab; sleep 0.01; done";
    let cut = "while :; do truncate -s 30M drop/cut.cab; truncate -s 1 drop/cut.cab; cp drop/cut.cab drop/cut2.cab; \
               mv drop/cut2.cab drop/cut3.cab; chmod 000 drop/cut3.cab; done 2>/dev/null";
    let loops = [grow, cut].map(|script| Swapper(shell(&env, script).spawn().expect("a shell")));
    wait_for_state(&env, "deep.cab", "rejected");
    wait_for_state(&env, "sparse.cab", "rejected");
    let status = text(&env.run(&["status"]).stdout);
    assert!(status.contains("closed"), "the folder that cannot be read is shown: {status}");
    nothing_else_happened(&env, daemon);
    drop(loops);
}

#[test]
fn root_results_are_readable_for_others_whatever_the_umask_is() {
    if not_root() {
        return;
    }
    let env = environment("outbox_mode = \"0644\"\nafter = \"move:done\"");
    let configuration = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let configuration = configuration.replacen("outbox = \"out\"", "outbox = \"new/deep/out\"", 1);
    fs::write(env.path("dropship.toml"), configuration).expect("written");
    // `after` moves to another file system.
    let unmount = mount(&env, "done", "64m");
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
    drop(unmount);
}

#[test]
fn root_daemon_starts_and_ends_on_a_full_disk() {
    if not_root() {
        return;
    }
    let env = environment("");
    let unmount = mount(&env, "store", "400m");
    let fill = || {
        // Stored bytes: zeros could stay holes.
        let script = "head -c 500M /dev/urandom > store/fill 2>/dev/null; head -c 64k /dev/urandom >> store/fill2 2>/dev/null; true";
        let filled = Command::new("sh").args(["-c", script]).current_dir(env.folder.path()).status();
        assert!(filled.expect("a shell").success());
    };
    let free = || ["store/fill", "store/fill2"].map(|file| fs::remove_file(env.path(file)).ok());
    let ready = |times: usize| {
        wait_for("the daemon", || (env.log().matches("is ready").count() == times).then_some(()))
            .unwrap_or_else(|| panic!("{}", env.log()));
    };
    // A first start finds no space at all: it says so, or waits for space.
    fill();
    let daemon = start(&env, "trace");
    let ended = wait_for("the daemon to end or to be ready", || {
        let log = env.log();
        (log.contains("is ready") || log.to_lowercase().contains("no space")).then_some(())
    });
    ended.unwrap_or_else(|| panic!("{}", env.log()));
    let first_was_ready = usize::from(env.log().contains("is ready"));
    drop(daemon.terminate());
    free();
    let daemon = start(&env, "trace");
    ready(first_was_ready + 1);
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    fill();
    let daemon = start(&env, "trace");
    ready(first_was_ready + 2);
    let good = bytes("cab/good-signed-ts.cab");
    env.drop_package("echo.cab", &good);
    wait_for("the full disk to be shown", || {
        text(&env.run(&["status"]).stdout).contains("space").then_some(())
    })
    .unwrap_or_else(|| panic!("{}\n{}", text(&env.run(&["status"]).stdout), env.log()));
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    let daemon = start(&env, "trace");
    ready(first_was_ready + 3);
    free();
    wait_for_state(&env, "echo.cab", "succeeded");
    nothing_else_happened(&env, daemon);
    drop(unmount);
}
