//! `[[test]]` as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::values::{At, Globs, MomentDate, OneOrMany, Texts};

/// A test case of `dropship test`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Case {
    /// Name of the case.
    pub(in crate::config) name: Option<At<String>>,
    /// The package, described by its facts.
    pub(in crate::config) package: Option<At<Package>>,
    /// File with the driver metadata that Microsoft sends for the package, or the outbox folder that has them; label requests are
    /// built from them. Default: predicted from the facts of the package
    pub(in crate::config) metadata: Option<At<String>>,
    /// When the package is signed: a date, a time, or an offset such as "+8d" from the time of the run. Default: the time of the run,
    /// which is now or the time of `--at`
    pub(in crate::config) at: Option<At<MomentDate>>,
    /// The expected result.
    pub(in crate::config) expect: Option<At<Expect>>,
    /// Steps that walk the labels through time, in the order of time.
    #[serde(default)]
    pub(in crate::config) step: Vec<At<Step>>,
}

/// One step of a walk through time: what happens, and what is expected after it.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Step {
    /// When: an offset from the time at which the package is signed, such as "+8d", or a date or time.
    pub(in crate::config) at: Option<At<MomentDate>>,
    /// Globs on the names of labels that Microsoft publishes now.
    pub(in crate::config) published: Option<Globs>,
    /// Globs on the names of labels whose processing at Microsoft fails now.
    pub(in crate::config) failed: Option<Globs>,
    /// Globs on the names of labels that an operator approves now.
    pub(in crate::config) approved: Option<Globs>,
    /// What is expected after the events of the step.
    pub(in crate::config) expect: Option<At<StepExpect>>,
}

/// The labels that are expected at a step.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct StepExpect {
    /// Globs on the names of all labels that have been requested by then, in any order.
    pub(in crate::config) requested: Option<Globs>,
    /// Globs on the names of all labels that wait for an operator, in any order.
    pub(in crate::config) held: Option<Globs>,
    /// Fields of the requests that were sent. The glob `name` selects the labels; without `name`, the fields are expected of all labels that
    /// have been requested.
    pub(in crate::config) label: Option<OneOrMany<BTreeMap<String, At<Any>>>>,
}

/// A package described by its facts.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Package {
    /// File with the facts of a package, as `dropship --json inspect` prints them; the other keys of this table override these facts.
    pub(in crate::config) facts: Option<At<String>>,
    /// Name of the folder from which the package comes. Default: none
    pub(in crate::config) folder: Option<At<String>>,
    /// The same as the key `metadata` of the case.
    pub(in crate::config) metadata: Option<At<String>>,
    /// File name.
    pub(in crate::config) file: Option<At<String>>,
    /// `cab` or `hlkx`. Default: by the file name
    pub(in crate::config) kind: Option<At<Kind>>,
    /// Length in bytes.
    pub(in crate::config) size: Option<u64>,
    /// SHA-256 of the package.
    pub(in crate::config) sha256: Option<String>,
    /// Name in the certificate of the signer.
    pub(in crate::config) signer: Option<String>,
    /// Distinguished name of the issuer of the signer's certificate.
    pub(in crate::config) issuer: Option<String>,
    /// SHA-1 or SHA-256 digest of the signer's certificate.
    pub(in crate::config) thumbprint: Option<String>,
    /// Paths of files in the package.
    pub(in crate::config) files: Option<Texts>,
    /// Architectures of the package.
    #[serde(alias = "architectures")]
    pub(in crate::config) architecture: Option<Texts>,
    /// Several INFs, instead of `inf` and the other keys about the one INF.
    pub(in crate::config) infs: Option<Vec<Inf>>,
    /// File name of the one INF.
    pub(in crate::config) inf: Option<String>,
    /// Provider of the INF.
    pub(in crate::config) provider: Option<String>,
    /// Class of the INF.
    pub(in crate::config) class: Option<String>,
    /// Class GUID of the INF.
    pub(in crate::config) class_guid: Option<String>,
    /// DriverVer version of the INF.
    pub(in crate::config) version: Option<String>,
    /// DriverVer date of the INF, as yyyy-mm-dd.
    pub(in crate::config) date: Option<String>,
    /// Extension id of the INF, if it is an extension INF.
    pub(in crate::config) extension_id: Option<String>,
    /// Whether the INF is of a primitive driver.
    pub(in crate::config) primitive: Option<bool>,
    /// Hardware ids of the INF.
    #[serde(alias = "hardware_id")]
    pub(in crate::config) hardware_ids: Option<Texts>,
    /// Computer hardware ids (CHIDs) of the INF.
    #[serde(alias = "chid")]
    pub(in crate::config) chids: Option<Texts>,
    /// Manufacturers that the INF names.
    #[serde(alias = "manufacturer")]
    pub(in crate::config) manufacturers: Option<Texts>,
    /// Device descriptions of the INF.
    #[serde(alias = "description")]
    pub(in crate::config) descriptions: Option<Texts>,
    /// OS codes that an .hlkx was tested for.
    pub(in crate::config) operating_systems: Option<Texts>,
    /// Version of the kit that made an .hlkx.
    pub(in crate::config) kit_version: Option<String>,
    /// Product types that an .hlkx states, by OS family.
    pub(in crate::config) product_types: Option<BTreeMap<String, String>>,
    /// Variables that a sidecar sets.
    pub(in crate::config) vars: Option<BTreeMap<String, String>>,
}

