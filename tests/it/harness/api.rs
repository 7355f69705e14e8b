//! A sandbox, and `dropship api` commands against it.

#![expect(clippy::expect_used, clippy::panic, reason = "a failure here fails the test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use dropship_hardware::{Client, Credential, NewShippingLabel, NewSubmission, SecretSource, Settings};
use dropship_redact::SecretString;
use dropship_sandbox::{Control, Options, Quirks, Sandbox};
use serde_json::{Value, json};

use crate::harness::{fixture, text, wait_for};

/// A sandbox whose working time advances only with [`Self::advance_work`], and a configuration for it.
pub(crate) struct ApiFixture {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
}

/// The ids of a label, its product and its submission, as arguments.
pub(crate) struct Ids {
    pub(crate) product: String,
    pub(crate) submission: String,
    pub(crate) label: String,
}

impl ApiFixture {
    pub(crate) fn new() -> Self {
        Self::with("page-every-list,foreign-hosts-in-links,space-in-sas")
    }

    /// A fixture whose sandbox has these quirks.
    pub(crate) fn with(quirks: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let quirks = Quirks::parse(quirks).expect("quirks");
        let options = Options { page_size: 7, quirks, ..Options::default() };
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        let folder = tempfile::tempdir().expect("a folder");
        let base = sandbox.base_url();
        let configuration = format!(
            r#"
[account]
tenant_id = "tenant"
client_id = "client"
client_secret_file = "secret"
[accounts.other]
tenant_id = "elsewhere"
client_id = "client"
client_secret_file = "./no-such-secret"
[api]
endpoint = "{base}"
authority = "{base}"
retry = {{ first = "1ms", max = "10ms" }}
[api.poll]
sign = {{ first = "20ms", max = "100ms" }}
publish = {{ first = "20ms", max = "100ms" }}
"#
        );
        fs::write(folder.path().join("secret"), "s3cr3t").expect("a secret");
        fs::write(folder.path().join("dropship.toml"), configuration).expect("a configuration");
        Self { folder, sandbox, runtime }
    }

    pub(crate) fn control(&self) -> Control {
        self.sandbox.control()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.arg("--config").arg(self.path("dropship.toml")).arg("api").args(args);
        command.current_dir(self.folder.path()).output().expect("the command runs")
    }

    /// Starts it, with its output in pipes.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.arg("--config").arg(self.path("dropship.toml")).arg("api").args(args);
        command.current_dir(self.folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the command starts")
    }

    /// Runs a command that must succeed; returns its standard output.
    pub(crate) fn stdout(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must succeed with `--json`; returns the document.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let stdout = self.stdout(&[args, &["--json"]].concat());
        assert!(!stdout.replace("sig=***", "").contains("sig="), "a signature in {stdout}");
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{args:?}: {error} in {stdout}"))
    }

    /// Runs a command that must fail; returns the exit code and standard error.
    pub(crate) fn fail(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        assert_eq!(text(&output.stdout), "", "{args:?}");
        (output.status.code().expect("an exit code"), text(&output.stderr))
    }

    /// The requests other than reads and token requests.
    pub(crate) fn changes(&self) -> Vec<(String, String, Value)> {
        let all = self.control().requests().into_iter();
        let changing = all.filter(|entry| entry.method != "GET" && entry.operation != "token");
        changing.map(|entry| (entry.method, entry.path, entry.body)).collect()
    }

    pub(crate) fn client(&self) -> Client {
        let base: url::Url = self.sandbox.base_url().parse().expect("a URL");
        let secret = Credential::Secret(SecretSource::fixed(SecretString::from("s3cr3t")));
        Client::new(Settings::new(base.clone(), base, "tenant", "client", secret)).expect("a client")
    }

    /// A product with an uploaded, uncommitted submission.
    pub(crate) fn uploaded(&self) -> (String, String) {
        let client = self.client();
        let product = self.control().add_products("tenant", "Echo", 1)[0].to_string();
        let pid = product.parse().expect("an id");
        let new: NewSubmission =
            serde_json::from_value(json!({"name": "echo", "type": "initial"})).expect("new");
        let submission = self.runtime.block_on(async {
            let id = client.create_submission(pid, &new).await.expect("a submission").id;
            let url = client.submission(pid, id).await.expect("it").upload_url().expect("a slot");
            client.upload(&url, &fixture("cab/good-signed-ts.cab"), &|_| {}).await.expect("an upload");
            id.to_string()
        });
        (product, submission)
    }

    pub(crate) fn signed(&self) -> (String, String) {
        let (product, submission) = self.uploaded();
        self.stdout(&["submission", "commit", &product, &submission]);
        self.advance_work(700);
        wait_for("the signed package", || {
            let seen = self.json(&["submission", "get", &product, &submission]);
            seen["downloads"].to_string().contains("driverMetadata").then_some(())
        })
        .expect("it is signed");
        (product, submission)
    }

    /// A published label for the first hardware id of the metadata.
    pub(crate) fn published(&self) -> (Ids, Vec<String>) {
        let (product, submission) = self.signed();
        self.stdout(&[
            "submission",
            "download",
            &product,
            &submission,
            "--kind",
            "metadata",
            "--to",
            "m.json",
        ]);
        let metadata = fs::read(self.path("m.json")).expect("metadata");
        let metadata = dropship_hardware::DriverMetadata::parse(&metadata).expect("metadata");
        let rows: Vec<_> = metadata.targets().collect();
        assert!(rows.len() > 1, "{rows:?}");
        let (bundle, inf, os, pnp) = rows[0];
        let audience = self.audience("Test Registry Key");
        let new: NewShippingLabel = serde_json::from_value(json!({
            "name": "ring", "destination": "windowsUpdate",
            "publishingSpecifications": {
                "isAutoInstallDuringOSUpgrade": false, "isAutoInstallOnApplicableSystems": false, "manualAcquisition": true,
            },
            "targeting": {
                "restrictedToAudiences": [audience],
                "inServicePublishInfo": {"flooring": "RS1"},
                "hardwareIds": [{"bundleId": bundle, "infId": inf, "operatingSystemCode": os, "pnpString": pnp}],
            },
        }))
        .expect("a label");
        let (pid, sid) = (product.parse().expect("an id"), submission.parse().expect("an id"));
        let created = self.runtime.block_on(self.client().create_label(pid, sid, &new)).expect("a label");
        self.advance_work(4000);
        let ids = Ids { product, submission, label: created.id.to_string() };
        (ids, rows.iter().map(|(bundle, inf, os, pnp)| format!("{bundle}|{inf}|{os}|{pnp}")).collect())
    }

    pub(crate) fn advance_work(&self, seconds: u64) {
        self.control().advance_work(Duration::from_secs(seconds));
    }

    pub(crate) fn audience(&self, name: &str) -> String {
        let all = self.json(&["audience", "list"]);
        let found = all.as_array().expect("a list").iter().find(|item| item["name"] == name);
        found.expect("the audience")["id"].as_str().expect("a string").to_owned()
    }

    /// The state of the only label at the sandbox.
    pub(crate) fn label_state(&self) -> Value {
        self.control().state()["products"][0]["submissions"][0]["labels"][0].clone()
    }
}

impl Ids {
    pub(crate) fn on<'a>(&'a self, verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["label", verb, &self.product, &self.submission, &self.label], more].concat()
    }
}

pub(crate) fn fetch<'a>(product: &'a str, submission: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["submission", "download", product, submission], more].concat()
}
