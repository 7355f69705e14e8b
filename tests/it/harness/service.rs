//! A sandbox, and a client of its API.

use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use dropship_hardware::{
    Client, Credential, DownloadKind, DriverMetadata, HardwareId, NewProduct, NewShippingLabel,
    NewSubmission, ProductId, SecretSource, Settings, ShippingLabel, Submission, SubmissionId,
    SubmissionKind,
};
use dropship_redact::SecretString;
use dropship_sandbox::{Control, Fault, FaultAction, Options, Quirks, Sandbox};
use serde_json::json;

pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const CODE: &str = "WINDOWS_v100_X64_CO_FULL";
pub(crate) const QUIET: &(dyn Fn(u64) + Send + Sync) = &|_| ();

pub(crate) struct TestService {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) folder: tempfile::TempDir,
}

impl TestService {
    pub(crate) async fn plain() -> Self {
        Self::new(Options::default(), |_| ()).await
    }

    pub(crate) async fn quirky(quirks: &str) -> Self {
        let quirks = Quirks::parse(quirks).expect("quirks");
        Self::new(Options { quirks, ..Options::default() }, |_| ()).await
    }

    pub(crate) async fn new(options: Options, change: impl FnOnce(&mut Settings)) -> Self {
        let sandbox = Sandbox::start(Options { seed: 1, ..options }).await.expect("a sandbox");
        let client = Client::new(settings(&sandbox, TENANT, change)).expect("a client");
        Self { sandbox, client, folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn control(&self) -> Control {
        self.sandbox.control()
    }

    pub(crate) fn fault(&self, operation: &str, action: FaultAction) {
        self.control().fault(Fault::on(operation, action)).expect("a fault");
    }

    /// The number of requests for an operation.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.control().count(operation)
    }

    /// The number of `products`, `submissions` or `labels` at the sandbox.
    pub(crate) fn count_of(&self, objects: &str) -> u64 {
        self.control().state()["counts"][objects].as_u64().expect("a count")
    }

    pub(crate) fn package(&self) -> PathBuf {
        let path = self.folder.path().join("package.cab");
        std::fs::write(&path, signed_looking(&cab())).expect("write");
        path
    }

    /// A product with an uncommitted initial submission.
    pub(crate) async fn submission(&self) -> (ProductId, SubmissionId) {
        let product = self.client.create_product(&new_product("p")).await.expect("product").id;
        let created = self.client.create_submission(product, &initial("s")).await.expect("submission");
        (product, created.id)
    }

    /// A product with an initial submission whose package is uploaded.
    pub(crate) async fn uploaded(&self) -> (ProductId, SubmissionId) {
        let (product, id) = self.submission().await;
        let url = self.get(product, id).await.upload_url().expect("a slot");
        self.client.upload(&url, &self.package(), QUIET).await.expect("uploaded");
        (product, id)
    }

    /// A product with a committed and signed submission.
    pub(crate) async fn signed(&self) -> (ProductId, SubmissionId) {
        let (product, id) = self.uploaded().await;
        self.client.commit(product, id).await.expect("committed");
        self.control().advance_work(Duration::from_secs(1000));
        (product, id)
    }

    pub(crate) async fn get(&self, product: ProductId, id: SubmissionId) -> Submission {
        self.client.submission(product, id).await.expect("the submission")
    }

    pub(crate) async fn metadata(&self, of: &Submission) -> DriverMetadata {
        let url = of.download(&DownloadKind::DriverMetadata).expect("metadata are offered");
        let to = self.folder.path().join("driver-metadata.json");
        self.client.download(&url, &to, QUIET).await.expect("downloaded");
        DriverMetadata::parse(&std::fs::read(to).expect("read")).expect("metadata")
    }

    /// The request for a label that breaks no requirement of the service.
    pub(crate) async fn new_label(
        &self,
        product: ProductId,
        id: SubmissionId,
        name: &str,
    ) -> NewShippingLabel {
        let metadata = self.metadata(&self.get(product, id).await).await;
        let (bundle, inf, os, pnp) = metadata.targets().next().expect("a target");
        let target = HardwareId {
            bundle_id: bundle.to_owned(),
            inf_id: inf.to_owned(),
            operating_system_code: os.to_owned(),
            pnp_string: pnp.to_owned(),
            ..HardwareId::default()
        };
        let audiences = self.client.audiences().all().await.expect("audiences");
        let ring =
            audiences.iter().find(|audience| audience.name == "Test Registry Key").expect("the audience");
        serde_json::from_value(json!({
            "name": name, "destination": "windowsUpdate",
            "publishingSpecifications": {"isAutoInstallDuringOSUpgrade": false,
                "isAutoInstallOnApplicableSystems": false, "manualAcquisition": true,
                "isDisclosureRestricted": true, "publishToWindows10s": false},
            "targeting": {"hardwareIds": [target], "restrictedToAudiences": [ring.id]},
        }))
        .expect("a label")
    }

    pub(crate) async fn labelled(&self) -> (ProductId, SubmissionId, ShippingLabel) {
        let (product, id) = self.signed().await;
        let new = self.new_label(product, id, "ring").await;
        let label = self.client.create_label(product, id, &new).await.expect("a label");
        (product, id, label)
    }
}

pub(crate) fn settings(sandbox: &Sandbox, tenant: &str, change: impl FnOnce(&mut Settings)) -> Settings {
    let base: url::Url = sandbox.base_url().parse().expect("a URL");
    let secret = Credential::Secret(SecretSource::fixed(SecretString::from("hush")));
    let mut settings = Settings::new(base.clone(), base, tenant, "app", secret);
    settings.retry =
        dropship_hardware::Backoff::new(Duration::from_millis(5), Duration::from_millis(200)).expect("valid");
    change(&mut settings);
    settings
}

/// Advances the clock of the client. For tests whose runtime has one thread.
pub(crate) async fn advance_client(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

/// Polls a condition until it holds; panics after a time limit.
pub(crate) async fn until(condition: &str, mut holds: impl AsyncFnMut() -> bool) {
    let polling = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            pause.tick().await;
            if holds().await {
                break;
            }
        }
    };
    assert!(
        tokio::time::timeout(crate::harness::TIME_LIMIT, polling).await.is_ok(),
        "timed out: {condition}"
    );
}

