//! Whole files: accepted ones, and the exact messages for others.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dropship_rules::rule::{Destination, Strategy};

use super::model::{AfterSuccess, Credential};
use super::{Config, Environment, Report, load_str};

mod cases;
mod choosing;
mod files;
mod labels;
mod planning;
mod rules;
mod secrets;

/// Set in a process that runs one test.
const OWN_PROCESS: &str = "DROPSHIP_TEST_IN_OWN_PROCESS";

fn environment() -> Environment {
    Environment {
        state_directory: Some(PathBuf::from("/state")),
        runtime_directory: Some(PathBuf::from("/runtime")),
        ..Environment::default()
    }
}

fn read(text: &str) -> Result<Config, Report> {
    load_str(Path::new("/etc/dropship/dropship.toml"), text, &environment())
}

fn config(text: &str) -> Config {
    read(text).unwrap_or_else(|report| panic!("{report}"))
}

fn reported(text: &str) -> String {
    match read(text) {
        Ok(config) => panic!("taken: {}", config.warnings),
        Err(report) => report.to_string(),
    }
}

/// The problems of a text, one per line: `line:column message [help]`.
fn lines(text: &str) -> Vec<String> {
    let report = match read(text) {
        Ok(config) => config.warnings,
        Err(report) => report,
    };
    let line = |problem: &super::Problem| {
        let help = problem.help.as_deref().map(|help| format!(" [{help}]")).unwrap_or_default();
        format!("{}:{} {}{help}", problem.line, problem.column, problem.message)
    };
    report.problems.iter().map(line).collect()
}

/// A configuration with most keys.
const CONTRACT: &str = include_str!("load_tests/contract.toml");

#[test]
fn documented_configuration_is_accepted_unchanged() {
    let config = config(CONTRACT);
    assert_eq!(config.warnings.to_string(), "No problems found");
    let account = &config.accounts["default"];
    assert_eq!(account.credential, Credential::SecretFile("/etc/dropship/secret".into()));
    assert_eq!(config.api.retry.min(), Duration::from_millis(500));
    assert_eq!(config.api.ca_file.as_deref(), Some(Path::new("/etc/dropship/corp-ca.pem")));
    assert_eq!(config.signers.roots, [PathBuf::from("/etc/dropship/corp-root.pem")]);
    let rule = &config.rules[0];
    assert_eq!(rule.account, "default");
    assert_eq!(rule.product.strategy, Strategy::New);
    assert_eq!(rule.labels[0].destination, Destination::WindowsUpdate);
    assert_eq!(config.ready_to_run(), Ok(()));
}

#[test]
fn empty_file_has_every_default_and_cannot_run() {
    let config = config("");
    assert_eq!(config.store.path, Path::new("/state"));
    assert_eq!(config.control.socket, Path::new("/runtime/control.sock"));
    assert_eq!(config.api.endpoint.as_str(), "https://manage.devcenter.microsoft.com/");
    assert_eq!(config.api.authority.as_str(), "https://login.microsoftonline.com/");
    assert_eq!(config.api.blob_hosts, ["*.blob.core.windows.net"]);
    assert_eq!(config.api.workers, 4);
    assert_eq!(config.api.uncertain, Duration::from_secs(600));
    assert_eq!(config.api.poll.publish.max, Duration::from_secs(3600));
    assert_eq!(config.store.keep, Duration::from_secs(90 * 86_400));
    let report = config.ready_to_run().expect_err("not ready");
    let messages: Vec<_> = report.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "there is no account",
            "there is no folder to watch",
            "there is no rule, so every package would be rejected",
            "no signature is trusted"
        ]
    );
}

#[test]
fn unknown_keys_and_wrong_types_are_all_reported_in_one_run() {
    assert_eq!(
        lines(
            "[api]\nwokers = 2\nworkers = \"many\"\nuncertain = \"soon\"\nretry = { frist = \"1s\" }\n\
             [stroe]\npath = 1\n\
             [[folder]]\nname = \"a\"\npath = \"/a\"\nbacklog = \"keep\"\nrecursive = \"yes\"\ninclude = [\"*.cab\", 5]\n\
             [[folder]]\nnmae = \"b\"\npath = \"/b\"\n\
             [[rule]]\nmatch = { providr = \"x\", file = \"[a\" }\n"
        ),
        [
            "2:1 unknown key `wokers` [did you mean `workers`?]",
            "3:11 expected a whole number that is not negative, found string \"many\"",
            "4:13 `soon` is not a duration; write one such as \"250ms\", \"5s\", \"10m\" or \"7d\"",
            "5:11 unknown key `frist` [did you mean `first`?]",
            "6:2 unknown key `stroe` [did you mean `store`?]",
            "11:11 `keep` is not a value of this key [known here: `take` and `hold`]",
            "12:13 expected `true` or `false`, found string \"yes\"",
            "13:21 expected a string, found integer `5`",
            "15:1 unknown key `nmae` [did you mean `name`?]",
            "17:1 `name` is missing",
            "17:1 `product` is missing",
            "18:11 unknown key `providr` [did you mean `provider`?]",
            "18:33 `[a` is not a glob: `[` has no closing `]`; write `[[]` for the character `[`",
        ]
    );
}

