//! Receivers of notifications that never answer.

use std::net::TcpListener;
use std::process::Command;

use super::build_job::is_not_root;
use super::environment::{attacked_env, is_up, nothing_else_happened, quiet_folder_is_served, start};
use crate::harness::{text, wait_for};

#[test]
fn root_receivers_that_hang_delay_neither_jobs_nor_the_end() {
    if is_not_root() {
        return;
    }
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    // It ignores signals, writes without end, and leaves a process behind in a session of its own.
    let seconds = 40_000 + u32::from(address.port());
    let script = format!("trap '' TERM INT HUP; setsid sleep {seconds}.5 & sleep {seconds} & yes");
    let more = format!(
        "[[notify]]\nname = \"web\"\nurl = \"http://{address}/hook\"\n\
         [[notify]]\nname = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"{script}\"]\n"
    );
    let env = attacked_env("", &more);
    let daemon = start(&env, "trace");
    is_up(&env);
    let running = |seconds: String| {
        let found = Command::new("pgrep").args(["-x", "-f", &format!("sleep {seconds}")]).output();
        let found = text(&found.expect("pgrep runs").stdout);
        found.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let is_started = || (!running(seconds.to_string()).is_empty()).then_some(());
    for number in 0..5 {
        env.drop_package(&format!("junk{number}.cab"), format!("no cabinet {number}").as_bytes());
    }
    wait_for("the command", is_started).unwrap_or_else(|| panic!("{}", env.log()));
    quiet_folder_is_served(&env);
    nothing_else_happened(&env, daemon);
    wait_for("the group of the command to be killed", || {
        running(seconds.to_string()).is_empty().then_some(())
    })
    .expect("killed");
    // A process that has left the group is the command's own matter.
    for process in running(format!("{seconds}.5")) {
        drop(Command::new("kill").args(["-s", "KILL", &process]).status());
    }
}
