//! `[[rule]]` as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::values::{At, Delay, Globs, LiveDate, MomentDate, OneOrMany, Text, Texts};
use dropship_rules::date::DateRange;
use dropship_rules::hold::Hold;
use dropship_rules::schedule::Days;
use dropship_rules::template::Template;
use dropship_rules::version::VersionRange;

/// A text that is a `MiniJinja` template.
pub(crate) type Templated = At<Text<Template>>;
/// A list of templates, or one.
pub(crate) type Templates = OneOrMany<Text<Template>>;

/// Which packages it matches, and the product, submission and labels of those.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Unique name.
    pub(crate) name: Option<At<String>>,
    /// Names of the folders whose packages the rule may match. Default: all packages, also those without a folder
    pub(crate) folders: Option<Texts>,
    /// Conditions on the package; all must hold. Default: any package
    #[serde(rename = "match")]
    pub(crate) matching: Option<At<Match>>,
    /// Name of the account in `[accounts]`. Default: `[account]`, or the only account
    pub(crate) account: Option<At<String>>,
    /// Variables for templates, used as `vars.NAME`.
    pub(crate) vars: Option<At<BTreeMap<String, At<Var>>>>,
    /// The product.
    pub(crate) product: Option<At<Product>>,
    /// The submission.
    pub(crate) submission: Option<At<Submission>>,
    /// The shipping labels.
    #[serde(default)]
    pub(crate) label: Vec<At<Label>>,
}

/// A variable that a package's sidecar file may set to one of the allowed values.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Var {
    /// Globs; a value that a sidecar sets has to match one of them.
    pub(crate) allowed: Option<Globs>,
    /// Value if no sidecar sets the variable.
    pub(crate) default: Option<At<String>>,
}

/// Conditions on a package: globs or lists of globs, which ignore case. All keys must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    /// File name.
    pub(crate) file: Option<Globs>,
    /// `Provider` of every INF.
    pub(crate) provider: Option<Globs>,
    /// `Class` of every INF.
    pub(crate) class: Option<Globs>,
    /// `ClassGuid` of every INF.
    pub(crate) class_guid: Option<Globs>,
    /// `DriverVer` version of every INF: a range such as ">=1.2, <2", a version or a glob.
    pub(crate) version: Option<OneOrMany<Text<VersionRange>>>,
    /// `DriverVer` date of every INF, as yyyy-mm-dd: a range such as ">=2026-01-01, <2026-07-01", a date or a glob.
    pub(crate) date: Option<OneOrMany<Text<DateRange>>>,
    /// File name of an INF.
    pub(crate) inf: Option<Globs>,
    /// A hardware id of an INF.
    pub(crate) hardware_id: Option<Globs>,
    /// A computer hardware id (CHID) that an INF names.
    pub(crate) chid: Option<Globs>,
    /// A manufacturer that an INF names.
    pub(crate) manufacturer: Option<Globs>,
    /// A device description of an INF.
    pub(crate) description: Option<Globs>,
    /// Name in the certificate that signed the package.
    pub(crate) signer: Option<Globs>,
    /// Issuer of the certificate that signed the package.
    pub(crate) issuer: Option<Globs>,
    /// SHA-1 or SHA-256 digest of the certificate that signed the package.
    pub(crate) thumbprint: Option<Globs>,
    /// `cab`, or `hlkx` for an .hlkx or .hckx.
    pub(crate) kind: Option<Globs>,
    /// An architecture of the package: x86, amd64, arm, arm64, ia64.
    pub(crate) architecture: Option<Globs>,
    /// Path of a file in the package, with slashes.
    pub(crate) contains: Option<Globs>,
    /// OS code that an .hlkx was tested for.
    pub(crate) operating_system: Option<Globs>,
    /// Product type that an .hlkx states.
    pub(crate) product_type: Option<Globs>,
    /// Version of the kit that an .hlkx was made with.
    pub(crate) kit_version: Option<Globs>,
    /// True: every INF is an extension INF. False: no INF is one.
    pub(crate) extension: Option<At<bool>>,
    /// True: every INF is of a primitive driver. False: no INF is.
    pub(crate) primitive: Option<At<bool>>,
    /// Conditions that exclude a package if all of them hold; one matching INF is enough for a key about INFs. A list of such tables is
    /// possible.
    pub(crate) not: Option<OneOrMany<Match>>,
}

/// Tables of attributes by name.
pub(crate) type Attributes = BTreeMap<String, At<BTreeMap<String, Plain>>>;

/// Where the product of a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strategy {
    /// A new product for each package.
    New,
    /// One product for all packages with the same rendered product name; dropship creates it for the first of these packages.
    PerVersion,
    /// An existing product, by `id` or by `name`; its submissions are derived unless `type` is `initial`.
    Existing,
}

