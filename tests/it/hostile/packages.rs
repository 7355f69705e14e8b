//! Packages of a build job that are arranged to cost much. The daemon has little memory.

use std::fs;

use super::build_job::{attack, not_root};
use super::environment::{
    attacked, configure, is_up, nothing_else_happened, quiet_folder_is_served, start_after, wait_for_state,
};
use crate::hostile_packages::{packages, signed_kits};

#[test]
fn root_costly_packages_are_rejected_within_little_memory() {
    if not_root() {
        return;
    }
    let (signed, certificate, settings) = signed_kits();
    let env = attacked("", settings);
    fs::write(env.path("signer.pem"), certificate).expect("written");
    configure(&env, "roots = [", "roots = [\"signer.pem\", ");
    let daemon = start_after(&env, "warn", "ulimit -v 4000000");
    is_up(&env);
    let packages = packages().into_iter().chain(signed).collect::<Vec<_>>();
    for (name, package, _) in &packages {
        fs::write(env.path("outside/start"), package).expect("written");
        attack(&env, &format!("cp outside/start drop/{name}.part; mv drop/{name}.part drop/{name}"));
    }
    fs::remove_file(env.path("outside/start")).expect("removed");
    quiet_folder_is_served(&env);
    for (name, _, reason) in &packages {
        let job = wait_for_state(&env, name, "rejected");
        assert!(job["error"]["message"].to_string().contains(reason), "{name}: {job:#}");
    }
    nothing_else_happened(&env, daemon);
}
