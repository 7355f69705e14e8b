//! Conditions of a rule on the facts of a package.

use std::borrow::Cow;
use std::fmt;

use super::{Passed, Subject};
use crate::config::pattern::{self, Pattern};
use crate::config::version::VersionRange;
use dropship_package::facts::InfFacts;

/// What must hold of a package: every clause, and no `not` table as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matching {
    /// All must hold.
    pub clauses: Vec<Clause>,
    /// Of none may all hold.
    pub not: Vec<Matching>,
}

/// One key of `match`.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The fact.
    pub key: Key,
    /// What it must be.
    pub test: Test,
}

/// What a fact must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// One of these globs.
    Globs(Vec<Pattern>),
    /// In one of these ranges.
    Versions(Vec<VersionRange>),
    /// This.
    Flag(bool),
}

/// A fact that rules match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the key of `match` with that name")]
pub enum Key {
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

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
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
        })
    }
}

/// A value of a fact, and the INF that states it.
struct Said<'a> {
    value: Cow<'a, str>,
    by: Option<&'a str>,
}

impl Key {
    /// Whether INFs alone state it; of an .hlkx, whose INFs nobody can read, it is never known.
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

    /// Whether every INF must fit: what an INF is, not what it lists. A rule for one provider must not
    /// take a package that also brings another's driver.
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

    /// Whether it is a GUID, which some write with braces and some without.
    #[must_use]
    pub fn is_guid(self) -> bool {
        matches!(self, Self::ClassGuid | Self::Chid)
    }

    /// Every value that the package has for this fact; an INF that lacks it says the empty text.
    fn values<'a>(self, subject: &Subject<'a>) -> Vec<Said<'a>> {
        let facts = subject.facts;
        let each = |value: fn(&InfFacts) -> Option<&str>| {
            let infs = facts.infs.iter();
            infs.map(|inf| said(value(inf).unwrap_or_default(), Some(&inf.name))).collect()
        };
        let listed = |values: fn(&InfFacts) -> &[String]| {
            let infs = facts.infs.iter();
            infs.flat_map(|inf| values(inf).iter().map(|value| said(value, Some(&inf.name)))).collect()
        };
        let flag = |value: fn(&InfFacts) -> bool| {
            let infs = facts.infs.iter();
            let text = |inf| if value(inf) { "true" } else { "false" };
            infs.map(|inf| said(text(inf), Some(&inf.name))).collect()
        };
        let signer = facts.signer.as_ref();
        let hlkx = facts.hlkx.as_ref();
        match self {
            Self::File => vec![said(subject.file, None)],
            Self::Provider => each(|inf| inf.provider.as_deref()),
            Self::Class => each(|inf| inf.class.as_deref()),
            Self::ClassGuid => each(|inf| inf.class_guid.as_deref().map(plain)),
            Self::Version => each(|inf| inf.version.as_deref()),
            Self::Date => each(|inf| inf.date.as_deref()),
            Self::Inf => each(|inf| Some(&inf.name)),
            Self::HardwareId => listed(|inf| &inf.hardware_ids),
            Self::Chid => {
                let infs = facts.infs.iter();
                infs.flat_map(|inf| inf.chids.iter().map(|chid| said(plain(chid), Some(&inf.name)))).collect()
            }
            Self::Manufacturer => listed(|inf| &inf.manufacturers),
            Self::Description => listed(|inf| &inf.descriptions),
            Self::Extension => flag(|inf| inf.extension_id.is_some()),
            Self::Primitive => flag(|inf| inf.primitive),
            Self::Signer => signer.map(|signer| said(&signer.name, None)).into_iter().collect(),
            Self::Issuer => signer.map(|signer| said(&signer.issuer, None)).into_iter().collect(),
            Self::Thumbprint => signer
                .into_iter()
                .flat_map(|signer| [&signer.thumbprint_sha1, &signer.thumbprint_sha256])
                .map(|print| said(print, None))
                .collect(),
            Self::Kind => vec![said(facts.kind.as_str(), None)],
            Self::Architecture => facts.architectures.iter().map(|name| said(name, None)).collect(),
            Self::Contains => facts.files.iter().map(|file| said(&file.path, None)).collect(),
            Self::OperatingSystem => hlkx
                .into_iter()
                .flat_map(|hlkx| &hlkx.operating_systems)
                .map(|code| said(code, None))
                .collect(),
            Self::ProductType => hlkx
                .into_iter()
                .flat_map(|hlkx| hlkx.product_types.values())
                .map(|kind| said(kind, None))
                .collect(),
            Self::KitVersion => hlkx
                .and_then(|hlkx| hlkx.kit_version.as_deref())
                .map(|version| said(version, None))
                .into_iter()
                .collect(),
        }
    }
}

