//! Packages of a build job that are arranged to cost much. The daemon has little memory.

use std::fs;

use super::build_job::{attack, is_not_root};
use super::environment::{
    attacked_env, configure, is_up, job, nothing_else_happened, quiet_folder_is_served, start_after,
    wait_for_state,
};
use crate::harness::{TestEnv, wait_for};
use crate::hostile_packages::{packages, signed};

fn drop_as_build_job<'p>(env: &TestEnv, packages: impl IntoIterator<Item = (&'p str, &'p [u8])>) {
    for (name, package) in packages {
        fs::write(env.path("outside/start"), package).expect("written");
        attack(env, &format!("cp outside/start drop/{name}.part; mv drop/{name}.part drop/{name}"));
    }
    fs::remove_file(env.path("outside/start")).expect("removed");
}

#[test]
fn root_costly_packages_are_rejected_within_little_memory() {
    if is_not_root() {
        return;
    }
    let signed = signed();
    let env = attacked_env("", signed.settings);
    fs::write(env.path("signer.pem"), &signed.certificate).expect("written");
    configure(&env, "roots = [", "roots = [\"signer.pem\", ");
    let daemon = start_after(&env, "warn", "ulimit -v 4000000");
    is_up(&env);
    let packages: Vec<_> = packages().into_iter().chain(signed.rejected).collect();
    drop_as_build_job(&env, packages.iter().map(|(name, package, _)| (*name, &**package)));
    drop_as_build_job(&env, signed.accepted.iter().map(|(name, package)| (*name, &**package)));
    quiet_folder_is_served(&env);
    for (name, _, reason) in &packages {
        let job = wait_for_state(&env, name, "rejected");
        assert!(job["error"]["message"].to_string().contains(reason), "{name}: {job:#}");
    }
    for (name, _) in &signed.accepted {
        let accepted = || job(&env, name).filter(|job| job["accepted"] == true);
        wait_for(name, accepted).unwrap_or_else(|| panic!("{name}: {:?}\n{}", job(&env, name), env.log()));
    }
    nothing_else_happened(&env, daemon);
}
