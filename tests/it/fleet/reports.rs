//! What each node reports: its metrics, and the list of nodes.

use std::collections::BTreeMap;

use dropship::metrics::MetricScope;
use dropship::metrics::registry::ALL;
use serde_json::{Value, json};

use super::own_folders::{drop_at_two, wait_for_results, wait_for_start, with_folder_of_two};
use super::server::database_of_its_own;
use super::{another_node, daemon_of, environment, on_node, second_daemon, signal};
use crate::harness::{TestEnv, bytes, wait_for};
use crate::service::http::on_socket;

/// The samples of a page of metrics.
fn metrics(env: &TestEnv, socket: &str) -> BTreeMap<String, f64> {
    let (status, page) = on_socket(&env.path(socket), "/metrics");
    assert_eq!(status, 200, "{page}");
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

/// The name of the metric of a sample.
fn name(sample: &str) -> &str {
    sample.split('{').next().unwrap_or_default().trim_end_matches("_sum").trim_end_matches("_count")
}

#[test]
fn metrics_of_all_nodes_add_up_to_those_of_the_fleet() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    with_folder_of_two(&env);
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    drop_at_two(&env, "echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.drop_package("other.cab", &bytes("cab/good-signed.cab"));
    env.wait_for_end();
    wait_for_results(&env, &["succeeded"]);
    let pages = || [metrics(&env, "control.sock"), metrics(&env, "control2.sock")];
    let same_line = || {
        let [one, two] = pages();
        (one["dropship_node_journal_line"] == two["dropship_node_journal_line"]).then_some([one, two])
    };
    let [active, standby] = wait_for("the same line", same_line).unwrap_or_else(|| panic!("{:#?}", pages()));
    assert!(active["dropship_node_journal_line"] > 10.0);
    assert_eq!((active["dropship_node_active"], standby["dropship_node_active"]), (1.0, 0.0));
    assert!(active["dropship_node_lease_seconds"] > 0.0, "{active:#?}");
    assert_eq!(standby["dropship_node_lease_seconds"], 0.0);
    assert!(
        active.contains_key("dropship_node_lag_seconds") && standby.contains_key("dropship_node_lag_seconds")
    );

    // What concerns the fleet is on the active node only.
    let metric =
        |sample: &str| ALL.iter().find(|metric| metric.name == name(sample)).expect("it is registered");
    for sample in standby.keys() {
        assert_eq!(metric(sample).scope, MetricScope::Node, "{sample}");
    }
    for metric in ALL.iter().filter(|metric| metric.scope == MetricScope::Node) {
        assert!(standby.keys().any(|sample| name(sample) == metric.name), "{}", metric.name);
    }
    let is_on_active = |wanted: &str| active.keys().any(|sample| name(sample) == wanted);
    for metric in ALL.iter().filter(|metric| metric.scope == MetricScope::Fleet) {
        let is_optional = ["dropship_notifications", "dropship_clock_skew", "dropship_secret_expiry"];
        let is_optional = is_optional.iter().any(|name| metric.name.starts_with(name));
        assert!(is_optional || is_on_active(metric.name), "{}", metric.name);
    }
    let sum = |sample: &str| [&active, &standby].iter().filter_map(|page| page.get(sample)).sum::<f64>();
    assert_eq!(sum("dropship_jobs{state=\"succeeded\"}"), 2.0);
    assert_eq!(sum("dropship_jobs_ended_total{rule=\"ring\",state=\"succeeded\"}"), 2.0);
    assert_eq!(sum("dropship_api_requests_total{operation=\"create product\",code=\"201\"}"), 2.0);

    // A folder is reported by the node that watches it.
    for (folder, has, has_not) in [("in", &active, &standby), ("site", &standby, &active)] {
        let sample = |name: &str| format!("dropship_{name}{{folder=\"{folder}\"}}");
        assert_eq!(has[&sample("folder_accepted_total")], 1.0, "{has:#?}");
        assert_eq!(has[&sample("outbox_writable")], 1.0, "{has:#?}");
        assert!(
            has_not.keys().all(|sample| !sample.contains(&format!("folder=\"{folder}\""))),
            "{has_not:#?}"
        );
    }
    assert_eq!(standby["dropship_files_lost_total{folder=\"site\",how=\"vanished\"}"], 0.0, "{standby:#?}");
    assert_eq!(standby["dropship_trouble{kind=\"folder-degraded\"}"], 0.0);
    std::fs::rename(env.path("drop2"), env.path("drop2.away")).expect("moved");
    let degraded = || {
        let page = metrics(&env, "control2.sock");
        (page["dropship_trouble{kind=\"folder-degraded\"}"] == 1.0).then_some(())
    };
    wait_for("the trouble", degraded).unwrap_or_else(|| panic!("{:#?}", metrics(&env, "control2.sock")));
    let (status, page) = on_socket(&env.path("control2.sock"), "/readyz");
    let page: Value = serde_json::from_str(&page).expect("JSON");
    assert_eq!((status, &page["reasons"]), (503, &json!(["standing-by"])), "{page}");
    assert!(
        page["warnings"].as_array().is_some_and(|kinds| kinds.contains(&json!("folder-degraded"))),
        "{page}"
    );
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)));
}

