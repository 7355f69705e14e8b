//! The configurations in the documents pass `dropship check` and `dropship test`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use super::blocks::{Block, Document, for_users};
use crate::harness::{fixture, text};

/// Completes rules.
const BASE: &str = r#"
[account]
tenant_id = "contoso.onmicrosoft.com"
client_id = "client"
client_secret_file = "/etc/dropship/secret"
[signers]
roots = ["/etc/dropship/root.pem"]
"#;

/// Completes configurations without a folder.
const FOLDER: &str = r#"
[[folder]]
name = "audio"
path = "/srv/drop/audio"
"#;

/// Completes labels, keys of a rule, and other tables.
const RULE: &str = r#"
[[rule]]
name = "documented"
product = { name = "{{ file.stem }}", test_harness = "hlk", device_type = "internal", requested_signatures = ["WINDOWS_v100_X64_CO_FULL"] }
submission = { name = "{{ file.stem }}" }
"#;

/// Completes keys of a label.
const LABEL: &str = r#"
[[rule.label]]
name = "{{ file.stem }} ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
"#;

/// The complete configuration of a block; `None` if it is not marked as one. `document` has all blocks of its document.
fn configuration(block: &Block, document: &[Block]) -> Option<String> {
    let code = &block.code;
    let marked = |mark: &str| block.is("toml", mark);
    let folder = if code.contains("[[folder]]") { "" } else { FOLDER };
    let text = match () {
        () if marked("whole") => code.clone(),
        () if marked("rules") => format!("{BASE}{folder}{code}"),
        () if marked("tests") => {
            let rules = document.iter().find(|block| block.is("toml", "rules"))?;
            format!("{BASE}{folder}{}{code}", rules.code)
        }
        () if marked("with-rule") => format!("{BASE}{folder}{RULE}{code}"),
        () if marked("with-label") => format!("{BASE}{folder}{RULE}{LABEL}{code}"),
        () => return None,
    };
    Some(text)
}

/// A folder that stands in for the file system of a server.
struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    /// The files and folders that a configuration names, below a temporary folder.
    fn new(configuration: &str) -> Self {
        let server = Self { folder: tempfile::tempdir().expect("a folder") };
        let root = server.folder.path().to_str().expect("a path").to_owned();
        let placed =
            configuration.replace("\"/", &format!("\"{root}/")).replace("move:/", &format!("move:{root}/"));
        for quoted in placed.split('"').skip(1).step_by(2) {
            let path = Path::new(quoted.strip_prefix("move:").unwrap_or(quoted));
            if path.starts_with(&root) {
                Self::create(path);
            }
        }
        fs::create_dir(server.folder.path().join("state")).expect("a folder");
        fs::write(server.folder.path().join("dropship.toml"), placed).expect("written");
        server
    }

    fn create(path: &Path) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        if name.ends_with(".pem") {
            fs::copy(fixture("pki/roots.pem"), path).expect("a certificate");
        } else if name.contains("secret") {
            fs::write(path, "secret").expect("a secret");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
        } else if !name.contains('*') && !name.ends_with(".sock") {
            fs::create_dir_all(path).expect("a folder");
        }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.arg("--config").arg(self.folder.path().join("dropship.toml")).args(args);
        for name in ["STATE_DIRECTORY", "RUNTIME_DIRECTORY"] {
            command.env(name, self.folder.path().join("state"));
        }
        command.current_dir(self.folder.path()).output().expect("the command runs")
    }
}

#[test]
fn configurations_in_documents_pass_check_and_test() {
    let mut faults = Vec::new();
    let mut count = 0;
    let documents: Vec<_> = for_users().iter().map(Document::blocks).collect();
    for (block, document) in
        documents.iter().flat_map(|blocks| blocks.iter().map(move |block| (block, blocks)))
    {
        let Some(configuration) = configuration(block, document) else {
            if block.language == "toml" && block.code.parse::<toml::Table>().is_err() {
                faults.push(format!("{}: invalid TOML", block.place));
            }
            continue;
        };
        count += 1;
        let server = Server::new(&configuration);
        for command in ["check", "test"] {
            let output = server.run(&[command]);
            if !output.status.success() {
                let (out, error) = (text(&output.stdout), text(&output.stderr));
                faults.push(format!("{}: {command}: {out}{error}", block.place));
            }
        }
    }
    assert!(count >= 10, "only {count} configurations found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn whole_configurations_in_documents_test_every_rule() {
    let mut count = 0;
    for block in
        for_users().iter().filter(|document| document.name == "docs/recipes.md").flat_map(Document::blocks)
    {
        if !block.is("toml", "whole") {
            continue;
        }
        count += 1;
        let output = Server::new(&block.code).run(&["--json", "test"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(report["passed"].as_u64().is_some_and(|passed| passed > 0), "{}: {report:#}", block.place);
        assert_eq!(report["without_test"], serde_json::json!([]), "{}", block.place);
    }
    assert!(count >= 5, "only {count} recipes found");
}

#[test]
fn variables_in_documents_are_accepted_by_the_rule_beside_them() {
    let mut count = 0;
    for document in for_users() {
        let blocks = document.blocks();
        let rule =
            blocks.iter().find(|block| block.is("toml", "with-rule") && block.code.starts_with("vars"));
        for sidecar in blocks.iter().filter(|block| block.is("toml", "sidecar")) {
            count += 1;
            let rule = rule.unwrap_or_else(|| panic!("{}: no rule declares the variables", sidecar.place));
            let server = Server::new(&configuration(rule, &blocks).expect("a configuration"));
            fs::write(server.folder.path().join("echo.cab.toml"), &sidecar.code).expect("written");
            fs::copy(fixture("cab/good-signed-ts.cab"), server.folder.path().join("echo.cab"))
                .expect("a copy");
            let output =
                server.run(&["--json", "plan", "echo.cab", "--folder", "audio", "--vars", "echo.cab.toml"]);
            let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(plan["vars"], serde_json::json!({"branch": "rel-2.1"}), "{}: {plan:#}", sidecar.place);
        }
    }
    assert!(count > 0);
}
