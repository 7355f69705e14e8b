//! Job counts and counters are whole: nothing is missing before the first job, or while jobs change.

use dropship_sandbox::Quirks;
use serde_json::{Value, json};

use super::http::{is_up, on_socket};
use crate::harness::{TestEnv, bytes, wait_for};

#[test]
fn job_counts_add_up_while_jobs_run() {
    let env = TestEnv::with(Quirks::none(), "");
    env.fault(
        &json!({"operation": "create_product", "times": 0, "action": {"kind": "status", "status": 500}}),
    );
    let daemon = env.daemon(&[]);
    is_up(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.drop_package("more.cab", &bytes("cab/good-signed.cab"));
    wait_for("both jobs", || (env.json(&["jobs"]).as_array()?.len() == 2).then_some(())).expect("two jobs");
    for _ in 0..20 {
        let counts = env.json(&["status"])["jobs"].clone();
        let counts = counts.as_object().expect("counts");
        let sum: u64 = counts.values().filter_map(Value::as_u64).sum();
        assert_eq!(sum, 2, "{counts:?}");
    }
    daemon.kill();
}

#[test]
fn every_counter_has_samples_before_the_first_job() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    is_up(&env);
    let page = on_socket(&env.path("control.sock"), "/metrics").1;
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("# TYPE ").and_then(|rest| rest.strip_suffix(" counter")) {
            let is_sample =
                |line: &&str| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} "));
            assert!(page.lines().any(|line| is_sample(&line)), "{name} has no sample in\n{page}");
        }
    }
    for kind in dropship::attention::AttentionKind::ALL {
        assert!(page.contains(&format!("dropship_trouble{{kind=\"{}\"}} 0\n", kind.name())), "{page}");
    }
    assert!(page.contains("dropship_jobs_ended_total{rule=\"ring\",state=\"failed\"} 0\n"), "{page}");
    assert!(page.contains("dropship_queue_oldest_job_age_seconds 0\n"), "{page}");
    // The page has the metrics of the registry, in its order.
    let described: Vec<_> =
        page.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    let registered = dropship::metrics::registry::ALL.iter().map(|metric| metric.name);
    // Nothing is sent here, and no other node shares the store.
    let absent = ["dropship_notifications", "dropship_node_"];
    let registered: Vec<_> =
        registered.filter(|name| !absent.iter().any(|absent| name.starts_with(absent))).collect();
    assert_eq!(described, registered);
    assert_eq!(daemon.terminate(), Some(0));
}
