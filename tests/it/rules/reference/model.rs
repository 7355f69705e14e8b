//! A random case: rules, a package and driver metadata, in the forms that the product reads.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Rules, a package, and the targets that Microsoft offers for it.
pub(super) struct Case {
    pub(super) rules: Vec<Rule>,
    pub(super) package: Package,
    pub(super) rows: Vec<Row>,
}

/// One rule with one label.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    /// Empty for all folders.
    pub(super) folders: Vec<String>,
    pub(super) conditions: Vec<Condition>,
    pub(super) not: Vec<Vec<Condition>>,
    pub(super) filter: Filter,
    pub(super) device_type: &'static str,
    pub(super) label: Label,
}

/// `[[rule.label]]`, without its targets.
#[derive(Clone)]
pub(super) struct Label {
    pub(super) name: String,
    pub(super) audiences: Vec<String>,
    pub(super) hold: bool,
    pub(super) go_live: Option<String>,
}

impl Default for Label {
    fn default() -> Self {
        let audiences = vec!["Test Registry Key".to_owned()];
        Self { name: "{{ file.stem }}".to_owned(), audiences, hold: false, go_live: None }
    }
}

/// One key of `match`.
#[derive(Clone)]
pub(super) struct Condition {
    pub(super) key: &'static str,
    pub(super) values: Vec<Wanted>,
}

/// A value of `match`.
#[derive(Clone)]
pub(super) enum Wanted {
    Glob(String),
    /// A lower bound (inclusive) and an upper bound (exclusive), of a version or a date.
    Range(Option<String>, Option<String>),
    Flag(bool),
}

/// `[rule.label.hardware_ids]`.
#[derive(Clone, Default)]
pub(super) struct Filter {
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
    pub(super) operating_systems: Vec<String>,
    pub(super) infs: Vec<String>,
    pub(super) bundles: Vec<String>,
    pub(super) descriptions: Vec<String>,
    pub(super) lowest_os_only: bool,
}

/// A dropped package.
#[derive(Clone)]
pub(super) struct Package {
    pub(super) folder: String,
    pub(super) file: String,
    /// A `.cab`; else an `.hlkx`, of which no INF is known.
    pub(super) is_cab: bool,
    pub(super) signer: String,
    pub(super) architectures: Vec<String>,
    pub(super) files: Vec<String>,
    pub(super) infs: Vec<Inf>,
    /// Of an `.hlkx`.
    pub(super) operating_systems: Vec<String>,
}

/// An INF of a package.
#[derive(Clone)]
pub(super) struct Inf {
    pub(super) name: String,
    pub(super) provider: Option<String>,
    pub(super) class: Option<String>,
    pub(super) class_guid: Option<String>,
    pub(super) version: Option<String>,
    pub(super) date: Option<String>,
    pub(super) is_extension: bool,
    pub(super) hardware_ids: Vec<String>,
    pub(super) manufacturers: Vec<String>,
    pub(super) descriptions: Vec<String>,
}

/// One hardware id of the driver metadata.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) target: Target,
    pub(super) description: String,
}

/// A target of a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) bundle: String,
    pub(super) inf: String,
    pub(super) os: String,
    pub(super) hardware_id: String,
}

impl Case {
    /// The configuration.
    pub(super) fn toml(&self) -> String {
        let mut text = String::from(
            "account = { tenant_id = \"t\", client_id = \"c\", client_secret_file = \"secret\" }\n\
             store = { path = \"/nowhere/store\" }\n\
             control = { socket = \"/nowhere/control.sock\" }\n\
             folder = [{ name = \"audio\", path = \"/nowhere/audio\" }, { name = \"net\", path = \"/nowhere/net\" }]\n",
        );
        for rule in &self.rules {
            rule.write(&mut text, self.package.is_cab).expect("a string grows");
        }
        text
    }

    /// The facts of the package, as `inspect` prints them.
    pub(super) fn facts(&self) -> Value {
        let package = &self.package;
        let infs: Vec<_> = package.infs.iter().map(Inf::facts).collect();
        let files: Vec<_> = package.files.iter().map(|path| json!({ "path": path, "size": 1 })).collect();
        let hlkx = (!package.is_cab).then(|| {
            json!({
                "operating_systems": package.operating_systems, "product_types": {}, "kit_version": null,
                "package_type": null, "tests": null,
            })
        });
        json!({
            "kind": if package.is_cab { "cab" } else { "hlkx" },
            "size": 1,
            "files": files,
            "infs": infs,
            "architectures": package.architectures,
            "signer": {
                "subject": "", "name": package.signer, "issuer": "", "thumbprint_sha1": "", "thumbprint_sha256": "",
                "not_before": "", "not_after": "", "extended_validation": true, "timestamp": null,
                "timestamp_authority": null,
            },
            "hlkx": hlkx,
        })
    }

