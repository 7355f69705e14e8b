//! The output of every command that looks at jobs, packages or the configuration, as text and as JSON, after a run with
//! a package that succeeds, one that is held, one that is rejected and one that fails.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use dropship_sandbox::Quirks;
use serde_json::{Value, json};

use super::{assert_recorded, filters, fixed, transcript};
use crate::harness::rules::hlkx_rule;
use crate::harness::{TestEnv, bytes, text, wait_for};

/// The label of a second rule, which waits for an approval, and tests of both rules.
const MORE: &str = r#"name = "{{ file.stem }} retail"
destination = "windows_update"
audiences = ["Test Registry Key"]
hold = true
[[test]]
name = "a cab gets a label for the test ring"
package = { folder = "in", file = "x.cab", provider = "Contoso", class = "MEDIA", inf = "x.inf", version = "1.0.0.1" }
expect = { rule = "ring", labels = ["* test ring"] }
[[test]]
name = "a test that fails"
package = { folder = "in", file = "x.hlkx", provider = "Contoso", class = "MEDIA", inf = "x.inf", version = "1.0.0.1" }
expect = { rule = "ring" }
"#;

/// An environment after a run with four packages, and their job ids in the order in which they were dropped.
struct SeededRun {
    env: TestEnv,
    jobs: Vec<String>,
}

impl SeededRun {
    /// Drops one package and waits until its job is in this state.
    fn drop_one(&mut self, name: &str, fixture: &str, state: &str) {
        self.env.drop_package(name, &bytes(fixture));
        let receipt = wait_for(state, || {
            self.env
                .receipts()
                .into_iter()
                .find(|receipt| receipt["package"] == name && receipt["state"] == state)
        });
        let receipt =
            receipt.unwrap_or_else(|| panic!("{name}: {:#?}\n{}", self.env.receipts(), self.env.log()));
        self.jobs.push(receipt["id"].as_str().expect("an id").to_owned());
    }

    /// All four packages, with a daemon that runs.
    fn new(env: TestEnv) -> Self {
        let mut run = Self { env, jobs: Vec::new() };
        run.drop_one("echo.cab", "cab/good-signed-ts.cab", "succeeded");
        run.drop_one("held.hlkx", "hlkx/good.hlkx", "held");
        run.drop_one("broken.cab", "cab/tampered-data.cab", "rejected");
        let action = json!({"kind": "status", "status": 400, "code": "InvalidInput", "message": "the name is reserved"});
        run.env.fault(&json!({"operation": "create_product", "action": action}));
        run.drop_one("refused.cab", "cab/good-signed.cab", "failed");
        run
    }

    /// Records the output of one command, as text and as JSON.
    fn command(&self, name: &str, args: &[&str]) {
        let mut seen = steady_text(&transcript(&args.join(" "), &mut self.env.command(args)));
        seen.push('\n');
        seen.push_str(&self.json(args));
        assert_recorded(&format!("commands/{name}"), &filters(&self.env), &seen);
    }

    /// The transcript of a command with `--json`.
    fn json(&self, args: &[&str]) -> String {
        let done = fixed(&mut self.env.command(&[&["--json"], args].concat())).output().expect("it runs");
        let document: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| {
            panic!("{args:?} printed no JSON ({error}): {}{}", text(&done.stdout), text(&done.stderr))
        });
        let document = serde_json::to_string_pretty(&steady(document)).expect("JSON");
        format!("$ dropship --json {}\n{document}\n", args.join(" "))
    }
}

/// Events that are logged a varying number of times, depending on when a job was polled.
const BY_CHANCE: [&str; 4] = ["waited", "resumed", "progressed", "attempt_failed"];

/// The text without what depends on when a job was polled: durations, Microsoft's steps, and checks in the history.
fn steady_text(text: &str) -> String {
    let is_history = |line: &str| line.len() > DURATION && line.as_bytes()[4] == b'-' && line.contains("Z  ");
    let mut lines = String::new();
    for line in text.lines() {
        if !is_history(line) {
            lines.push_str(&format!("{line}\n"));
            continue;
        }
        let (head, said) = line.split_at(DURATION + 11);
        let head = match head[DURATION..].trim() {
            "" => head.to_owned(),
            _ => format!("{}      <took>", &head[..DURATION - 1]),
        };
        let said = match said.trim() {
            checks if checks.starts_with("waits for ") => continue,
            said if said.starts_with("Microsoft: ") => "Microsoft: <progress>",
            said if said.starts_with("label `") && said.contains("`: ") => "label: <progress>",
            said => said,
        };
        lines.push_str(&format!("{head}  {said}\n"));
    }
    lines
}

