//! A stranger who opens more connections than the process may have descriptors.

use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use super::build_job::{is_not_root, shell};
use super::environment::{
    attacked_env, is_up, nothing_else_happened, quiet_folder_is_served, start_after, wait_for_state,
};
use crate::harness::{bytes, free_port, text, wait_for};

/// Opens connections to all listeners, again and again, and keeps them as long as it can.
const FLOOD: &str = "import socket, sys, time
listeners = [(socket.AF_UNIX, sys.argv[1])] + [(socket.AF_INET, ('127.0.0.1', int(port))) for port in sys.argv[2:]]
held = []
while True:
    for family, address in listeners:
        try:
            connection = socket.socket(family)
            connection.settimeout(1)
            connection.connect(address)
            connection.send(b'GET /livez HTTP/1.1\\r\\nHost: x')
            held.append(connection)
        except OSError:
            time.sleep(0.01)
    if len(held) > 600:
        del held[:200]
";

struct Flood(Child);

impl Drop for Flood {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn root_connections_to_all_listeners_leave_descriptors_for_the_store() {
    if is_not_root() {
        return;
    }
    let [metrics, web] = [free_port(), free_port()];
    let listeners =
        format!("[metrics]\nlisten = \"127.0.0.1:{metrics}\"\n[web]\nlisten = \"127.0.0.1:{web}\"\n");
    let env = attacked_env("", &listeners);
    std::fs::write(env.path("flood.py"), FLOOD).expect("written");
    let daemon = start_after(&env, "trace", "ulimit -n 256");
    is_up(&env);
    std::fs::set_permissions(env.path("control.sock"), std::fs::Permissions::from_mode(0o666))
        .expect("opened");
    let floods = [0, 1].map(|_| {
        let script = format!("exec python3 flood.py control.sock {metrics} {web}");
        Flood(shell(&env, &script).spawn().expect("it runs"))
    });
    wait_for("a refused connection in the log", || env.log().contains("was refused").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    for number in 0..10 {
        env.drop_package(&format!("junk{number}.cab"), format!("no cabinet {number}").as_bytes());
    }
    env.drop_package("good.cab", &bytes("cab/good-signed.cab"));
    wait_for_state(&env, "good.cab", "succeeded");
    for number in 0..10 {
        wait_for_state(&env, &format!("junk{number}.cab"), "rejected");
    }
    quiet_folder_is_served(&env);
    // A receipt is written after the change of its job.
    wait_for("nothing for doctor to report", || env.run(&["doctor"]).status.success().then_some(()))
        .unwrap_or_else(|| panic!("{}", text(&env.run(&["doctor"]).stdout)));
    let log = env.log();
    assert!(!log.contains("Too many open files") && !log.contains("os error 24"), "{log}");
    drop(floods);
    nothing_else_happened(&env, daemon);
}
