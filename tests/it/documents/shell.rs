//! The commands in the documents run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::blocks::{Document, for_users, repository};
use crate::harness::rules::hlkx_rule;
use crate::harness::{TestEnv, bytes, text, wait_for};

/// First words of lines that need systemd, root or another machine, or that a test runs already in the background.
const NOT_HERE: &[&str] = &[
    "systemctl",
    "journalctl",
    "timedatectl",
    "apt",
    "install",
    "mkdir",
    "df",
    "du",
    "tar",
    "mv",
    "cargo test",
    "dropship run",
    "dropship sandbox",
    "export DROPSHIP_CONFIG",
];

/// The label of a second rule, a test of the first one and folders, for commands that name them.
const MORE: &str = r#"name = "{{ file.stem }} retail"
destination = "windows_update"
audiences = ["Test Registry Key"]
[[folder]]
name = "attestation"
path = "attestation"
[[folder]]
name = "builds"
path = "builds"
[[test]]
name = "audio cab"
package = { folder = "audio", file = "x.cab", provider = "Contoso", inf = "x.inf", version = "1.0.0.1", hardware_ids = ['PCI\VEN_1414&DEV_0001'] }
expect = { rule = "ring" }
"#;

/// The folder in which the lines of a document run: packages, a daemon, and one job that has succeeded.
struct WorkFolder {
    env: TestEnv,
}

impl WorkFolder {
    fn new(document: &Document) -> Self {
        let env = TestEnv::with(Quirks::none(), &hlkx_rule("retail", MORE));
        let config = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
        fs::write(env.path("dropship.toml"), config.replace("name = \"in\"", "name = \"audio\""))
            .expect("written");
        for folder in ["build", "builds", "bin", "attestation"] {
            fs::create_dir(env.path(folder)).expect("a folder");
        }
        symlink(env!("CARGO_BIN_EXE_dropship"), env.path("bin/dropship")).expect("a link");
        symlink(repository().join("config"), env.path("config")).expect("a link");
        for name in ["echo.cab", "build/echo.cab"] {
            fs::write(env.path(name), bytes("cab/good-signed-ts.cab")).expect("a package");
        }
        for block in document.blocks().iter().filter(|block| block.language == "json") {
            if let Some(name) = block.marks.first() {
                fs::write(env.path(name), &block.code).expect("a file");
            }
        }
        Self { env }
    }

    /// The newest object at the sandbox: product, submission or label.
    fn newest(&self, placeholder: &str) -> String {
        let state = self.env.sandbox_page("state");
        let last = |list: &Value| list.as_array().and_then(|list| list.last()).cloned().unwrap_or_default();
        let product = last(&state["products"]);
        let submission = last(&product["submissions"]);
        let object = match placeholder {
            "PID" => product,
            "SID" => submission,
            _ => last(&submission["labels"]),
        };
        object["id"].as_str().unwrap_or("no-such-object").to_owned()
    }

    /// The line with the paths and ids of this place.
    fn line(&self, line: &str) -> String {
        let mut line = line.replace("sudo -u dropship ", "").replace("sudo ", "");
        line = line.replace("cargo run --release -- ", "dropship ");
        for (documented, here) in [
            ("/run/dropship/control.sock", "control.sock"),
            ("/etc/dropship/dropship.toml", "dropship.toml"),
            ("/srv/drop/audio", "drop"),
            ("/srv/builds/audio", "drop"),
            ("/srv/signed/audio", "out"),
        ] {
            line = line.replace(documented, self.env.path(here).to_str().expect("a path"));
        }
        for placeholder in ["PID", "SID", "LID"] {
            if line.contains(placeholder) {
                line = line.replace(placeholder, &self.newest(placeholder));
            }
        }
        if line.contains(" JOB") {
            let receipt = self.env.receipts().pop().expect("a receipt");
            line = line.replace(" JOB", &format!(" {}", receipt["id"].as_str().expect("an id")));
        }
        line
    }

    fn run(&self, line: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin: PathBuf = self.env.path("bin");
        let mut command = Command::new("timeout");
        command.args(["120", "bash", "-e", "-c", line]);
        command.env("PATH", format!("{}:{path}", bin.display()));
        command.env("DROPSHIP_CONFIG", self.env.path("dropship.toml"));
        command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
        command.current_dir(self.env.folder.path()).output().expect("bash runs")
    }
}

/// The lines of a document's runnable blocks, with continued lines joined.
fn lines(document: &Document) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for block in document.blocks().iter().filter(|block| block.is("sh", "run")) {
        let joined = block.code.replace("\\\n", " ");
        let code = joined.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        lines.extend(code.map(|line| (block.place.clone(), line.to_owned())));
    }
    lines
}

/// Runs the commands of a document; returns their number and those that failed.
fn run(document: &Document) -> (usize, Vec<String>) {
    let mut faults = Vec::new();
    let mut count = 0;
    let lines = lines(document);
    if lines.is_empty() {
        return (count, faults);
    }
    let folder = WorkFolder::new(document);
    let _daemon = folder.env.daemon(&[]);
    folder.env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(folder.env.wait_for_end()["state"], "succeeded", "{}", folder.env.log());
    // A file that documents wait for. Its bytes are those of the job.
    folder.env.drop_package("echo-1.2.3-b4711.cab", &bytes("cab/good-signed-ts.cab"));
    for (place, documented) in lines {
        let line = folder.line(&documented);
        if NOT_HERE.iter().any(|start| line.starts_with(start)) {
            continue;
        }
        count += 1;
        let output = folder.run(&line);
        if !output.status.success() {
            let (out, error) = (text(&output.stdout), text(&output.stderr));
            faults.push(format!("{place}: {documented}\n({line})\n{}\n{out}{error}", output.status));
        }
    }
    (count, faults)
}

#[test]
fn commands_in_documents_run() {
    let documents = for_users();
    let results: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = documents.iter().map(|document| scope.spawn(move || run(document))).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let count: usize = results.iter().map(|(count, _)| count).sum();
    let faults: Vec<_> = results.into_iter().flat_map(|(_, faults)| faults).collect();
    assert!(count >= 20, "only {count} commands found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn documented_folder_of_a_package_and_its_receipt_can_be_found() {
    // As the script for Windows searches: `<stem>-<first 8 of sha256>*`, and a receipt with the digest of the package.
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = env.wait_for_end();
    let sha256 = receipt["sha256"].as_str().expect("a digest");
    let name = format!("echo-{}", &sha256[..8]);
    let files = ["receipt.json", "signed.zip", "driver-metadata.json", "certification-report"];
    wait_for("the results", || {
        files.iter().all(|file| env.path("out").join(&name).join(file).exists()).then_some(())
    })
    .unwrap_or_else(|| panic!("{name}: {}", env.log()));
    drop(daemon);
}