/// Fields of the product.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Product {
    /// Which product the package gets. Default: new
    pub(crate) strategy: Option<At<Strategy>>,
    /// Id of an existing product, as a string of digits.
    pub(crate) id: Option<At<Id>>,
    /// Name of the product.
    #[serde(alias = "product_name")]
    pub(crate) name: Option<Templated>,
    /// `attestation`, `hlk` or `hck`.
    pub(crate) test_harness: Option<At<String>>,
    /// When marketing names become visible: a date, or an offset such as "+30d".
    pub(crate) announcement_date: Option<At<MomentDate>>,
    /// Ids of device metadata packages.
    pub(crate) device_metadata_ids: Option<Templates>,
    /// Firmware version.
    pub(crate) firmware_version: Option<Templated>,
    /// `internal`, `external`, `internalExternal` or `notSet`.
    pub(crate) device_type: Option<At<String>>,
    /// Requests a signature for test machines.
    #[serde(alias = "test_sign")]
    pub(crate) is_test_sign: Option<At<bool>>,
    /// Requests a signature for flights (Windows Insider builds).
    #[serde(alias = "flight_sign")]
    pub(crate) is_flight_sign: Option<At<bool>>,
    /// Marketing names.
    pub(crate) marketing_names: Option<Templates>,
    /// Product type by OS family code.
    pub(crate) selected_product_types: Option<At<BTreeMap<String, Templated>>>,
    /// OS codes for which Microsoft signs, or `from_package` for those of an .hlkx.
    pub(crate) requested_signatures: Option<At<Templates>>,
    /// At most one of `storage_controller`, `raid_controller` and `svvp`.
    pub(crate) additional_attributes: Option<At<Attributes>>,
    /// Package type.
    pub(crate) package_type: Option<Templated>,
}

/// A text, number or boolean that is sent unchanged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Plain {
    /// A boolean.
    Flag(bool),
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

/// An id: a string of digits, or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) u64);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;

        impl serde::de::Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an id: a string of digits")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Id, E> {
                let wrong = || E::custom(format!("`{number}` is not an id; ids are not negative"));
                u64::try_from(number).map(Id).map_err(|_| wrong())
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Id, E> {
                Ok(Id(number))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Id, E> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let wrong = || {
                    E::custom(format!(
                        "`{text}` is not an id; an id is a whole number such as \"14631253285588838\""
                    ))
                };
                text.parse().ok().filter(|_| digits).map(Id).ok_or_else(wrong)
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Id {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]+$", "minimum": 0 })
    }
}

/// `true`, `false`, or a number of operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct HoldValue(pub(crate) Hold);

#[cfg(test)]
impl schemars::JsonSchema for HoldValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hold".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["boolean", "integer"], "minimum": 1, "maximum": Hold::MAX })
    }
}

/// `initial` or `derived`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubmissionType {
    /// The first submission of a product.
    Initial,
    /// A driver update of an existing product (DUA).
    Derived,
}

/// Fields of the submission.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Submission {
    /// Name of the submission. Default: the product's
    pub(crate) name: Option<Templated>,
    /// Kind of the submission. Default: initial, or derived with `strategy = "existing"`
    #[serde(rename = "type")]
    pub(crate) kind: Option<At<SubmissionType>>,
}

/// Destination of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Destination {
    /// Windows Update.
    WindowsUpdate,
    /// Another partner, who may publish the driver.
    AnotherPartner,
}