/// The two package formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum Kind {
    /// A signed cabinet.
    Cab,
    /// A kit package: `.hlkx`, or `.hckx` for Windows 8.1 and earlier.
    Hlkx,
}

/// Any value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct Any(pub(in crate::config) toml::Value);

#[cfg(test)]
impl schemars::JsonSchema for Any {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!(true)
    }
}

/// One INF of a described package.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Inf {
    /// File name.
    #[serde(alias = "inf")]
    pub(in crate::config) name: Option<String>,
    /// Provider.
    pub(in crate::config) provider: Option<String>,
    /// Class.
    pub(in crate::config) class: Option<String>,
    /// Class GUID.
    pub(in crate::config) class_guid: Option<String>,
    /// Version.
    pub(in crate::config) version: Option<String>,
    /// Date, as yyyy-mm-dd.
    pub(in crate::config) date: Option<String>,
    /// Extension id, if it is an extension INF.
    pub(in crate::config) extension_id: Option<String>,
    /// Whether the INF is of a primitive driver.
    pub(in crate::config) primitive: Option<bool>,
    /// Hardware ids.
    #[serde(alias = "hardware_id")]
    pub(in crate::config) hardware_ids: Option<Texts>,
    /// Computer hardware ids.
    #[serde(alias = "chid")]
    pub(in crate::config) chids: Option<Texts>,
    /// Manufacturers.
    #[serde(alias = "manufacturer")]
    pub(in crate::config) manufacturers: Option<Texts>,
    /// Device descriptions.
    #[serde(alias = "description")]
    pub(in crate::config) descriptions: Option<Texts>,
}

/// The expected result for a package.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Expect {
    /// Name of the rule that applies to the package.
    pub(in crate::config) rule: Option<At<String>>,
    /// True: no rule matches the package, or the matching rule cannot be applied to it. Default: false, unless `error` is set
    pub(in crate::config) rejected: Option<At<bool>>,
    /// Globs; the reason of the rejection has to match one of them.
    pub(in crate::config) error: Option<Globs>,
    /// Name of the account that submits the package.
    pub(in crate::config) account: Option<At<String>>,
    /// Globs on the names of all labels, in the order of the rule.
    pub(in crate::config) labels: Option<Globs>,
    /// Fields of the product request, with the API's names or in `snake_case`; texts with `*`, `?`, `[` or `{` are globs.
    pub(in crate::config) product: Option<At<BTreeMap<String, At<Any>>>>,
    /// Fields of the submission request.
    pub(in crate::config) submission: Option<At<BTreeMap<String, At<Any>>>>,
    /// Fields of label requests. The glob `name` selects the labels; without `name`, the fields are expected of all labels.
    pub(in crate::config) label: Option<OneOrMany<BTreeMap<String, At<Any>>>>,
}
