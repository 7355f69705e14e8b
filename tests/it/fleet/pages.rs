//! The pages of a node that stands by.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::own_folders::wait_for_start;
use super::server::database_of_its_own;
use super::{daemon_of, environment, on_two, second_node};
use crate::harness::{TestEnv, bytes, free_port, text, wait_for};

const LINE: &str = "Node <strong>one</strong> processes the jobs. This node stands by";

/// Requests a page; returns the status and the answer, if the port is open.
fn try_ask(port: u16, method: &str, page: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("{method} {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = text(&answer);
    Some((answer.split(' ').nth(1)?.parse().ok()?, answer))
}

fn page(env: &TestEnv, port: u16, page: &str) -> String {
    let (status, answer) = try_ask(port, "GET", page).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(status, 200, "{page}: {answer}");
    answer
}

#[test]
fn node_that_stands_by_shows_the_jobs_and_which_node_is_active() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let (first, second) = (free_port(), free_port());
    env.edit_configuration("[signers]", &format!("[web]\nlisten = \"127.0.0.1:{first}\"\n[signers]"));
    second_node(&env);
    env.edit_configuration_of("second.toml", &first.to_string(), &second.to_string());
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.wait_for_end();
    let two = wait_for_start(&env, "control2.sock", daemon_of(&env, "second.toml", &[]));

    // What it has read at its start, and what it follows since.
    let shows = |package: &'static str| {
        let found = || page(&env, second, "/packages").contains(package).then_some(());
        wait_for(package, found).unwrap_or_else(|| panic!("{}", page(&env, second, "/packages")));
    };
    shows("echo.cab");
    env.drop_package("other.cab", &bytes("cab/good-signed.cab"));
    shows("other.cab");
    let job = env.wait_for_end()["id"].as_str().expect("an id").to_owned();
    let succeeded = || {
        let shown = page(&env, second, "/packages?state=succeeded");
        (shown.contains("echo.cab") && shown.contains("other.cab")).then_some(())
    };
    wait_for("both ended", succeeded).unwrap_or_else(|| panic!("{}", page(&env, second, "/packages")));
    let of_job = format!("/packages/{job}");
    for path in ["/", "/packages", of_job.as_str(), "/labels", "/who", "/rules", "/charts"] {
        let shown = page(&env, second, path);
        assert!(shown.contains(LINE), "{path}: {shown}");
        assert!(!page(&env, first, path).contains("stands by"), "{path}");
    }
    assert_eq!(try_ask(second, "POST", "/").map(|(status, _)| status), Some(405));
    // What this node changes itself.
    assert_eq!(on_two(&env, &["pause"]).0, Some(0));
    env.drop_package("third.cab", &bytes("cab/stored-signed.cab"));
    let held = || env.json(&["jobs"]).as_array()?.iter().find(|job| job["package"] == "third.cab").cloned();
    let held = wait_for("the third job", held).unwrap_or_else(|| panic!("{}", env.log()));
    shows("third.cab");
    assert_eq!(on_two(&env, &["cancel", held["id"].as_str().expect("an id")]).0, Some(0));
    let cancelled = || page(&env, second, "/packages?state=cancelled").contains("third.cab").then_some(());
    wait_for("the end of the third", cancelled)
        .unwrap_or_else(|| panic!("{}", page(&env, second, "/packages")));

    // It takes over, at the same address.
    assert_eq!(one.terminate(), Some(0));
    let is_active = || {
        let (_, shown) = try_ask(second, "GET", "/packages").filter(|(status, _)| *status == 200)?;
        (shown.contains("echo.cab") && !shown.contains("stands by")).then_some(())
    };
    wait_for("the pages of the active node", is_active).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(two.terminate(), Some(0));
}
