//! `dropship config show`: every value with the place that set it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::text;

const MAIN: &str = r#"include = ["rules.d/*.toml"]
[accounts.first]
tenant_id = "contoso.onmicrosoft.com"
client_id = "one"
client_secret_file = "first.secret"
secret_expires = "2090-01-02"
[accounts."second one"]
tenant_id = "t"
client_id = "two"
client_secret_env = "DROPSHIP_SECOND"
[api]
uncertain = "1500ms"
workers = 2
retry = { first = "1s", max = "1m" }
proxy = "http://proxy:3128"
[store]
path = "store"
max_package = "1GiB"
[control]
socket = "control.sock"
operators = "wheel"
[metrics]
listen = "127.0.0.1:9464"
[[notify]]
name = "chat"
on = ["held"]
url = "https://hook:t0pSecret@chat.example/services/T00000000/hush"
[[notify]]
name = "pager"
url = "https://pager.example/v2/enqueue?key=qu3ryKey"
[[notify]]
name = "script"
command = ["/usr/bin/notify", "--token", "argum3nt"]
[guard]
everybody = "hold"
max_targets = 7
[signers]
roots = ["root.pem"]
[preflight]
cert-not-ev = "off"
[defaults.product]
device_type = "internal"
test_harness = "hlk"
[defaults.label]
destination = "windows_update"
go_live_date = 2090-05-01
[[folder]]
name = "audio"
path = "drop"
settle = "5s"
after = "move:done"
"#;

const INCLUDED: &str = r#"
[[rule]]
name = "first"
account = "first"
folders = "audio"
[rule.product]
name = "{{ inf.stem }}"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
test_harness = "hlk"
[rule.submission]
name = "{{ file.stem }}"
[[rule.label]]
name = "{{ inf.stem }} ring"
visible_to_accounts = [14631253285588838]
audiences = [
  "ring",
]
"#;

