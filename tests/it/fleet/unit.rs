//! A node beside systemd: under the settings of the unit, which hide the files of the kernel below `/proc`, and with a password that
//! only the unit can read.

use std::process::Command;

use super::server::database_of_its_own;
use super::{environment, is_root};
use crate::harness::{TestDaemon, TestEnv, bytes, text};

/// A daemon that sees only processes in `/proc`, as with `ProcSubset=pid`.
fn daemon_that_sees_processes_only(env: &TestEnv, boot: Option<&str>) -> TestDaemon {
    let log = std::fs::File::options().create(true).append(true).open(env.path("daemon.log")).expect("a log");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", "mount -t proc -o subset=pid proc /proc && exec \"$@\"", "sh"]);
    command.arg(env!("CARGO_BIN_EXE_dropship")).arg("--config").arg(env.path("dropship.toml")).arg("run");
    command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY").env_remove("DROPSHIP_BOOT_ID");
    command.envs(boot.map(|id| ("DROPSHIP_BOOT_ID", id)));
    TestDaemon { child: command.stderr(log).spawn().expect("it starts") }
}

#[test]
fn sealed_password_of_the_database_is_a_warning_of_check() {
    if !is_root("it mounts folders") {
        return;
    }
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    env.edit_configuration("node = \"one\"", "node = \"one\"\npassword_credential = \"dropship.database\"");
    std::fs::create_dir_all(env.path("store")).expect("a folder for the files of the node");
    let checked = |seals: bool| {
        let mut command = Command::new("unshare");
        let script = "cp -a /etc \"$0\" && mount --bind \"$0\" /etc && mkdir -p /etc/credstore.encrypted && \
             if [ \"$1\" = true ]; then touch /etc/credstore.encrypted/dropship.database-encrypted; fi && shift && exec \"$@\"";
        let etc = env.path(if seals { "etc-sealed" } else { "etc" });
        command.args(["--mount", "sh", "-c", script]).arg(etc).arg(seals.to_string());
        command
            .arg(env!("CARGO_BIN_EXE_dropship"))
            .arg("--config")
            .arg(env.path("dropship.toml"))
            .arg("check");
        let output = command.env_remove("CREDENTIALS_DIRECTORY").output().expect("it runs");
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    };
    let (code, printed) = checked(true);
    assert!(printed.contains("can only be read within the unit"), "{printed}");
    assert_eq!(code, Some(0), "{printed}");
    let (code, printed) = checked(false);
    assert!(printed.contains("dropship.database") && code == Some(78), "{code:?} {printed}");
}

#[test]
fn node_starts_where_the_unit_passes_the_boot_id() {
    if !is_root("it mounts folders") {
        return;
    }
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let refused = daemon_that_sees_processes_only(&env, None).wait();
    assert_eq!(refused, Some(78), "{}", env.log());
    assert!(env.log().contains("DROPSHIP_BOOT_ID has to be set"), "{}", env.log());

    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("the boot id");
    let daemon = daemon_that_sees_processes_only(&env, Some(&boot.trim().replace('-', "")));
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    daemon.kill();
    // It is the same machine for a daemon that reads the file: the lease of the first one is not waited for.
    let place = database.sql("SELECT place FROM dropship.lease");
    let daemon = env.daemon(&["--until-idle"]);
    assert_eq!(daemon.wait(), Some(0), "{}", env.log());
    assert_eq!(database.sql("SELECT place FROM dropship.lease"), place);
}
