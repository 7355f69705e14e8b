//! An idle daemon leaves the machine alone: it sleeps, and it needs little memory for each folder.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::harness::{TestDaemon, TestEnv, wait_for};

/// Span in which wake-ups are counted.
const SPAN: Duration = Duration::from_secs(10);

/// Maximum number of wake-ups in it, over all threads: two a second.
const WAKEUPS: u64 = 20;

#[test]
fn idle_daemon_with_one_folder_wakes_at_most_twice_a_second() {
    let env = TestEnv::new();
    env.edit_configuration("poll = \"1s\"", "poll = \"5m\"");
    let daemon = env.daemon(&[]);
    falls_asleep(&env, &daemon);
}

#[test]
fn idle_daemon_with_many_folders_wakes_at_most_twice_a_second() {
    let folder = |number: usize| {
        format!(
            "[[folder]]\nname = \"f{number}\"\npath = \"drop/f{number}\"\npoll = \"5m\"\nsame_content = \"take\"\n"
        )
    };
    let env = TestEnv::new();
    let more: String = (0..300).map(folder).collect();
    for number in 0..300 {
        fs::create_dir_all(env.path(&format!("drop/f{number}"))).expect("a folder");
    }
    env.edit_configuration("poll = \"1s\"", "poll = \"5m\"");
    env.edit_configuration("[signers]", &format!("{more}[signers]"));
    let daemon = env.daemon(&[]);
    falls_asleep(&env, &daemon);
}

/// Waits until the daemon is idle for the whole span. A busy machine does not wake it more often.
fn falls_asleep(env: &TestEnv, daemon: &TestDaemon) {
    let (mut before, mut since) = (wakeups(daemon), Instant::now());
    let mut last = BTreeMap::new();
    let asleep = wait_for("the daemon to fall asleep", || {
        if since.elapsed() < SPAN {
            return None;
        }
        let now = wakeups(daemon);
        let new =
            now.iter().map(|(thread, count)| (thread.clone(), count - before.get(thread).unwrap_or(&0)));
        last = new.filter(|(_, count)| *count > 0).collect();
        (before, since) = (now, Instant::now());
        (last.values().sum::<u64>() <= WAKEUPS).then_some(())
    });
    assert!(asleep.is_some(), "{last:?}\n{}", env.log());
}

/// How often each thread has slept so far, by its id and name.
fn wakeups(daemon: &TestDaemon) -> BTreeMap<String, u64> {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.child.id())).expect("the daemon runs");
    let read = |task: fs::DirEntry| {
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let value = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        let name = format!("{} {}", task.file_name().to_string_lossy(), value("Name:")?);
        Some((name, value("voluntary_ctxt_switches:")?.parse().ok()?))
    };
    tasks.flatten().filter_map(read).collect()
}