#[test]
fn each_of_three_nodes_lists_all_of_them() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    with_folder_of_two(&env);
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    another_node(&env, "third.toml", "3", "three");
    let three = wait_for_start(&env, "control3.sock", daemon_of(&env, "third.toml", &[]));
    let status = |file: &str| -> Value {
        let (code, printed) = on_node(&env, file, &["--json", "status"]);
        assert_eq!(code, Some(0), "{printed}");
        serde_json::from_str(&printed).expect("JSON")
    };
    let facts = |node: &Value| {
        let keys = ["name", "state", "version", "folders", "own_folders"];
        keys.map(|key| node[key].clone())
    };
    let expected = |name: &str, state: &str, folders: Value, own: Value| {
        [json!(name), json!(state), json!(env!("CARGO_PKG_VERSION")), folders, own]
    };
    for (file, name) in [("dropship.toml", "one"), ("second.toml", "two"), ("third.toml", "three")] {
        let found = status(file);
        assert_eq!(found["node"], name);
        assert_eq!(found["stands_by_for"], if name == "one" { Value::Null } else { json!("one") });
        let nodes = found["nodes"].as_array().expect("a list");
        let expected = [
            expected("one", "active", json!(["in"]), json!([])),
            expected("three", "standing-by", json!(["in"]), json!([])),
            expected("two", "standing-by", json!(["in", "site"]), json!(["site"])),
        ];
        assert_eq!(nodes.iter().map(facts).collect::<Vec<_>>(), expected, "{found:#}");
        for node in nodes {
            let time = |key: &str| node[key].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
            let (seen, since) = (time("last_seen").expect("a time"), time("since").expect("a time"));
            assert!(seen >= since && since > jiff::Timestamp::UNIX_EPOCH, "{node:#}");
            assert_eq!(time("lease_until").is_some(), node["name"] == "one", "{node:#}");
        }
        let (_, printed) = on_node(&env, file, &["status"]);
        for part in [
            "node `one`",
            ": active, last seen ",
            ", lease until ",
            concat!(", version ", env!("CARGO_PKG_VERSION"), ", since "),
            "folders: in, site",
        ] {
            assert!(printed.contains(part), "no {part:?} in {printed}");
        }
        assert!(printed.contains(&format!("node `{name}` (this node): ")), "{printed}");
        assert_eq!(printed.matches(": stands by, last seen ").count(), 2, "{printed}");
    }
    // One that ends, and one that is not heard of any more.
    assert_eq!(three.terminate(), Some(0));
    two.kill();
    database.sql("UPDATE dropship.nodes SET seen = seen - interval '1 minute' WHERE name = 'two'");
    let states: Vec<_> = status("dropship.toml")["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|node| node["state"].clone())
        .collect();
    assert_eq!(states, [json!("active"), json!("ended"), json!("lost")]);
    assert_eq!(one.terminate(), Some(0));
}

#[test]
fn node_that_stands_by_says_that_a_signal_does_not_reload_it() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    signal(&two, "-HUP");
    let said = "refused to reload the configuration, requested by SIGHUP: the daemon is still starting, or its node stands by";
    wait_for(said, || env.log().contains(said).then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)));
}
