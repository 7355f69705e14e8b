//! The sandbox as its clients see it: over sockets, with a plain HTTP client.

mod blobs;
mod faults;
mod flow;
mod labels;
mod lists;
mod quirks;
mod tokens;

use std::io::{Cursor, Write as _};
use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{Options, Sandbox};

/// The tenant that tests call as.
const TENANT: &str = "11111111-2222-3333-4444-555555555555";

/// Maximum time that a test waits for one condition. It is long, because a slow machine must not fail a test.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Waits until a condition is true.
async fn until(description: &str, mut holds: impl AsyncFnMut() -> bool) {
    let polling = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(TIME_LIMIT, polling).await.is_ok(), "timed out: {description}");
}

/// Advances the clock by which the sandbox delays its work, and by which its clients wait.
async fn advance_delays(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

/// A sandbox with a client and its token.
struct TestService {
    sandbox: Sandbox,
    http: reqwest::Client,
    token: String,
}

fn http() -> reqwest::Client {
    // The first test to come here installs it for all.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().timeout(TIME_LIMIT).build().unwrap()
}

/// A cabinet with a folder that holds an INF, a binary and a catalogue.
fn cab() -> Vec<u8> {
    cab_with("drv", INF)
}

fn cab_with(folder: &str, inf: &str) -> Vec<u8> {
    let mut builder = cab::CabinetBuilder::new();
    let folder_builder = builder.add_folder(cab::CompressionType::MsZip);
    for name in ["contoso.inf", "contoso.sys", "contoso.cat"] {
        folder_builder.add_file(if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}\\{name}")
        });
    }
    let mut writer = builder.build(Cursor::new(Vec::new())).unwrap();
    while let Some(mut file) = writer.next_file().unwrap() {
        let body = if file.file_name().ends_with(".inf") {
            inf.to_owned()
        } else {
            format!("bytes of {}", file.file_name())
        };
        file.write_all(body.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const INF: &str = "[Version]\r\nSignature=\"$Windows NT$\"\r\nClass=MEDIA\r\n\
    ClassGuid={4d36e96c-e325-11ce-bfc1-08002be10318}\r\nProvider=%P%\r\nDriverVer=06/15/2025,1.2.3.4\r\n\
    CatalogFile=contoso.cat\r\n[Manufacturer]\r\n%P%=Models,NTamd64\r\n[Models.NTamd64]\r\n\
    \"Contoso sound\"=Install,PCI\\VEN_8086&DEV_0001,PCI\\VEN_8086&DEV_0002\r\n[Strings]\r\nP=\"Contoso\"\r\n";

const CODE: &str = "WINDOWS_v100_X64_CO_FULL";

fn new_product(name: &str) -> Value {
    json!({
        "productName": name, "testHarness": "Attestation", "deviceType": "internal", "isTestSign": false,
        "isFlightSign": false, "marketingNames": [], "deviceMetadataIds": [], "selectedProductTypes": {},
        "requestedSignatures": [CODE], "additionalAttributes": {},
    })
}

impl TestService {
    async fn new(options: Options) -> Self {
        Self::of(Sandbox::start(options).await.unwrap(), TENANT).await
    }

    async fn plain() -> Self {
        Self::new(Options { seed: 1, ..Options::default() }).await
    }

    async fn quirky(quirks: &str) -> Self {
        let quirks = super::Quirks::parse(quirks).unwrap();
        Self::new(Options { seed: 1, quirks, ..Options::default() }).await
    }

    async fn of(sandbox: Sandbox, tenant: &str) -> Self {
        let http = http();
        let token = token(&http, sandbox.base_url(), tenant).await;
        Self { sandbox, http, token }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v2.0/my/hardware/{path}", self.sandbox.base_url())
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(&self.token);
        request = match body {
            Some(body) => request.json(body),
            None => request.header("content-length", "0"),
        };
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// A call that must succeed with this status; gives its JSON, or null where there is no body.
    async fn ok(&self, method: Method, path: &str, body: Option<&Value>, status: u16) -> Value {
        let answer = self.send(method, path, body).await;
        let (actual, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(actual, status, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A call that must be refused with this status; gives code, message and targets.
    async fn refused(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        status: u16,
    ) -> (String, String, Value) {
        let answer = self.send(method, path, body).await;
        let (actual, body) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!(actual, status, "{path}: {body}");
        let error = &body["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"), error["validationErrors"].clone())
    }

    /// A new product with an initial submission: their ids and the upload's URL.
    async fn submission(&self) -> (u64, u64, String) {
        let product = self.ok(Method::POST, "products", Some(&new_product("a product")), 201).await;
        let pid = product["id"].as_u64().unwrap();
        let submission = json!({"name": "first", "type": "initial"});
        let sub = self.ok(Method::POST, &format!("products/{pid}/submissions"), Some(&submission), 201).await;
        let url = sub["downloads"]["items"][0]["url"].as_str().unwrap_or_default().to_owned();
        (pid, sub["id"].as_u64().unwrap(), url)
    }

    async fn upload(&self, url: &str, bytes: Vec<u8>) {
        let put = self.http.put(url).header("x-ms-blob-type", "BlockBlob").body(bytes);
        assert_eq!(put.send().await.unwrap().status(), 201);
    }

    async fn commit(&self, pid: u64, sid: u64) {
        let path = format!("products/{pid}/submissions/{sid}/commit");
        let answer = self.send(Method::POST, &path, None).await;
        assert_eq!(answer.status(), 202);
        assert_eq!(answer.text().await.unwrap(), "");
    }

    /// A submission that is signed.
    async fn signed(&self, package: Vec<u8>) -> (u64, u64) {
        let (pid, sid, url) = self.submission().await;
        self.upload(&url, package).await;
        self.commit(pid, sid).await;
        self.sandbox.control().advance_work(Duration::from_secs(601));
        (pid, sid)
    }

    /// The id of an audience.
    async fn audience(&self, name: &str) -> String {
        let list = self.get("audiences").await;
        let found = list["value"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap();
        found["id"].as_str().unwrap().to_owned()
    }

    /// The driver metadata of a submission.
    async fn metadata(&self, pid: u64, sid: u64) -> Value {
        let sub = self.get(&format!("products/{pid}/submissions/{sid}")).await;
        let url = download(&sub, "driverMetadata").unwrap();
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// A label that keeps every rule.
    async fn good_label(&self, pid: u64, sid: u64, name: &str) -> Value {
        let metadata = self.metadata(pid, sid).await;
        let bundle = metadata["BundleInfoMap"].as_object().unwrap().keys().next().unwrap().clone();
        json!({
            "name": name, "destination": "windowsUpdate",
            "publishingSpecifications": {
                "isAutoInstallDuringOSUpgrade": false, "isAutoInstallOnApplicableSystems": false,
                "manualAcquisition": true, "isDisclosureRestricted": true, "publishToWindows10s": false,
            },
            "targeting": {
                "hardwareIds": [{
                    "bundleId": bundle, "infId": "contoso.inf", "operatingSystemCode": CODE,
                    "pnpString": "pci\\ven_8086&dev_0001",
                }],
                "restrictedToAudiences": [self.audience("Test Registry Key").await],
            },
        })
    }
}

/// The URL of a download of a submission.
fn download(sub: &Value, kind: &str) -> Option<String> {
    let items = sub["downloads"]["items"].as_array()?;
    let item =
        items.iter().find(|item| item["type"].as_str().unwrap_or_default().eq_ignore_ascii_case(kind))?;
    item["url"].as_str().map(str::to_owned)
}

async fn token(http: &reqwest::Client, base: &str, tenant: &str) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "app"),
        ("client_secret", "hush"),
        ("resource", "https://manage.devcenter.microsoft.com"),
    ];
    let ask = || http.post(format!("{base}/{tenant}/oauth2/token")).form(&form).send();
    let mut answer = ask().await.unwrap();
    if answer.headers().contains_key("via") {
        answer = ask().await.unwrap();
    }
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert!(body["expires_in"].is_string(), "the first generation writes numbers as texts");
    body["access_token"].as_str().unwrap().to_owned()
}
