//! `[[test]]` as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::values::{At, Globs, MomentDate, OneOrMany, Texts};

/// A test case of `dropship test`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Name of the case.
    pub(crate) name: Option<At<String>>,
    /// The package, described by its facts.
    pub(crate) package: Option<At<Package>>,
    /// File with the driver metadata that Microsoft sends for the package, or the outbox folder that has them; label requests are
    /// built from them. Default: predicted from the facts of the package
    pub(crate) metadata: Option<At<String>>,
    /// When the package is signed: a date, a time, or an offset such as "+8d" from the time of the run. Default: the time of the run,
    /// which is now or the time of `--at`
    pub(crate) at: Option<At<MomentDate>>,
    /// The expected result.
    pub(crate) expect: Option<At<Expect>>,
    /// Steps that walk the labels through time, in the order of time.
    #[serde(default)]
    pub(crate) step: Vec<At<Step>>,
}

/// One step of a walk through time: what happens, and what is expected after it.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// When: an offset from the time at which the package is signed, such as "+8d", or a date or time.
    pub(crate) at: Option<At<MomentDate>>,
    /// Globs on the names of labels that Microsoft publishes now.
    pub(crate) published: Option<Globs>,
    /// Globs on the names of labels whose processing at Microsoft fails now.
    pub(crate) failed: Option<Globs>,
    /// Globs on the names of labels that an operator approves now.
    pub(crate) approved: Option<Globs>,
    /// What is expected after the events of the step.
    pub(crate) expect: Option<At<StepExpect>>,
}

/// The labels that are expected at a step.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct StepExpect {
    /// Globs on the names of all labels that have been requested by then, in any order.
    pub(crate) requested: Option<Globs>,
    /// Globs on the names of all labels that wait for an operator, in any order.
    pub(crate) held: Option<Globs>,
    /// Fields of the requests that were sent. The glob `name` selects the labels; without `name`, the fields are expected of all labels that
    /// have been requested.
    pub(crate) label: Option<OneOrMany<BTreeMap<String, At<Any>>>>,
}

/// A package described by its facts.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    /// File with the facts of a package, as `dropship --json inspect` prints them; the other keys of this table override these facts.
    pub(crate) facts: Option<At<String>>,
    /// Name of the folder from which the package comes. Default: none
    pub(crate) folder: Option<At<String>>,
    /// The same as the key `metadata` of the case.
    pub(crate) metadata: Option<At<String>>,
    /// File name.
    pub(crate) file: Option<At<String>>,
    /// `cab` or `hlkx`. Default: by the file name
    pub(crate) kind: Option<At<Kind>>,
    /// Length in bytes.
    pub(crate) size: Option<u64>,
    /// SHA-256 of the package.
    pub(crate) sha256: Option<String>,
    /// Name in the certificate of the signer.
    pub(crate) signer: Option<String>,
    /// Distinguished name of the issuer of the signer's certificate.
    pub(crate) issuer: Option<String>,
    /// SHA-1 or SHA-256 digest of the signer's certificate.
    pub(crate) thumbprint: Option<String>,
    /// Paths of files in the package.
    pub(crate) files: Option<Texts>,
    /// Architectures of the package.
    #[serde(alias = "architectures")]
    pub(crate) architecture: Option<Texts>,
    /// Several INFs, instead of `inf` and the other keys about the one INF.
    pub(crate) infs: Option<Vec<Inf>>,
    /// File name of the one INF.
    pub(crate) inf: Option<String>,
    /// Provider of the INF.
    pub(crate) provider: Option<String>,
    /// Class of the INF.
    pub(crate) class: Option<String>,
    /// Class GUID of the INF.
    pub(crate) class_guid: Option<String>,
    /// DriverVer version of the INF.
    pub(crate) version: Option<String>,
    /// DriverVer date of the INF, as yyyy-mm-dd.
    pub(crate) date: Option<String>,
    /// Extension id of the INF, if it is an extension INF.
    pub(crate) extension_id: Option<String>,
    /// Whether the INF is of a primitive driver.
    pub(crate) primitive: Option<bool>,
    /// Hardware ids of the INF.
    #[serde(alias = "hardware_id")]
    pub(crate) hardware_ids: Option<Texts>,
    /// Computer hardware ids (CHIDs) of the INF.
    #[serde(alias = "chid")]
    pub(crate) chids: Option<Texts>,
    /// Manufacturers that the INF names.
    #[serde(alias = "manufacturer")]
    pub(crate) manufacturers: Option<Texts>,
    /// Device descriptions of the INF.
    #[serde(alias = "description")]
    pub(crate) descriptions: Option<Texts>,
    /// OS codes that an .hlkx was tested for.
    pub(crate) operating_systems: Option<Texts>,
    /// Version of the kit that made an .hlkx.
    pub(crate) kit_version: Option<String>,
    /// Product types that an .hlkx states, by OS family.
    pub(crate) product_types: Option<BTreeMap<String, String>>,
    /// Variables that a sidecar sets.
    pub(crate) vars: Option<BTreeMap<String, String>>,
}

/// The two package formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A signed cabinet.
    Cab,
    /// A kit package: `.hlkx`, or `.hckx` for Windows 8.1 and earlier.
    Hlkx,
}

/// Any value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Any(pub(crate) toml::Value);

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
pub(crate) struct Inf {
    /// File name.
    #[serde(alias = "inf")]
    pub(crate) name: Option<String>,
    /// Provider.
    pub(crate) provider: Option<String>,
    /// Class.
    pub(crate) class: Option<String>,
    /// Class GUID.
    pub(crate) class_guid: Option<String>,
    /// Version.
    pub(crate) version: Option<String>,
    /// Date, as yyyy-mm-dd.
    pub(crate) date: Option<String>,
    /// Extension id, if it is an extension INF.
    pub(crate) extension_id: Option<String>,
    /// Whether the INF is of a primitive driver.
    pub(crate) primitive: Option<bool>,
    /// Hardware ids.
    #[serde(alias = "hardware_id")]
    pub(crate) hardware_ids: Option<Texts>,
    /// Computer hardware ids.
    #[serde(alias = "chid")]
    pub(crate) chids: Option<Texts>,
    /// Manufacturers.
    #[serde(alias = "manufacturer")]
    pub(crate) manufacturers: Option<Texts>,
    /// Device descriptions.
    #[serde(alias = "description")]
    pub(crate) descriptions: Option<Texts>,
}

/// The expected result for a package.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// Name of the rule that applies to the package.
    pub(crate) rule: Option<At<String>>,
    /// True: no rule matches the package, or the matching rule cannot be applied to it. Default: false, unless `error` is set
    pub(crate) rejected: Option<At<bool>>,
    /// Globs; the reason of the rejection has to match one of them.
    pub(crate) error: Option<Globs>,
    /// Name of the account that submits the package.
    pub(crate) account: Option<At<String>>,
    /// Globs on the names of all labels, in the order of the rule.
    pub(crate) labels: Option<Globs>,
    /// Fields of the product request, with the API's names or in `snake_case`; texts with `*`, `?`, `[` or `{` are globs.
    pub(crate) product: Option<At<BTreeMap<String, At<Any>>>>,
    /// Fields of the submission request.
    pub(crate) submission: Option<At<BTreeMap<String, At<Any>>>>,
    /// Fields of label requests. The glob `name` selects the labels; without `name`, the fields are expected of all labels.
    pub(crate) label: Option<OneOrMany<BTreeMap<String, At<Any>>>>,
}
