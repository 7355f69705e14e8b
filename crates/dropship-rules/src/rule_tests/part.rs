//! The parts of rules that cases exercise and mutants change.

use crate::matching::Fact;
use crate::rule::Rule;

/// A part of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RulePart {
    /// Index of the rule.
    pub rule: usize,
    /// Which part of it.
    pub part: Part,
}

/// A part of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The rule as a whole.
    Whole,
    /// `folders`.
    Folders,
    /// A key of `match`.
    Condition(Fact),
    /// The `not` table at this index.
    Exclusion(usize),
    /// The label at this index as a whole.
    Label(usize),
    /// A key of a label.
    LabelKey {
        /// Index of the label.
        label: usize,
        /// The key.
        key: LabelKey,
        /// Index in the list of the key, if it is about one entry.
        entry: Option<usize>,
    },
}

/// A key of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "each is the key of `[[rule.label]]` or of its `hardware_ids` with that name"
)]
pub enum LabelKey {
    Audiences,
    Hold,
    After,
    Soak,
    GoLive,
    Blackout,
    Floor,
    Ceiling,
    FloorBuild,
    CeilingBuild,
    Chids,
    Include,
    Exclude,
    OperatingSystems,
    Infs,
    Bundles,
    Descriptions,
    LowestOsOnly,
    EnforceChidTargeting,
    BlockDuaCreation,
    DisclosureRestricted,
    VisibleToAccounts,
    Supersede,
    AutoInstallDuringOsUpgrade,
    AutoInstallOnApplicableSystems,
}

/// What a key of a label is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyScope {
    /// Labels for Windows Update only.
    WindowsUpdate,
    /// The targets: it is a key of `hardware_ids`.
    Targets,
    /// Each label, or labels for partners only.
    Label,
}

/// A step of the way from a `[[rule]]` table to a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// A key of a table.
    Key(&'static str),
    /// An entry of a list. A single value stands for a list of one.
    Entry(usize),
}

impl LabelKey {
    /// The key as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audiences => "audiences",
            Self::Hold => "hold",
            Self::After => "after",
            Self::Soak => "soak",
            Self::GoLive => "go_live",
            Self::Blackout => "blackout",
            Self::Floor => "floor",
            Self::Ceiling => "ceiling",
            Self::FloorBuild => "floor_build",
            Self::CeilingBuild => "ceiling_build",
            Self::Chids => "chids",
            Self::Include => "include",
            Self::Exclude => "exclude",
            Self::OperatingSystems => "operating_systems",
            Self::Infs => "infs",
            Self::Bundles => "bundles",
            Self::Descriptions => "descriptions",
            Self::LowestOsOnly => "lowest_os_only",
            Self::EnforceChidTargeting => "enforce_chid_targeting",
            Self::BlockDuaCreation => "block_dua_creation",
            Self::DisclosureRestricted => "disclosure_restricted",
            Self::VisibleToAccounts => "visible_to_accounts",
            Self::Supersede => "supersede",
            Self::AutoInstallDuringOsUpgrade => "auto_install_during_os_upgrade",
            Self::AutoInstallOnApplicableSystems => "auto_install_on_applicable_systems",
        }
    }

    /// Whether it has an effect on labels for Windows Update only.
    #[must_use]
    pub fn is_of_windows_update(self) -> bool {
        self.scope() == KeyScope::WindowsUpdate
    }

    /// Whether it is a key of `hardware_ids`.
    fn is_of_targets(self) -> bool {
        self.scope() == KeyScope::Targets
    }

    fn scope(self) -> KeyScope {
        match self {
            Self::Audiences
            | Self::GoLive
            | Self::Blackout
            | Self::Floor
            | Self::Ceiling
            | Self::FloorBuild
            | Self::CeilingBuild
            | Self::DisclosureRestricted
            | Self::VisibleToAccounts
            | Self::Supersede
            | Self::AutoInstallDuringOsUpgrade
            | Self::AutoInstallOnApplicableSystems => KeyScope::WindowsUpdate,
            Self::Include
            | Self::Exclude
            | Self::OperatingSystems
            | Self::Infs
            | Self::Bundles
            | Self::Descriptions
            | Self::LowestOsOnly => KeyScope::Targets,
            Self::Hold
            | Self::After
            | Self::Soak
            | Self::Chids
            | Self::EnforceChidTargeting
            | Self::BlockDuaCreation => KeyScope::Label,
        }
    }
}

impl Part {
    /// The key of a label, as a whole.
    #[must_use]
    pub fn of_label(label: usize, key: LabelKey) -> Self {
        Self::LabelKey { label, key, entry: None }
    }

    /// An entry in the list of a key of a label.
    #[must_use]
    pub fn entry(label: usize, key: LabelKey, entry: usize) -> Self {
        Self::LabelKey { label, key, entry: Some(entry) }
    }

    /// The way to it from the `[[rule]]` table.
    #[must_use]
    pub fn path(&self) -> Vec<Segment> {
        use Segment::{Entry, Key};
        match self {
            Self::Whole => Vec::new(),
            Self::Folders => vec![Key("folders")],
            Self::Condition(fact) => vec![Key("match"), Key(fact.as_str())],
            Self::Exclusion(index) => vec![Key("match"), Key("not"), Entry(*index)],
            Self::Label(label) => vec![Key("label"), Entry(*label)],
            Self::LabelKey { label, key, entry } => {
                let mut path = vec![Key("label"), Entry(*label)];
                path.extend(key.is_of_targets().then_some(Key("hardware_ids")));
                path.push(Key(key.as_str()));
                path.extend(entry.map(Entry));
                path
            }
        }
    }

    /// The label that it belongs to.
    #[must_use]
    pub fn label(&self) -> Option<usize> {
        match self {
            Self::Label(label) | Self::LabelKey { label, .. } => Some(*label),
            Self::Whole | Self::Folders | Self::Condition(_) | Self::Exclusion(_) => None,
        }
    }

    /// Its name below the rule: `match.provider`, ``label `NAME` `exclude` ``.
    #[must_use]
    pub fn name(&self, rule: &Rule) -> String {
        let label = |index: &usize| {
            let name = rule.labels.get(*index).map_or("?", |label| label.name.source());
            format!("label `{name}`")
        };
        match self {
            Self::Whole => "rule".to_owned(),
            Self::Folders => "folders".to_owned(),
            Self::Condition(fact) => format!("match.{fact}"),
            Self::Exclusion(index) if rule.matching.not.len() > 1 => format!("match.not[{index}]"),
            Self::Exclusion(_) => "match.not".to_owned(),
            Self::Label(index) => label(index),
            Self::LabelKey { label: index, key, entry } => {
                let glob = rule.labels.get(*index).zip(*entry).and_then(|(label, entry)| {
                    let globs = match key {
                        LabelKey::Include => &label.targets.include,
                        LabelKey::Exclude => &label.targets.exclude,
                        LabelKey::OperatingSystems => &label.targets.operating_systems,
                        LabelKey::Infs => &label.targets.infs,
                        LabelKey::Bundles => &label.targets.bundles,
                        LabelKey::Descriptions => &label.targets.descriptions,
                        _ => return None,
                    };
                    globs.get(entry)
                });
                let glob = glob.map(|glob| format!(" \"{}\"", glob.source())).unwrap_or_default();
                format!("{}: {}{glob}", label(index), key.as_str())
            }
        }
    }
}