fn show(home: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    command
        .env_remove("STATE_DIRECTORY")
        .env_remove("RUNTIME_DIRECTORY")
        .env("DROPSHIP_SECOND", "s3cond-value");
    let output = command.current_dir(home).args(args).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn values_are_shown_with_file_and_line_and_without_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    std::fs::create_dir(home.join("rules.d")).expect("a folder");
    std::fs::write(home.join("dropship.toml"), MAIN).expect("written");
    std::fs::write(home.join("rules.d/a.toml"), INCLUDED).expect("written");
    std::fs::write(home.join("first.secret"), "f1rst-value").expect("written");
    let shown = show(home, &["--config", "dropship.toml", "config", "show"]);
    let path = |name: &str| home.join(name).display().to_string();
    let expected = [
        "accounts.first.tenant_id = \"contoso.onmicrosoft.com\"  # dropship.toml:3".to_owned(),
        format!("accounts.first.client_secret_file = \"{}\"  # dropship.toml:5", path("first.secret")),
        "accounts.\"second one\".client_secret_env = \"DROPSHIP_SECOND\"  # dropship.toml:10".to_owned(),
        "api.uncertain = \"1500ms\"  # dropship.toml:12".to_owned(),
        "api.workers = 2  # dropship.toml:13".to_owned(),
        "api.audit = \"7d\"  # default".to_owned(),
        "api.retry.max = \"1m\"  # dropship.toml:14".to_owned(),
        "api.poll.sign.first = \"15s\"  # default".to_owned(),
        "api.endpoint = \"https://manage.devcenter.microsoft.com\"  # default".to_owned(),
        "api.proxy = \"http://proxy:3128\"  # dropship.toml:15".to_owned(),
        format!("store.path = \"{}\"  # dropship.toml:17", path("store")),
        "store.keep = \"90d\"  # default".to_owned(),
        "store.min_free = \"256MiB\"  # default".to_owned(),
        "control.operators = \"wheel\"  # dropship.toml:21".to_owned(),
        "notify.pager.url = \"***\"  # dropship.toml:30".to_owned(),
        "notify.script.command = [\"/usr/bin/notify\", \"***\", \"***\"]  # dropship.toml:33".to_owned(),
        "notify.chat.give_up = \"3d\"  # default".to_owned(),
        "guard.everybody = \"hold\"  # dropship.toml:35".to_owned(),
        "guard.max_targets = 7  # dropship.toml:36".to_owned(),
        "guard.unforeseen = \"allow\"  # default".to_owned(),
        "signers.system_roots = false  # default".to_owned(),
        "preflight.inf-pnp-lockdown = \"warn\"  # default".to_owned(),
        "preflight.cert-not-ev = \"off\"  # dropship.toml:40".to_owned(),
        "folder.audio.settle = \"5s\"  # dropship.toml:50".to_owned(),
        format!("folder.audio.after = \"move:{}\"  # dropship.toml:51", path("done")),
        "folder.audio.poll = \"30s\"  # default".to_owned(),
        format!("folder.audio.outbox = \"{}\"  # default", path("store/outbox/audio")),
        "folder.audio.include = [\"*.cab\", \"*.hlkx\", \"*.hckx\"]  # default".to_owned(),
        "rule.first.product.device_type = \"internal\"  # dropship.toml:42".to_owned(),
        "rule.first.product.test_harness = \"hlk\"  # rules.d/a.toml:9".to_owned(),
        "rule.first.product.strategy = \"new\"  # default".to_owned(),
        "rule.first.submission.type = \"initial\"  # default".to_owned(),
        "rule.first.label.1.visible_to_accounts = [14631253285588838]  # rules.d/a.toml:14".to_owned(),
        "rule.first.label.1.audiences = [\"ring\"]  # rules.d/a.toml:15".to_owned(),
        "rule.first.label.1.go_live = \"2090-05-01\"  # dropship.toml:46".to_owned(),
        "rule.first.label.1.hold = false  # default".to_owned(),
    ];
    for line in expected {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    for secret in ["f1rst-value", "s3cond-value", "t0pSecret", "T00000000", "hush", "qu3ryKey", "argum3nt"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    let settings: Value =
        serde_json::from_str(&show(home, &["--config", "dropship.toml", "--json", "config", "show"]))
            .expect("JSON");
    let settings = settings.as_array().expect("a list");
    assert_eq!(settings.len(), shown.lines().count());
    let find = |key: &str| settings.iter().find(|setting| setting["key"] == key).expect("the key");
    let uncertain =
        json!({ "key": "api.uncertain", "value": "1500ms", "file": path("dropship.toml"), "line": 12 });
    assert_eq!(*find("api.uncertain"), uncertain);
    assert_eq!(find("rule.first.label.1.visible_to_accounts")["value"], json!(["14631253285588838"]));
    let keep = json!({ "key": "store.keep", "value": "90d", "file": null, "line": null });
    assert_eq!(*find("store.keep"), keep);
    // No key is shown twice.
    let mut keys: Vec<_> = settings.iter().map(|setting| setting["key"].to_string()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), settings.len());
}

#[test]
fn faulty_configuration_is_refused_with_its_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("dropship.toml"), "[api]\nworkers = 0\nworker = 1\n").expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    let output =
        command.current_dir(folder.path()).args(["--config", "dropship.toml", "config", "show"]).output();
    let output = output.expect("the command runs");
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(78), ""), "{errors}");
    assert!(errors.contains("dropship.toml:2:") && errors.contains("dropship.toml:3:"), "{errors}");
}

#[test]
fn empty_configuration_shows_defaults_only() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("dropship.toml"), "").expect("written");
    let shown = show(folder.path(), &["--config", "dropship.toml", "config", "show"]);
    assert!(shown.lines().count() > 20 && shown.lines().all(|line| line.ends_with("  # default")), "{shown}");
    assert!(shown.contains("control.socket = \"/run/dropship/control.sock\""), "{shown}");
}
