//! The facts of a package that rules match on.

use std::borrow::Cow;
use std::fmt;

use dropship_package::facts::InfFacts;

use crate::guid;
use crate::input::MatchInput;

/// A fact that rules match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the key of `match` with that name")]
pub enum Fact {
    File,
    Provider,
    Class,
    ClassGuid,
    Version,
    Date,
    Inf,
    HardwareId,
    Chid,
    Manufacturer,
    Description,
    Signer,
    Issuer,
    Thumbprint,
    Kind,
    Architecture,
    Contains,
    OperatingSystem,
    ProductType,
    KitVersion,
    Extension,
    Primitive,
}

impl Fact {
    /// The key of `match`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Provider => "provider",
            Self::Class => "class",
            Self::ClassGuid => "class_guid",
            Self::Version => "version",
            Self::Date => "date",
            Self::Inf => "inf",
            Self::HardwareId => "hardware_id",
            Self::Chid => "chid",
            Self::Manufacturer => "manufacturer",
            Self::Description => "description",
            Self::Signer => "signer",
            Self::Issuer => "issuer",
            Self::Thumbprint => "thumbprint",
            Self::Kind => "kind",
            Self::Architecture => "architecture",
            Self::Contains => "contains",
            Self::OperatingSystem => "operating_system",
            Self::ProductType => "product_type",
            Self::KitVersion => "kit_version",
            Self::Extension => "extension",
            Self::Primitive => "primitive",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value of a fact, and the INF that states it.
pub(super) struct FactValue<'a> {
    pub(super) text: Cow<'a, str>,
    /// File name of the INF; `None` for a fact of the package as a whole.
    pub(super) inf: Option<&'a str>,
}

impl Fact {
    /// Whether only INFs state it. It is unknown for an .hlkx, whose INFs cannot be read.
    #[must_use]
    pub fn is_of_infs(self) -> bool {
        matches!(
            self,
            Self::Provider
                | Self::Class
                | Self::ClassGuid
                | Self::Version
                | Self::Date
                | Self::Inf
                | Self::HardwareId
                | Self::Chid
                | Self::Manufacturer
                | Self::Description
                | Self::Extension
                | Self::Primitive
        )
    }

    /// Whether only an .hlkx states it.
    #[must_use]
    pub fn is_of_kits(self) -> bool {
        matches!(self, Self::OperatingSystem | Self::ProductType | Self::KitVersion)
    }

    /// Whether it describes an INF as a whole, and not one of several entries. In `match` the condition must then hold
    /// for every INF, in `not` for any.
    #[must_use]
    pub fn of_every_inf(self) -> bool {
        matches!(
            self,
            Self::Provider
                | Self::Class
                | Self::ClassGuid
                | Self::Version
                | Self::Date
                | Self::Extension
                | Self::Primitive
        )
    }

    /// Whether it is a GUID, which may be written with or without braces.
    #[must_use]
    pub fn is_guid(self) -> bool {
        matches!(self, Self::ClassGuid | Self::Chid)
    }

    /// Every value that the package has for this fact. An INF without it contributes an empty text.
    pub(super) fn values<'a>(self, input: &MatchInput<'a>) -> Vec<FactValue<'a>> {
        let facts = input.facts;
        let each = |value: fn(&InfFacts) -> Option<&str>| {
            let infs = facts.infs.iter();
            infs.map(|inf| fact_value(value(inf).unwrap_or_default(), Some(&inf.name))).collect()
        };
        let listed = |values: fn(&InfFacts) -> &[String]| {
            let infs = facts.infs.iter();
            infs.flat_map(|inf| values(inf).iter().map(|value| fact_value(value, Some(&inf.name)))).collect()
        };
        let flag = |value: fn(&InfFacts) -> bool| {
            let infs = facts.infs.iter();
            let text = |inf| if value(inf) { "true" } else { "false" };
            infs.map(|inf| fact_value(text(inf), Some(&inf.name))).collect()
        };
        let signer = facts.signer.as_ref();
        let hlkx = facts.hlkx.as_ref();
        match self {
            Self::File => vec![fact_value(input.file, None)],
            Self::Provider => each(|inf| inf.provider.as_deref()),
            Self::Class => each(|inf| inf.class.as_deref()),
            Self::ClassGuid => each(|inf| inf.class_guid.as_deref().map(guid::without_braces)),
            Self::Version => each(|inf| inf.version.as_deref()),
            Self::Date => each(|inf| inf.date.as_deref()),
            Self::Inf => each(|inf| Some(&inf.name)),
            Self::HardwareId => listed(|inf| &inf.hardware_ids),
            Self::Chid => {
                let infs = facts.infs.iter();
                infs.flat_map(|inf| {
                    inf.chids.iter().map(|chid| fact_value(guid::without_braces(chid), Some(&inf.name)))
                })
                .collect()
            }
            Self::Manufacturer => listed(|inf| &inf.manufacturers),
            Self::Description => listed(|inf| &inf.descriptions),
            Self::Extension => flag(|inf| inf.extension_id.is_some()),
            Self::Primitive => flag(|inf| inf.primitive),
            Self::Signer => signer.map(|signer| fact_value(&signer.name, None)).into_iter().collect(),
            Self::Issuer => signer.map(|signer| fact_value(&signer.issuer, None)).into_iter().collect(),
            Self::Thumbprint => signer
                .into_iter()
                .flat_map(|signer| [&signer.thumbprint_sha1, &signer.thumbprint_sha256])
                .map(|print| fact_value(print, None))
                .collect(),
            Self::Kind => vec![fact_value(facts.kind.as_str(), None)],
            Self::Architecture => facts.architectures.iter().map(|name| fact_value(name, None)).collect(),
            Self::Contains => facts.files.iter().map(|file| fact_value(&file.path, None)).collect(),
            Self::OperatingSystem => hlkx
                .into_iter()
                .flat_map(|hlkx| &hlkx.operating_systems)
                .map(|code| fact_value(code, None))
                .collect(),
            Self::ProductType => hlkx
                .into_iter()
                .flat_map(|hlkx| hlkx.product_types.values())
                .map(|kind| fact_value(kind, None))
                .collect(),
            Self::KitVersion => hlkx
                .and_then(|hlkx| hlkx.kit_version.as_deref())
                .map(|version| fact_value(version, None))
                .into_iter()
                .collect(),
        }
    }
}

fn fact_value<'a>(text: &'a str, inf: Option<&'a str>) -> FactValue<'a> {
    FactValue { text: Cow::Borrowed(text), inf }
}