pub(crate) fn new_product(name: &str) -> NewProduct {
    serde_json::from_value(json!({
        "productName": name, "testHarness": "attestation", "deviceType": "internal", "requestedSignatures": [CODE],
    }))
    .expect("a product")
}

pub(crate) fn initial(name: &str) -> NewSubmission {
    NewSubmission { name: name.to_owned(), kind: SubmissionKind::Initial }
}

const INF: &str = "[Version]\r\nSignature=\"$Windows NT$\"\r\nClass=MEDIA\r\n\
    ClassGuid={4d36e96c-e325-11ce-bfc1-08002be10318}\r\nProvider=%P%\r\nDriverVer=06/15/2025,1.2.3.4\r\n\
    CatalogFile=contoso.cat\r\n[Manufacturer]\r\n%P%=Models,NTamd64\r\n[Models.NTamd64]\r\n\
    \"Contoso sound\"=Install,PCI\\VEN_8086&DEV_0001,PCI\\VEN_8086&DEV_0002\r\n[Strings]\r\nP=\"Contoso\"\r\n";

/// A cabinet with a driver package in a folder, and a binary of a few blocks.
fn cab() -> Vec<u8> {
    let mut builder = cab::CabinetBuilder::new();
    let folder_builder = builder.add_folder(cab::CompressionType::MsZip);
    for name in ["contoso.inf", "contoso.sys", "contoso.cat"] {
        folder_builder.add_file(format!("drv\\{name}"));
    }
    let mut writer = builder.build(Cursor::new(Vec::new())).expect("a cabinet");
    while let Some(mut file) = writer.next_file().expect("a file") {
        let name = file.file_name().to_owned();
        let body = if name.ends_with(".inf") { INF.to_owned() } else { format!("bytes of {name}") };
        file.write_all(body.as_bytes()).expect("write");
    }
    writer.finish().expect("a cabinet").into_inner()
}

/// The cabinet with a header that points to bytes behind it, as if they were a signature.
fn signed_looking(cab: &[u8]) -> Vec<u8> {
    const RESERVE: u32 = 24;
    let mut out = cab[..36].to_vec();
    out[30] |= 4;
    out.extend([20, 0, 0, 0]);
    let size = u32::try_from(cab.len()).expect("small") + RESERVE;
    out.extend([0, 0, 0x10, 0]);
    out.extend(size.to_le_bytes());
    out.extend(16_u32.to_le_bytes());
    out.extend([0; 8]);
    out.extend(&cab[36..]);
    for at in [8, 16] {
        let old = u32::from_le_bytes(cab[at..at + 4].try_into().expect("four bytes"));
        out[at..at + 4].copy_from_slice(&(old + RESERVE).to_le_bytes());
    }
    let folder = 36 + 24;
    let old = u32::from_le_bytes(out[folder..folder + 4].try_into().expect("four bytes"));
    out[folder..folder + 4].copy_from_slice(&(old + RESERVE).to_le_bytes());
    out.extend([0x30, 14]);
    out.extend([0; 14]);
    out
}
