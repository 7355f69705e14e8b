//! `dropship sandbox` as a program of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::fixture;

/// The running sandbox, which is stopped by a signal.
struct Server {
    child: Child,
    base: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dropship"))
            .arg("sandbox")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let mut base = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        out.read_line(&mut base).expect("its base URL");
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Self { child, base: base.trim().to_owned(), http, runtime }
    }

    /// Sends a request; returns the status and the body.
    fn ask(&self, method: &str, path: &str, body: Option<Value>, token: &str) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}/{path}", self.base)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.answer(request)
    }

    fn answer(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        self.runtime.block_on(async {
            let answer = request.send().await.expect("an answer");
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        })
    }

    fn token(&self, tenant: &str, client: &str, secret: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
            ("resource", "https://manage.devcenter.microsoft.com"),
        ];
        let url = format!("{}/{tenant}/oauth2/token", self.base);
        self.answer(self.http.post(url).form(&form))
    }

    /// Stops it with a signal; returns its exit code.
    fn end(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn sandbox_runs_an_unchanged_script_for_the_real_service() {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|python| python.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI has python3");
        eprintln!("NOT RUN: there is no python3, which the script of this test wants");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/service.py");
    for more in [&[][..], &["--quirks", "space-in-sas,enum-case,strict-commit-type,page-every-list"]] {
        let server = Server::start(&[&["--speed", "6000"], more].concat());
        let output = Command::new("python3")
            .arg(&script)
            .args([&server.base, &server.base, "my-tenant"])
            .arg(fixture("cab/good-signed-ts.cab"))
            .env_remove("http_proxy")
            .output()
            .expect("python3 runs");
        assert!(output.status.success(), "{more:?}: {}", String::from_utf8_lossy(&output.stderr));
        let state = server.ask("GET", "__sandbox/state", None, "").1;
        assert_eq!(state["counts"]["labels"], 1, "{state}");
        assert_eq!(server.end(), Some(0), "SIGTERM is an end like any other");
    }
}

#[test]
fn sandbox_options_change_its_behaviour() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("write");
        path.to_str().expect("a path").to_owned()
    };
    let secret = file("secret", "hush\n");
    let fault = json!([{"operation": "list_products", "action": {"kind": "status", "status": 503}}]);
    let faults = file("faults.json", &fault.to_string());
    let server = Server::start(
        &[
            &["--tenant-id", "t", "--client-id", "c", "--client-secret-file", &secret][..],
            &["--faults", &faults, "--page-size", "2", "--seed", "7", "--speed", "1200"],
            &["--review", "until-released", "--requests-per-minute", "4", "--throttle-window", "1h"],
        ]
        .concat(),
    );
    let (status, refused) = server.token("t", "c", "wrong");
    assert_eq!(status, 401, "{refused}");
    assert_eq!(server.token("other", "c", "hush").0, 400);
    let (status, granted) = server.token("t", "c", "hush");
    assert_eq!(status, 200, "{granted}");
    let token = granted["access_token"].as_str().expect("a token");

    let fill = json!({"tenant": "t", "count": 5});
    assert_eq!(server.ask("POST", "__sandbox/products", Some(fill), "").0, 200);
    let list = || server.ask("GET", "v2.0/my/hardware/products", None, token);
    assert_eq!(list().0, 503, "the fault of the file comes first");
    let (status, page) = list();
    assert_eq!((status, page["value"].as_array().map(Vec::len)), (200, Some(2)), "{page}");
    let statuses: Vec<u16> = (0..4).map(|_| list().0).collect();
    assert_eq!(statuses.last(), Some(&429), "four requests in the window: {statuses:?}");
    assert_eq!(server.end(), Some(0));
}