    /// The driver metadata, as Microsoft returns them.
    pub(super) fn metadata(&self) -> Value {
        let mut metadata = json!({ "BundleInfoMap": {} });
        for row in &self.rows {
            let Target { bundle, inf, os, hardware_id } = &row.target;
            metadata["BundleInfoMap"][bundle]["InfInfoMap"][inf]["OSPnPInfoMap"][os][hardware_id] =
                json!({ "DeviceDescription": row.description });
        }
        metadata
    }
}

impl Inf {
    fn facts(&self) -> Value {
        json!({
            "path": self.name,
            "name": self.name,
            "stem": self.name.trim_end_matches(".inf"),
            "provider": self.provider,
            "class": self.class,
            "class_guid": self.class_guid,
            "version": self.version,
            "date": self.date,
            "catalog": null,
            "extension_id": self.is_extension.then_some("{11111111-2222-3333-4444-555555555555}"),
            "pnp_lockdown": true,
            "hardware_ids": self.hardware_ids,
            "chids": [],
            "manufacturers": self.manufacturers,
            "descriptions": self.descriptions,
            "architectures": [],
            "primitive": false,
        })
    }
}

impl Rule {
    fn write(&self, text: &mut String, is_cab: bool) -> std::fmt::Result {
        writeln!(text, "\n[[rule]]\nname = {}", quoted(&self.name))?;
        if !self.folders.is_empty() {
            writeln!(text, "folders = {}", list(&self.folders))?;
        }
        let mut matching: Vec<_> = self.conditions.iter().map(Condition::toml).collect();
        let nots: Vec<_> = self.not.iter().map(|not| table(not.iter().map(Condition::toml))).collect();
        if !nots.is_empty() {
            matching.push(format!("not = [{}]", nots.join(", ")));
        }
        writeln!(text, "match = {}", table(matching.into_iter()))?;
        text.push_str(
            "submission = { name = \"{{ file.stem }}\" }\n\
             [rule.product]\n\
             name = \"{{ file.stem }} {{ package.sha256[:8] }}\"\n\
             requested_signatures = [\"WINDOWS_v100_X64_CO_FULL\"]\n",
        );
        writeln!(text, "device_type = \"{}\"", self.device_type)?;
        // A product for the kind of the package, so that only the rule's conditions decide.
        text.push_str(if is_cab {
            "test_harness = \"attestation\"\n"
        } else {
            "test_harness = \"hlk\"\nselected_product_types = { windows_v100_CO = \"Unclassified\" }\n"
        });
        let Label { name, audiences, hold, go_live } = &self.label;
        let (name, audiences) = (quoted(name), list(audiences));
        writeln!(text, "[[rule.label]]\nname = {name}\naudiences = {audiences}\nhold = {hold}")?;
        if let Some(go_live) = go_live {
            writeln!(text, "go_live = {}", quoted(go_live))?;
        }
        text.push_str(
            "destination = \"windows_update\"\n\
             # Extension INFs need an automatic label.\n\
             auto_install_on_applicable_systems = true\n\
             approval = { microsoft_contact = \"a@microsoft.com\", validations_performed = \"all\", \
             affected_oems = [\"Contoso\"], is_reboot_required = false, is_co_engineered = false, \
             is_for_unreleased_hardware = false, has_ui_software = false, business_justification = \"b\" }\n\
             [rule.label.hardware_ids]\n",
        );
        for (key, globs) in [
            ("include", &self.filter.include),
            ("exclude", &self.filter.exclude),
            ("operating_systems", &self.filter.operating_systems),
            ("infs", &self.filter.infs),
            ("bundles", &self.filter.bundles),
            ("descriptions", &self.filter.descriptions),
        ] {
            if !globs.is_empty() {
                writeln!(text, "{key} = {}", list(globs))?;
            }
        }
        writeln!(text, "lowest_os_only = {}", self.filter.lowest_os_only)
    }
}

impl Condition {
    fn toml(&self) -> String {
        let values: Vec<_> = self
            .values
            .iter()
            .map(|wanted| match wanted {
                Wanted::Glob(glob) => quoted(glob),
                Wanted::Flag(flag) => flag.to_string(),
                Wanted::Range(low, high) => {
                    let low = low.iter().map(|low| format!(">={low}"));
                    let high = high.iter().map(|high| format!("<{high}"));
                    quoted(&low.chain(high).collect::<Vec<_>>().join(", "))
                }
            })
            .collect();
        match values.as_slice() {
            [one] => format!("{} = {one}", self.key),
            _ => format!("{} = [{}]", self.key, values.join(", ")),
        }
    }
}

fn table(keys: impl Iterator<Item = String>) -> String {
    format!("{{ {} }}", keys.collect::<Vec<_>>().join(", "))
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

/// A TOML string. Every escape of JSON is one of TOML, too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
