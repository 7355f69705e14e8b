//! The text of the configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::certificates::{ChainFiles, INTERMEDIATES, ROOT, TIMESTAMP_ROOT};
use dropship_package::facts::InfFacts;
use dropship_package::{Facts, Kind};

/// Name of the folder.
pub(super) const FOLDER: &str = "builds";

/// Stands in for a tenant and an application.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Maximum number of hardware ids of each INF in the test.
const MAX_IDS: usize = 8;

/// The keys that a label with an extension INF needs.
const AUTOMATIC: &str = "\
# Microsoft publishes an extension INF only as an automatic update, and asks for the tests that were done.
auto_install_during_os_upgrade = true
[rule.label.approval]
validations_performed = \"replace this text with the tests that were done\"
";

/// Where things are; a place that was not named is beside the configuration.
pub(super) struct ConfigPaths {
    pub(super) folder: Option<PathBuf>,
    pub(super) outbox: Option<PathBuf>,
    pub(super) secret: Option<PathBuf>,
    /// The configuration is the one of the service, so store and socket are where systemd puts them.
    pub(super) is_system: bool,
}

/// The input of the configuration.
pub(super) struct ConfigTemplate<'a> {
    /// File name of the package.
    pub(super) package: &'a str,
    pub(super) facts: &'a Facts,
    pub(super) tenant_id: Option<&'a str>,
    pub(super) client_id: Option<&'a str>,
    pub(super) paths: &'a ConfigPaths,
    pub(super) chain: &'a ChainFiles,
}