/// Fields of a shipping label.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Label {
    /// Name of the label.
    pub(crate) name: Option<Templated>,
    /// Where the label sends the driver.
    pub(crate) destination: Option<At<Destination>>,
    /// The label is requested only after `approve`; until then, the job is held. True, or the number of different operators who have to
    /// approve the same request (at most 9). Default: false
    pub(crate) hold: Option<At<HoldValue>>,
    /// One other label of this rule, which has to be published first: its name as the rule writes it, or a glob that matches only this name.
    pub(crate) after: Option<At<String>>,
    /// How long the label in `after` must have been live: since its publication or its go-live date, whichever is later. Default: 0s
    pub(crate) soak: Option<Delay>,
    /// When the label is live, older labels of the same `[[rule.label]]`, for a lower DriverVer, give up the targets that it has too.
    /// Default: false
    pub(crate) supersede: Option<At<bool>>,
    /// A date in the future, an offset such as `+7d` from the time at which the label is requested, `next_working_day`, or an offset to a
    /// working day, such as `+7d next_working_day`. Dates are UTC. Default: when the label is published
    #[serde(alias = "go_live_date")]
    pub(crate) go_live: Option<At<LiveDate>>,
    /// Days (UTC) on which nothing goes live: "2026-12-24" or "2026-12-18..2027-01-01".
    pub(crate) blackout: Option<OneOrMany<Text<Days>>>,
    /// Windows installs the driver automatically during an OS upgrade; needs `approval`. Default: false
    #[serde(alias = "is_auto_install_during_os_upgrade")]
    pub(crate) auto_install_during_os_upgrade: Option<At<bool>>,
    /// Windows installs the driver automatically on every applicable machine; needs `approval`. Default: false
    #[serde(alias = "is_auto_install_on_applicable_systems")]
    pub(crate) auto_install_on_applicable_systems: Option<At<bool>>,
    /// Hides the driver from the Microsoft Update Catalog and WSUS. Default: not sent
    #[serde(alias = "is_disclosure_restricted")]
    pub(crate) disclosure_restricted: Option<At<bool>>,
    /// Publishes the driver to Windows 10 S. Default: not sent
    pub(crate) publish_to_windows10s: Option<At<bool>>,
    /// Seller ids of the accounts that can see the label.
    pub(crate) visible_to_accounts: Option<OneOrMany<Id>>,
    /// Information for Microsoft's reviewers; required if the driver installs automatically.
    #[serde(alias = "additional_info_for_ms_approval")]
    pub(crate) approval: Option<At<Approval>>,
    /// Publisher ids of the receiving partners, only for `another_partner`; each partner gets its own label.
    #[serde(alias = "receiver_publisher_id", alias = "partner")]
    pub(crate) partners: Option<OneOrMany<Id>>,
    /// Requires the partner to target computer hardware ids (CHIDs). Default: false
    pub(crate) enforce_chid_targeting: Option<At<bool>>,
    /// Forbids the partner to create driver updates (DUA). Default: not sent
    pub(crate) block_dua_creation: Option<At<bool>>,
    /// Audiences of the account, each by its id or by one of its two names in the API (`name`, `audienceName`). Default: none; a label for
    /// Windows Update without audiences is for everybody
    #[serde(alias = "restricted_to_audiences")]
    pub(crate) audiences: Option<Templates>,
    /// Lowest version of Windows to which the driver is offered, such as `RS5`.
    #[serde(alias = "flooring")]
    pub(crate) floor: Option<Templated>,
    /// Highest version of Windows to which the driver is offered; needs `approval.business_justification`.
    pub(crate) ceiling: Option<Templated>,
    /// Lowest build of Windows to which the driver is offered (co-engineering).
    #[serde(alias = "flooring_build_number")]
    pub(crate) floor_build: Option<At<u64>>,
    /// Highest build of Windows to which the driver is offered (co-engineering).
    #[serde(alias = "ceiling_build_number")]
    pub(crate) ceiling_build: Option<At<u64>>,
    /// Computer hardware ids (CHIDs), or `from_inf` for those in the INFs.
    pub(crate) chids: Option<At<Templates>>,
    /// Rows of the driver metadata that the label targets: those that match all keys of this table. Default: all rows
    pub(crate) hardware_ids: Option<At<HardwareIds>>,
}

/// Rows of the driver metadata that a label targets; all keys must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct HardwareIds {
    /// Globs on hardware ids.
    pub(crate) include: Option<Templates>,
    /// Globs on hardware ids that are left out even if `include` matches them.
    pub(crate) exclude: Option<Templates>,
    /// OS codes.
    pub(crate) operating_systems: Option<Templates>,
    /// INF file names.
    pub(crate) infs: Option<Templates>,
    /// Bundle ids.
    pub(crate) bundles: Option<Templates>,
    /// Device descriptions.
    pub(crate) descriptions: Option<Templates>,
    /// For each hardware id, target only the row of the lowest OS; Windows Update offers the driver to later versions too. Default: false
    pub(crate) lowest_os_only: Option<At<bool>>,
}

/// Information for Microsoft's reviewers.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// Mail address at Microsoft.
    pub(crate) microsoft_contact: Option<Templated>,
    /// Tests that were done.
    pub(crate) validations_performed: Option<Templated>,
    /// Affected OEMs.
    pub(crate) affected_oems: Option<Templates>,
    /// A reboot is required.
    #[serde(alias = "reboot_required")]
    pub(crate) is_reboot_required: Option<At<bool>>,
    /// The driver was developed together with Microsoft.
    #[serde(alias = "co_engineered")]
    pub(crate) is_co_engineered: Option<At<bool>>,
    /// The driver is for hardware that is not on the market.
    #[serde(alias = "for_unreleased_hardware")]
    pub(crate) is_for_unreleased_hardware: Option<At<bool>>,
    /// The package contains software with a user interface.
    pub(crate) has_ui_software: Option<At<bool>>,
    /// Business justification, for example of a ceiling.
    pub(crate) business_justification: Option<Templated>,
}