/// Where the duration of a step begins in a line of the history.
const DURATION: usize = 34;

/// The document without such events.
fn steady(mut document: Value) -> Value {
    if let Some(events) = document.get_mut("events").and_then(Value::as_array_mut) {
        events.retain(|event| {
            let name = event["event"].as_str().unwrap_or_default();
            !BY_CHANCE.contains(&name)
        });
    }
    document
}

#[test]
fn outputs_after_a_seeded_run_are_as_recorded() {
    let env = TestEnv::with(Quirks::none(), &hlkx_rule("kit", MORE));
    let daemon = env.daemon(&[]);
    let run = SeededRun::new(env);
    let [echo, held, broken, refused] = &run.jobs[..] else { panic!("four jobs") };
    run.command("jobs", &["jobs"]);
    run.command("jobs-rejected", &["jobs", "--state", "rejected"]);
    run.command("show-succeeded", &["show", echo]);
    run.command("show-held", &["show", held]);
    run.command("show-rejected", &["show", broken]);
    run.command("show-failed", &["show", refused]);
    run.command("status", &["status"]);
    run.command("doctor", &["doctor"]);
    run.command("check", &["check"]);
    run.command("test", &["test"]);
    let cab = run.env.path("drop/echo.cab").display().to_string();
    let kit = run.env.path("drop/held.hlkx").display().to_string();
    let bad = run.env.path("drop/broken.cab").display().to_string();
    run.command("plan", &["plan", &cab]);
    run.command("plan-held", &["plan", &kit]);
    run.command("plan-rejected", &["plan", &bad]);
    run.command("inspect", &["inspect", &cab, &kit, &bad]);
    run.command("wait", &["wait", echo]);
    run.command("systemd-paths", &["systemd", "paths"]);
    run.command("reload", &["reload"]);
    run.command("pause", &["pause"]);
    run.command("status-paused", &["status"]);
    run.command("resume", &["resume"]);
    run.command("rescan", &["rescan"]);
    assert_recorded("receipt", &filters(&run.env), &receipt(&run.env, "echo.cab"));
    assert_recorded("metrics", &[], &families(&page(&run.env, "/metrics")));
    assert_recorded("readyz", &[], &page(&run.env, "/readyz"));
    run.command("labels", &["labels"]);
    run.command("who", &["who", "*", "--os", "WINDOWS_v100_X64_C0_FULL"]);
    run.command("config-show", &["config", "show"]);
    run.command("reload-dry-run", &["reload", "--dry-run"]);
    run.command("plan-replay", &["plan", "--replay"]);
    run.command("status-check", &["status", "--check"]);
    run.command("log-level", &["log-level", "warn"]);
    assert_recorded("commands/cancel", &filters(&run.env), &run.json(&["cancel", held]));
    run.command("cancel-succeeded", &["cancel", echo]);
    assert_eq!(daemon.terminate(), Some(0));
    run.command("doctor-offline", &["doctor"]);
    run.command("status-offline", &["status"]);
}

fn receipt(env: &TestEnv, package: &str) -> String {
    let receipt = env.receipts().into_iter().find(|receipt| receipt["package"] == package);
    serde_json::to_string_pretty(&receipt).expect("JSON")
}

fn page(env: &TestEnv, page: &str) -> String {
    let mut stream = UnixStream::connect(env.path("control.sock")).expect("the socket");
    let request = format!("GET {page} HTTP/1.1\r\nHost: dropship\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
}

/// The families of a metrics page with their help, and the label names of each, without values.
fn families(page: &str) -> String {
    let mut seen = Vec::new();
    for line in page.lines() {
        let known = match line.split_once('{') {
            _ if line.starts_with('#') => line.to_owned(),
            Some((name, rest)) => {
                let labels = rest.split_once('}').map_or("", |(labels, _)| labels);
                let names: Vec<_> =
                    labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0)).collect();
                format!("{name}{{{}}}", names.join(","))
            }
            None => line.split(' ').next().unwrap_or_default().to_owned(),
        };
        if !seen.contains(&known) {
            seen.push(known);
        }
    }
    seen.join("\n")
}
