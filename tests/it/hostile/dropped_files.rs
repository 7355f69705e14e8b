//! Files of a build job in the drop folder.

use std::fs;
use std::io::Read;
use std::process::Command;

use serde_json::Value;

use super::build_job::{Repeated, attack, is_not_root};
use super::environment::{
    attacked_env, is_up, job, job_of, mount, nothing_else_happened, quiet_folder_is_served, start,
    wait_for_state,
};
use crate::harness::{bytes, text, wait_for};

#[test]
fn root_huge_sparse_files_fill_no_disk() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    let disk = mount(&env, "store", "400m");
    let daemon = start(&env, "trace");
    let good = bytes("cab/good-signed-ts.cab");
    let hlkx = bytes("hlkx/good.hlkx");
    for (name, start) in
        [("huge.cab", &good[..]), ("long.cab", &good), ("junk.cab", b"junk"), ("head.hlkx", &hlkx)]
    {
        fs::write(env.path("outside/start"), start).expect("written");
        let size = if name == "huge.cab" { "100G" } else { "1G" };
        attack(
            &env,
            &format!(
                "cp outside/start drop/{name}.part; truncate -s {size} drop/{name}.part; mv drop/{name}.part drop/{name}"
            ),
        );
    }
    // An archive at the end of a long hole.
    attack(
        &env,
        "truncate -s 1G drop/tail.hlkx.part; cat outside/start >> drop/tail.hlkx.part; mv drop/tail.hlkx.part drop/tail.hlkx",
    );
    fs::remove_file(env.path("outside/start")).expect("removed");
    for (name, kind) in
        [("huge.cab", "too-large"), ("long.cab", "too-large"), ("tail.hlkx", "too-large"), ("junk.cab", "")]
    {
        let job = wait_for_state(&env, name, "rejected");
        assert!(kind.is_empty() || job["error"]["kind"] == kind, "{job}");
    }
    let retried = env.run(&["retry", job(&env, "huge.cab").expect("a job")["id"].as_str().expect("an id")]);
    assert!(retried.status.success(), "{}", text(&retried.stderr));
    wait_for_state(&env, "huge.cab", "rejected");
    let free = rustix::fs::statvfs(env.path("store")).expect("a disk");
    assert!(free.f_bavail * free.f_frsize > 256 << 20, "the disk was filled");
    nothing_else_happened(&env, daemon);
    drop(disk);
}