/// A GUID without its braces.
pub(crate) fn plain(guid: &str) -> &str {
    let inner = guid.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.filter(|inner| !inner.is_empty()).unwrap_or(guid)
}

fn said<'a>(value: &'a str, by: Option<&'a str>) -> Said<'a> {
    Said { value: Cow::Borrowed(value), by }
}

impl Test {
    fn fits(&self, value: &str) -> bool {
        match self {
            Self::Globs(globs) => pattern::any(globs, value),
            Self::Versions(ranges) => ranges.iter().any(|range| range.contains(value)),
            Self::Flag(flag) => value == if *flag { "true" } else { "false" },
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<String> = match self {
            Self::Globs(globs) => globs.iter().map(|glob| format!("\"{glob}\"")).collect(),
            Self::Versions(ranges) => ranges.iter().map(|range| format!("\"{}\"", range.as_str())).collect(),
            Self::Flag(flag) => return flag.fmt(f),
        };
        f.write_str(&quoted.join(" or "))
    }
}

impl Clause {
    fn fits(&self, subject: &Subject<'_>) -> bool {
        // The two facts that nearly every rule names, without a list on the heap.
        match (self.key, &self.test) {
            (Key::File, test) => return test.fits(subject.file),
            (Key::Kind, test) => return test.fits(subject.facts.kind.as_str()),
            (Key::Provider, test) => {
                let infs = &subject.facts.infs;
                let fits = |inf: &InfFacts| test.fits(inf.provider.as_deref().unwrap_or_default());
                return !infs.is_empty() && infs.iter().all(fits);
            }
            _ => {}
        }
        let values = self.key.values(subject);
        let fits = |said: &Said<'_>| self.test.fits(&said.value);
        match self.key.of_every_inf() {
            true => !values.is_empty() && values.iter().all(fits),
            false => values.iter().any(fits),
        }
    }

    /// Why it does not hold; only asked when it does not.
    fn reason(&self, subject: &Subject<'_>) -> String {
        let values = self.key.values(subject);
        let (key, test) = (self.key, &self.test);
        if values.is_empty() {
            return format!("the package has no {key}, and the rule wants {test}");
        }
        let unfit = values.iter().filter(|said| !test.fits(&said.value)).take(3);
        let shown = unfit.map(|said| match (said.value.is_empty(), said.by) {
            (true, Some(inf)) => format!("none ({inf})"),
            (false, Some(inf)) if subject.facts.infs.len() > 1 => format!("\"{}\" ({inf})", said.value),
            _ => format!("\"{}\"", said.value),
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        let more = match values.len() {
            0..=3 => "",
            _ if key.of_every_inf() => "",
            _ => " …",
        };
        format!("{key} {shown}{more} does not fit {test}")
    }
}

impl Matching {
    /// Whether all of it holds.
    #[must_use]
    pub fn fits(&self, subject: &Subject<'_>) -> bool {
        self.clauses.iter().all(|clause| clause.fits(subject))
            && !self.not.iter().any(|not| not.fits(subject))
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, passed: &mut Passed) {
        for clause in &self.clauses {
            match clause.fits(subject) {
                true => passed.held += 1,
                false => passed.reasons.push(clause.reason(subject)),
            }
        }
        for not in &self.not {
            match not.fits(subject) {
                true => passed.reasons.push(format!("`not` excludes it: {not}")),
                false => passed.held += 1,
            }
        }
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.clauses.iter().map(|clause| format!("{} {}", clause.key, clause.test));
        let nots = self.not.iter().map(|not| format!("not ({not})"));
        f.write_str(&own.chain(nots).collect::<Vec<_>>().join(" and "))
    }
}