#[test]
fn syntax_errors_are_all_reported_without_consequential_errors() {
    let report = reported("[api\nworkers = \n[store]\nkeep = \"90d\"\npath == 3\n");
    assert!(report.starts_with("error: not TOML: "), "{report}");
    assert_eq!(report.matches("error: ").count(), 3, "{report}");
}

#[test]
fn report_has_file_line_and_column() {
    assert_eq!(
        reported("[api]\nendpoint = \"http://api.example.com\"\n"),
        "error: `endpoint` would send credentials unencrypted\n \
         --> /etc/dropship/dropship.toml:2:12\n  \
         |\n\
         2 | endpoint = \"http://api.example.com\"\n  \
         |            ^^^^^^^^^^^^^^^^^^^^^^^^\n  \
         |\n  \
         = help: write https://; plain http:// is allowed for loopback addresses only\n\n\
         1 error"
    );
}

#[test]
fn plain_http_is_for_loopback() {
    for host in ["127.0.0.1:8080", "localhost:1", "[::1]:9", "api.localhost"] {
        let text = format!("[api]\nendpoint = \"http://{host}\"\nauthority = \"http://{host}/x\"\n");
        assert!(config(&text).api.endpoint.as_str().starts_with("http://"), "{host}");
    }
    for host in ["example.com", "10.0.0.1", "localhost.example.com", "127.0.0.1.nip.io"] {
        let text = format!("[api]\nendpoint = \"http://{host}\"\nauthority = \"http://{host}\"\n");
        assert_eq!(lines(&text).len(), 2, "{host}");
    }
    assert_eq!(lines("[api]\nendpoint = \"ftp://x\"\nproxy = \"http://u:p@x\"\n").len(), 2);
}

#[test]
fn secret_in_the_configuration_is_never_shown() {
    let secret = "hUsh8Q~0123456789abcdefghijklmnopqrstuv";
    for text in [
        format!("[account]\nclient_secret = \"{secret}\"\n"),
        format!("[account]\nCLIENT_SECRET = \"{secret}\"\n"),
        format!("[account]\nclient_secrt = '{secret}'\n"),
        format!("[account]\nclient_secret = {secret}\n"),
        format!("[account]\nclient_secret = \"{secret}\n"),
        format!("[account]\nclient_secret {secret}\n"),
        format!("[account]\nclient_secret_file = \"{secret}\"\n"),
        format!("[account]\nclient_secret_env = \"{secret}\"\n"),
        format!("[account]\nclient_secret_credential = \"{secret}\"\n"),
        format!("[account]\nclient_secret_file = [\"{secret}\"]\n"),
        format!("account = {{ client_secret = \"{secret}\" }}\n"),
        format!("account.client_secret = \"\"\"\n{secret}\n\"\"\"\n"),
        format!("client_secret = \"{secret}\"\n"),
        format!("[api]\nproxy = \"{secret}\"\n"),
        format!("[api]\nproxy = \"http://u:{secret}@h:1\"\n"),
        format!("[[notify]]\nname = \"a\"\nurl = \"http://h/{secret}\"\n"),
        format!("[[notify]]\nname = \"a\"\nurl = \"{secret}\"\n"),
        format!("[[notify]]\nname = \"a\"\nsecret = \"{secret}\"\n"),
        // A short secret is found by its place alone.
        "[account]\nclient_secret = \"hUsh8Q\"\n".to_owned(),
        "[account]\nclient_secret_env = 8\nclient_secret = hUsh8Q\n".to_owned(),
    ] {
        let report = read(&text)
            .err()
            .map(|report| (report.to_string(), serde_json::to_string(&report).expect("JSON")));
        let (shown, json) = report.unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(!shown.contains("hUsh8Q") && !json.contains("hUsh8Q"), "{text}\n{shown}\n{json}");
    }
}

#[test]
fn account_without_exactly_one_credential_is_refused() {
    let account = |keys: &str| lines(&format!("[account]\ntenant_id = \"t\"\nclient_id = \"c\"\n{keys}\n"));
    assert_eq!(account("client_secret_env = \"S\""), Vec::<String>::new());
    assert_eq!(
        account("client_secret_env = \"S\"\nfederated_token_file = \"/t\""),
        ["5:24 `federated_token_file` besides `client_secret_env`: an account has exactly one credential \
             [remove the one that is not used]"]
    );
    let none = account("");
    assert!(
        none[0].starts_with("1:1 the account has no credential [give one of `client_secret_file`"),
        "{none:?}"
    );
    let secret = account("client_secret = \"hunter2\"");
    let expected = "4:1 unknown key `client_secret` [the configuration must not contain a secret";
    assert!(secret[0].starts_with(expected), "{secret:?}");
    assert_eq!(lines("[account]\nmanaged_identity = true\n"), Vec::<String>::new());
    assert_eq!(
        lines("[account]\nclient_secret_file = \"s\"\ntenant_id = \"a/b\"\nclient_id = \"\"\n"),
        ["3:13 `a/b` is not a tenant; a tenant is a GUID or a domain name", "4:13 `client_id` is empty"]
    );
}