#[test]
fn root_file_that_is_replaced_is_neither_read_nor_removed() {
    if is_not_root() {
        return;
    }
    let kinds = [
        ("fifo", "mkfifo $P"),
        ("link", "ln -s ../outside/file $P"),
        ("loop", "ln -s $(basename $P) $P"),
        ("folder", "mkdir $P"),
        ("other", "echo other bytes of its own > $P"),
        ("hardlink", "echo other > drop/one; ln drop/one $P"),
        ("sparse", "truncate -s 100G $P"),
        ("nothing", "true"),
    ];
    let env = attacked_env("after = \"delete\"", "");
    let daemon = start(&env, "trace");
    for (kind, _) in kinds {
        env.drop_package(&format!("{kind}.cab"), format!("no cabinet: {kind}").as_bytes());
    }
    env.drop_package("device.cab", b"no cabinet: device");
    let mut ids = Vec::new();
    for (kind, script) in kinds {
        let id = wait_for_state(&env, &format!("{kind}.cab"), "rejected")["id"].clone();
        attack(
            &env,
            &format!("rm -f drop/{kind}.cab; {}", script.replace("$P", &format!("drop/{kind}.cab"))),
        );
        let retried = env.run(&["retry", id.as_str().expect("an id")]);
        assert!(retried.status.success(), "{kind}: {}", text(&retried.stderr));
        ids.push((kind, id));
    }
    let id = wait_for_state(&env, "device.cab", "rejected")["id"].clone();
    fs::remove_file(env.path("drop/device.cab")).expect("removed");
    let zero = env.path("drop/device.cab");
    assert!(Command::new("mknod").arg(&zero).args(["c", "1", "5"]).status().expect("mknod").success());
    assert!(env.run(&["retry", id.as_str().expect("an id")]).status.success());
    ids.push(("device", id));
    // A file that was put in the place of another one may have a job of its own by now.
    for (kind, id) in ids {
        let gone = |job: &Value| job["state"] == "rejected" && job["error"]["kind"] == "gone";
        wait_for(kind, || job_of(&env, &id).filter(gone))
            .unwrap_or_else(|| panic!("{kind}: {:?}\n{}", job_of(&env, &id), env.log()));
    }
    // A package that succeeds while its name is swapped: only the file with its bytes may be deleted.
    let swap = "ln -s ../outside/file drop/x && mv -T drop/x drop/raced.cab; mkfifo drop/x && mv -T drop/x drop/raced.cab; \
                echo mine > drop/x && mv -T drop/x drop/raced.cab; ln drop/one drop/x && mv -T drop/x drop/raced.cab";
    env.drop_package("raced.cab", &bytes("cab/good-signed-ts.cab"));
    let accepted = || job(&env, "raced.cab").filter(|job| job["accepted"] == true);
    let id = wait_for("the job", accepted).expect("accepted")["id"].clone();
    let swapper = Repeated::start(&env, swap);
    // The files that take its place can have jobs of their own.
    wait_for("its success", || job_of(&env, &id).filter(|job| job["state"] == "succeeded"))
        .unwrap_or_else(|| panic!("{:?}\n{}", job_of(&env, &id), env.log()));
    drop(swapper);
    assert_eq!(fs::read(env.path("drop/one")).expect("it is there"), b"other\n");
    let mut mine = String::new();
    fs::File::open(env.path("drop/other.cab")).expect("there").read_to_string(&mut mine).expect("read");
    assert_eq!(mine, "other bytes of its own\n");
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_strange_files_stop_no_other_folder() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("recursive = true", "");
    let daemon = start(&env, "warn");
    is_up(&env);
    // The daemon's own files, under a name in the drop folder.
    let journal = fs::read_dir(env.path("store")).expect("listed").flatten();
    let journal = journal.map(|entry| entry.path()).find(|path| path.is_file()).expect("a file of the store");
    fs::hard_link(&journal, env.path("drop/own.cab")).expect("linked");
    for (name, kind) in
        [("null.cab", ["c", "1", "3"]), ("zero.cab", ["c", "1", "5"]), ("block.cab", ["b", "7", "0"])]
    {
        let status = Command::new("mknod").arg(env.path("drop").join(name)).args(kind).status();
        assert!(status.expect("mknod runs").success());
    }
    attack(
        &env,
        "cd drop; n=$(printf 'n%.0s' $(seq 251)); echo junk > $n.cab; mkfifo fifo.cab; ln -s ../outside/file link.cab; \
         ln -s loop.cab loop.cab; mkdir folder.cab; mkdir -p $(printf 'd/%.0s' $(seq 300)); \
         echo junk in the depth > $(printf 'd/%.0s' $(seq 10))deep.cab; echo junk > closed.cab; chmod 000 closed.cab; \
         mkdir closed; chmod 000 closed; for i in $(seq 50); do mkdir -m 000 closed$i; done; truncate -s 100G sparse.cab; \
         seq -f 'j%.0f.cab' 300 | xargs touch; seq -f 'other%.0f.txt' 20000 | xargs touch",
    );
    let grow = "head -c 4096 /dev/urandom >> drop/grow.cab; sleep 0.01";
    let cut = "truncate -s 30M drop/cut.cab; truncate -s 1 drop/cut.cab; cp drop/cut.cab drop/cut2.cab; \
               mv drop/cut2.cab drop/cut3.cab; chmod 000 drop/cut3.cab";
    let loops = [grow, cut].map(|script| Repeated::start(&env, script));
    quiet_folder_is_served(&env);
    drop(loops);
    wait_for_state(&env, "deep.cab", "rejected");
    wait_for_state(&env, "sparse.cab", "rejected");
    // A file that cannot be read is shown in place of the folder until it is gone.
    drop(fs::remove_file(env.path("drop/cut3.cab")));
    let status = || text(&env.run(&["status"]).stdout);
    wait_for("the folder that cannot be read", || status().contains("closed").then_some(()))
        .unwrap_or_else(|| panic!("{}", status()));
    nothing_else_happened(&env, daemon);
}

#[test]
fn root_swapped_subfolders_show_nothing_outside() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("recursive = true\nafter = \"delete\"", "");
    let good = bytes("cab/good-signed-ts.cab");
    fs::create_dir(env.path("elsewhere")).expect("a folder");
    fs::write(env.path("elsewhere/stolen.cab"), &good).expect("written");
    let daemon = start(&env, "trace");
    let swap = "mkdir -p drop/sub/below; echo junk > drop/sub/below/stolen.cab; mv -T drop/sub drop/was; \
                ln -s ../elsewhere drop/sub; mv -T drop/sub drop/link; mkdir drop/sub; ln -s ../../elsewhere drop/sub/below; \
                rm -rf drop/sub drop/link drop/was";
    let swapper = Repeated::start(&env, swap);
    for number in 0..10 {
        attack(&env, &format!("mkdir drop/d{number}; echo junk {number} > drop/d{number}/j{number}.cab"));
        wait_for_state(&env, &format!("j{number}.cab"), "rejected");
    }
    drop(swapper);
    assert_eq!(fs::read(env.path("elsewhere/stolen.cab")).expect("it is there"), good);
    let stolen = job(&env, "stolen.cab");
    assert!(stolen.as_ref().is_none_or(|job| job["state"] == "rejected"), "{stolen:?}");
    assert_eq!(env.created(), (0, 0, 0), "the package outside is not read");
    nothing_else_happened(&env, daemon);
}