impl ConfigTemplate<'_> {
    /// Name of the rule.
    pub(super) fn rule(&self) -> &'static str {
        match self.facts.kind {
            Kind::Cab => "attestation",
            Kind::Hlkx => "certification",
        }
    }

    /// Whether the rule has a label: it needs a hardware id. The INFs of an `.hlkx` cannot be read.
    pub(super) fn has_label(&self) -> bool {
        self.facts.kind == Kind::Hlkx || self.facts.infs.iter().any(|inf| !inf.hardware_ids.is_empty())
    }

    /// The value that all INFs share.
    fn common_value(&self, value: fn(&InfFacts) -> Option<&String>) -> Option<&str> {
        let values: BTreeSet<_> = self.facts.infs.iter().map(value).collect();
        values.first().copied().flatten().filter(|_| values.len() == 1).map(String::as_str)
    }

    pub(super) fn text(&self) -> String {
        let parts =
            [self.account(), self.service(), self.folder(), self.signers(), self.rules(), self.test()];
        parts.join("\n")
    }

    fn account(&self) -> String {
        let secret = self.paths.secret.as_deref().unwrap_or_else(|| Path::new("client-secret"));
        format!(
            "# Written by `dropship init` for {package}. `dropship check` reports mistakes, `dropship test` runs the test at the end,\n\
             # `dropship plan FILE` shows what would be sent for a package, and `dropship reload` applies a change.\n\
             \n\
             # The Entra application that calls Microsoft. In Partner Center it needs the role Manager and, under Hardware, the roles\n\
             # Driver Submitter, Shipping Label owner and Shipping Label promoter. This file must not contain the secret itself.\n\
             [account]\n\
             tenant_id = {tenant}\n\
             client_id = {client}\n\
             client_secret_file = {secret}\n",
            package = comment(self.package),
            tenant = quoted(self.tenant_id.unwrap_or(NO_ID)),
            client = quoted(self.client_id.unwrap_or(NO_ID)),
            secret = quoted(&secret.to_string_lossy()),
        )
    }

    fn service(&self) -> String {
        let local = "# The store of jobs; keep it on a local disk. A service uses /var/lib/dropship and /run/dropship instead.\n\
                     [store]\n\
                     path = \"store\"\n\
                     [control]\n\
                     socket = \"control.sock\"\n\n";
        let guard = "# Limits that no rule can exceed: a label for everybody waits for `dropship approve`.\n\
                     [guard]\n\
                     everybody = \"hold\"\n";
        format!("{}{guard}", if self.paths.is_system { "" } else { local })
    }

    fn folder(&self) -> String {
        let path_text = |named: &Option<PathBuf>, default: &str| {
            quoted(&named.as_deref().unwrap_or_else(|| Path::new(default)).to_string_lossy())
        };
        format!(
            "# Build servers drop packages into `path`, and find the results in `outbox`.\n\
             [[folder]]\n\
             name = \"{FOLDER}\"\n\
             path = {}\n\
             outbox = {}\n",
            path_text(&self.paths.folder, "drop"),
            path_text(&self.paths.outbox, "signed"),
        )
    }

    fn signers(&self) -> String {
        let mut text = if self.chain.is_leaf_only {
            "# Whose signatures are trusted. The package contains only the certificate that signed it, so exactly that one is trusted. To accept\n\
             # its successors too, replace it with the root of its authority, and add the issuing authority to `intermediates`, and remove `thumbprints`.\n"
        } else {
            "# Whose signatures are trusted: the topmost certificate that the package contains. All that it has issued for code signing is\n\
             # accepted; `thumbprints` limits that to some certificates.\n"
        }
        .to_owned();
        text.push_str(&format!("[signers]\nroots = [\"{ROOT}\"]\n"));
        if let (true, Some(signer)) = (self.chain.is_leaf_only, &self.facts.signer) {
            text.push_str(&format!("thumbprints = [\"{}\"]\n", signer.thumbprint_sha256));
        }
        if self.chain.intermediates.is_some() {
            text.push_str(&format!("intermediates = [\"{INTERMEDIATES}\"]\n"));
        }
        if self.chain.timestamp_root.is_some() {
            text.push_str(&format!("timestamp_roots = [\"{TIMESTAMP_ROOT}\"]\n"));
        }
        text
    }

    /// The names of product and label, as templates.
    fn name(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.common_value(|inf| inf.provider.as_ref()).map(|_| "{{ inf.provider }}"));
        let is_one = self.common_value(|inf| Some(&inf.stem)).is_some();
        words.push(if is_one { "{{ inf.stem }}" } else { "{{ file.stem }}" });
        let version = self.common_value(|inf| inf.version.as_ref());
        words.push(version.map_or("{{ package.sha256[:8] }}", |_| "{{ inf.version }}"));
        words.join(" ")
    }

    fn rules(&self) -> String {
        let name = self.name();
        let (conditions, harness, signatures) = match self.facts.kind {
            Kind::Cab => {
                let provider = self.common_value(|inf| inf.provider.as_ref()).filter(|text| is_plain(text));
                let provider =
                    provider.map(|text| format!(", provider = {}", quoted(text))).unwrap_or_default();
                (format!("kind = \"cab\"{provider}"), "attestation", self.os_codes())
            }
            Kind::Hlkx => {
                let is_older = self.package.to_ascii_lowercase().ends_with(".hckx");
                let harness = if is_older { "hck" } else { "hlk" };
                let states_systems =
                    self.facts.hlkx.as_ref().is_some_and(|kit| !kit.operating_systems.is_empty());
                let signatures = if states_systems { "\"from_package\"".to_owned() } else { self.os_codes() };
                ("kind = \"hlkx\"".to_owned(), harness, signatures)
            }
        };
        let label = format!(
            "# A shipping label for the test ring: `destination`, `audiences` and targets decide which machines are offered the driver.\n\
             # `dropship api audience list` shows the audiences of the account. Without `audiences` it is for everybody.\n\
             [[rule.label]]\n\
             name = \"{name} test ring\"\n\
             destination = \"windows_update\"\n\
             audiences = [\"Test Registry Key\"]\n\
             {automatic}",
            automatic =
                if self.facts.infs.iter().any(|inf| inf.extension_id.is_some()) { AUTOMATIC } else { "" },
        );
        let no_label = "# The package names no hardware id, so no machine could be offered it, and the rule has no [[rule.label]].\n";
        format!(
            "# The first rule that matches a package decides. All conditions must hold; texts are globs.\n\
             [[rule]]\n\
             name = \"{rule}\"\n\
             match = {{ {conditions} }}\n\
             \n\
             # Texts in double braces are filled in for each package; docs/rules.md lists the variables.\n\
             [rule.product]\n\
             name = \"{name}\"\n\
             test_harness = \"{harness}\"\n\
             device_type = \"internal\"\n\
             requested_signatures = {signatures}\n\
             \n\
             [rule.submission]\n\
             name = \"{name}\"\n\
             \n\
             {label}",
            rule = self.rule(),
            label = if self.has_label() { label.as_str() } else { no_label },
        )
    }

    /// The systems whose signature is requested: the oldest current one of each architecture.
    fn os_codes(&self) -> String {
        let known_codes = [
            ("amd64", "WINDOWS_v100_X64_CO_FULL"),
            ("arm64", "WINDOWS_v100_ARM64_CO_FULL"),
            ("x86", "WINDOWS_v100_VB_FULL"),
        ];
        let mut codes: Vec<_> = known_codes
            .iter()
            .filter(|(architecture, _)| self.facts.architectures.contains(*architecture))
            .map(|(_, code)| quoted(code))
            .collect();
        if codes.is_empty() {
            codes.push(quoted(known_codes[0].1));
        }
        format!("[{}]", codes.join(", "))
    }

    fn test(&self) -> String {
        let mut keys = vec![
            format!("folder = \"{FOLDER}\""),
            format!("file = {}", quoted(self.package)),
            format!("kind = \"{}\"", self.facts.kind.as_str()),
        ];
        let architectures: Vec<_> = self.facts.architectures.iter().map(String::as_str).collect();
        keys.extend(list("architecture", &architectures));
        if let Some(kit) = &self.facts.hlkx {
            let systems: Vec<_> = kit.operating_systems.iter().map(String::as_str).collect();
            keys.extend(list("operating_systems", &systems));
            let types = kit
                .product_types
                .iter()
                .map(|(family, kind)| format!("{} = {}", quoted(family), quoted(kind)));
            let types: Vec<_> = types.collect();
            keys.extend((!types.is_empty()).then(|| format!("product_types = {{ {} }}", types.join(", "))));
        }
        let mut text = format!(
            "# `dropship test` checks that the rules still do what is expected of them.\n\
             [[test]]\n\
             name = {}\n\
             expect = {{ rule = \"{}\", labels = [{}] }}\n\
             [test.package]\n\
             {}\n",
            quoted(&format!("{} gets a label for the test ring", self.package)),
            self.rule(),
            if self.has_label() { "\"* test ring\"" } else { "" },
            keys.join("\n"),
        );
        if !self.has_label() {
            text = text.replace("gets a label for the test ring", "is signed");
        }
        for inf in &self.facts.infs {
            text.push_str(&format!("[[test.package.infs]]\n{}\n", inf_keys(inf).join("\n")));
        }
        text
    }
}

/// The facts of an INF that rules depend on.
fn inf_keys(inf: &InfFacts) -> Vec<String> {
    let values = [
        ("name", Some(&inf.name)),
        ("provider", inf.provider.as_ref()),
        ("class", inf.class.as_ref()),
        ("class_guid", inf.class_guid.as_ref()),
        ("version", inf.version.as_ref()),
        ("date", inf.date.as_ref()),
        ("extension_id", inf.extension_id.as_ref()),
    ];
    let mut keys: Vec<_> =
        values.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value?)))).collect();
    let ids: Vec<_> = inf.hardware_ids.iter().take(MAX_IDS).map(String::as_str).collect();
    keys.extend(list("hardware_ids", &ids));
    keys
}

/// A key with a list, unless the list is empty.
fn list(key: &str, values: &[&str]) -> Option<String> {
    let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
    (!values.is_empty()).then(|| format!("{key} = [{}]", values.join(", ")))
}

/// A text in the syntax of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A text that cannot end its comment.
fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// Whether a text means itself as a glob and as a template.
fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}', '\\', '!'])
}