#[test]
fn folders_that_overlap_are_reported() {
    let folder = |name: &str, path: &str, more: &str| {
        format!("[[folder]]\nname = \"{name}\"\npath = \"{path}\"\n{more}\n")
    };
    let two = |a: String, b: String| lines(&format!("{a}{b}"));
    let overlap = "overlap: a package would be two jobs [use separate folders, or remove `recursive`]";
    assert_eq!(
        two(folder("a", "/x/y", ""), folder("b", "/x/z/../y", "")),
        [format!("7:8 folders `b` and `a` {overlap}")]
    );
    assert_eq!(
        two(folder("a", "/x", "recursive = true"), folder("b", "/x/y", "")),
        [format!("7:8 folders `b` and `a` {overlap}")]
    );
    assert_eq!(two(folder("a", "/x", ""), folder("b", "/x/y", "")), Vec::<String>::new());
    assert_eq!(
        two(folder("a", "/x", ""), folder("a", "/y", "")),
        ["6:8 there are two folders named `a` [the first is at /etc/dropship/dropship.toml:2; names are \
             unique across all files]"]
    );
    assert_eq!(
        lines(&folder("a", "/x", "outbox = \"/x/out\"\nafter = \"move:/x\"")),
        [
            "4:10 the outbox is inside the drop folder `a` [the results would be found as dropped files; \
             name a folder elsewhere]",
            "5:9 `after` would move files into the drop folder `a` [they would be dropped again; move them elsewhere]"
        ]
    );
    assert_eq!(
        lines(&folder("a", "/state", "outbox_mode = \"888\"\npoll = \"0s\"")),
        [
            "3:8 folder `a` and the store overlap",
            "4:15 `888` is not a mode for results [write octal digits such as \"0640\"; dropship itself must read and \
             write them, and others must not write them]",
            "5:8 `poll` must be longer than 0"
        ]
    );
    let whole =
        config(&folder("a", "drop", "after = \"move:done\"\noutbox_mode = \"0640\"\nexclude = \"x*\""));
    let whole = &whole.folders[0];
    assert_eq!(whole.path, Path::new("/etc/dropship/drop"));
    assert_eq!(whole.after, AfterSuccess::Move("/etc/dropship/done".into()));
    assert_eq!((whole.outbox_mode, whole.exclude.as_slice()), (Some(0o640), ["x*".to_owned()].as_slice()));
}

#[test]
fn systemd_hands_down_lists_of_folders() {
    let get = |name: &str| match name {
        "STATE_DIRECTORY" => Some("/a:/b".into()),
        "RUNTIME_DIRECTORY" => Some("".into()),
        _ => None,
    };
    let environment = Environment::from_variables(get);
    assert_eq!(environment.state_directory, Some("/a".into()));
    assert_eq!(environment.runtime_directory, None);
}

/// Any text yields a configuration or a report, never a panic.
#[test]
fn broken_configuration_yields_a_report_and_no_panic() {
    // In a process of its own: what looks like a secret in a broken file is masked in all texts of the process, also in those
    // that other tests expect.
    if std::env::var_os(OWN_PROCESS).is_none() {
        let program = std::env::current_exe().expect("this program");
        let name = "load_tests::broken_configuration_yields_a_report_and_no_panic";
        let run =
            Command::new(program).args(["--exact", name]).env(OWN_PROCESS, "1").output().expect("started");
        let printed = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && printed.contains("1 passed"), "{printed}");
        return;
    }
    let lines: Vec<_> = CONTRACT.lines().collect();
    for cut in 0..lines.len() {
        let mut without = lines.clone();
        let line = without.remove(cut);
        let swapped = |new: &str| {
            let mut other = lines.clone();
            other[cut] = new;
            other.join("\n")
        };
        let upper = line.to_uppercase();
        let value =
            line.split_once(" = ").map_or("[ü]".to_owned(), |(key, _)| format!("{key} = [[{{ ü = 1 }}]]"));
        for text in [without.join("\n"), swapped(&upper), swapped(&value), swapped("ü = [")] {
            if let Err(report) = read(&text) {
                assert!(report.errors() > 0 && !report.render(true).is_empty());
            }
        }
        let half = CONTRACT.len() * cut / lines.len();
        if let Err(report) = read(&CONTRACT[..half]) {
            assert!(report.errors() > 0);
        }
    }
}
