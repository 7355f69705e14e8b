//! Packages, the results that the service returns for them, and the configuration.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

use dropship_package::Kind;

/// The provider in the INFs of all packages.
pub(super) const PROVIDER: &str = "Example Hardware Inc.";

/// Packages that are accepted.
pub(super) const PACKAGES: [&str; 3] = ["good-signed", "good-signed-ts", "good-signed-ec384"];

pub(super) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dropship-package/tests/fixtures").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A signed package as the service returns it; it contains the INFs of all packages.
pub(super) static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for inf in infs() {
        zip.start_file(inf, zip::write::SimpleFileOptions::default()).expect("an entry");
        zip.write_all(b"[Version]").expect("written");
    }
    zip.finish().expect("a ZIP").into_inner()
});

/// Names of the INFs in the packages.
fn infs() -> BTreeSet<String> {
    let policy = dropship_package::Policy::default();
    let facts = PACKAGES.iter().filter_map(|name| {
        let bytes = fixture(&format!("cab/{name}.cab"));
        dropship_package::inspect_bytes(&bytes, Kind::Cab, &policy).facts
    });
    facts.flat_map(|facts| facts.infs).map(|inf| inf.name).collect()
}

pub(super) fn metadata(version: &str) -> Value {
    let devices = json!({"pci\\ven_8086&dev_1": {"Manufacturer": "C", "DeviceDescription": "Echo One"}});
    let inf = json!({"InfClass": "MEDIA", "DriverVersion": version, "Provider": "Contoso",
        "OSPnPInfoMap": {"WINDOWS_v100_X64_CO_FULL": devices}});
    json!({"BundleInfoMap": {"b1": {"Locales": ["English"], "InfInfoMap": {"echo.inf": inf}}}})
}

/// Optional features of the rule.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RuleOptions {
    /// Number of operators who have to approve the second label.
    pub(super) hold: u8,
    /// Newer labels supersede older ones.
    pub(super) supersede: bool,
    /// Published labels are compared with the service.
    pub(super) audit: bool,
    /// The second label has a fixed go-live date, which passes before the label is requested.
    pub(super) has_fixed_date: bool,
    /// The first label has a fixed go-live date, this many minutes after the start.
    pub(super) ring_date: Option<i64>,
}

/// The rule creates a label for the test ring, and a second label after a soak.
pub(super) fn configuration(home: &Path, options: RuleOptions) -> String {
    let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dropship-package/tests/fixtures/pki");
    let (home, pki) = (home.display(), pki.display());
    let RuleOptions { hold, supersede, audit, has_fixed_date, ring_date } = options;
    let hold = if hold == 0 { "false".to_owned() } else { hold.to_string() };
    let audit = if audit { "20m" } else { "0s" };
    let label = |name: &str, more: &str| {
        format!(
            r#"
[[rule.label]]
name = "{{{{ file.stem }}}} {name}"
destination = "windows_update"
supersede = {supersede}
{more}
[rule.label.hardware_ids]
include = ["pci\\*"]
operating_systems = ["WINDOWS_v100_X64_CO_FULL"]
"#
        )
    };
    let from_now = |minutes| jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes);
    let ring_date = ring_date.map(|minutes| format!("\ngo_live = \"{}\"", from_now(minutes)));
    let ring_date = ring_date.unwrap_or_default();
    let ring = label("ring", &format!("audiences = [\"Test Registry Key\"]{ring_date}"));
    let wide =
        label("wide", "audiences = [\"Test Registry Key\"]\nafter = \"{{ file.stem }} ring\"\nsoak = \"2h\"");
    let wide = wide.replace("destination", &format!("hold = {hold}\ndestination"));
    let date = if has_fixed_date {
        format!("go_live = \"{}\"\ndestination", from_now(60))
    } else {
        "destination".to_owned()
    };
    let wide = wide.replacen("destination", &date, 1);
    format!(
        r#"
[account]
tenant_id = "tenant"
client_id = "client"
client_secret_file = "{home}/secret"
[api]
audit = "{audit}"
[api.poll]
sign = {{ first = "20m", max = "30m" }}
publish = {{ first = "20m", max = "30m" }}
account = {{ first = "1m", max = "10m" }}
[api.overdue]
sign = "10m"
[store]
path = "{home}/store"
[[folder]]
name = "in"
path = "{home}/drop"
outbox = "{home}/out"
same_content = "take"
[signers]
roots = ["{pki}/roots.pem"]
intermediates = ["{pki}/inter.pem"]
timestamp_roots = ["{pki}/tsaroots.pem"]
[[rule]]
name = "ring"
match = {{ file = "*.cab" }}
[rule.product]
name = "{{{{ inf.provider }}}} {{{{ file.stem }}}}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
[rule.submission]
name = "{{{{ file.stem }}}}"
{ring}
{wide}
"#
    )
}

/// SHA-256 of a fixture.
pub(super) fn digest_of(name: &str) -> String {
    sha256(&fixture(&format!("cab/{name}.cab")))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    crate::digest::of(bytes)
}
