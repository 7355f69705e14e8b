//! Mutants of labels.

use std::time::Duration;

use super::mutant::{Effect, Mutant, RuleEdit};
use crate::hold::Hold;
use crate::rule::{Build, Chids, Destination, LabelRule, Rule};
use crate::rule_tests::part::{LabelKey, Part, RulePart};
use crate::template::Template;

pub(super) fn mutants(rule: &Rule, index: usize) -> Vec<Mutant> {
    (0..rule.labels.len()).flat_map(|label| LabelMutants::of(rule, index, label)).collect()
}

/// Collects the mutants of one label.
struct LabelMutants<'a> {
    rule: &'a Rule,
    index: usize,
    label: usize,
    mutants: Vec<Mutant>,
}

impl<'a> LabelMutants<'a> {
    fn of(rule: &'a Rule, index: usize, label: usize) -> Vec<Mutant> {
        let Some(written) = rule.labels.get(label) else { return Vec::new() };
        let mut mutants = Self { rule, index, label, mutants: Vec::new() };
        mutants.targets(written);
        mutants.machines(written);
        mutants.times(written);
        mutants.others();
        mutants.absent();
        mutants.mutants
    }

    fn push(&mut self, part: Part, change: impl Into<String>, effect: Effect, changed: Rule) {
        let part = RulePart { rule: self.index, part };
        let edit = RuleEdit::Request(Box::new(changed));
        self.mutants.push(Mutant { part, change: change.into(), effect, edit });
    }

    /// Adds the mutant that a change of the label yields, if it differs.
    fn add(
        &mut self,
        key: LabelKey,
        entry: Option<usize>,
        change: impl Into<String>,
        effect: Effect,
        edit: impl FnOnce(&mut LabelRule),
    ) {
        let mut changed = self.rule.clone();
        let label = &mut changed.labels[self.label];
        // Defaults of labels reach those for partners too, where these keys mean nothing.
        if key.is_of_windows_update() && label.destination != Destination::WindowsUpdate {
            return;
        }
        edit(label);
        if changed.labels[self.label] != self.rule.labels[self.label] {
            self.push(Part::LabelKey { label: self.label, key, entry }, change, effect, changed);
        }
    }

    /// The selection of targets.
    fn targets(&mut self, label: &LabelRule) {
        for (at, glob) in label.targets.exclude.iter().enumerate() {
            let change = format!("without `exclude` \"{}\"", glob.source());
            self.add(LabelKey::Exclude, Some(at), change, Effect::MoreMachines, |label| {
                label.targets.exclude.remove(at);
            });
        }
        for (at, glob) in label.targets.include.iter().enumerate() {
            // `*` is a valid template.
            let Ok(all) = Template::new("*") else { continue };
            let change = format!("`include` \"*\" instead of \"{}\"", glob.source());
            self.add(LabelKey::Include, Some(at), change, Effect::MoreMachines, |label| {
                label.targets.include[at] = all;
            });
        }
        type List = fn(&mut LabelRule) -> &mut Vec<Template>;
        let lists: [(LabelKey, List); 4] = [
            (LabelKey::OperatingSystems, |label| &mut label.targets.operating_systems),
            (LabelKey::Infs, |label| &mut label.targets.infs),
            (LabelKey::Bundles, |label| &mut label.targets.bundles),
            (LabelKey::Descriptions, |label| &mut label.targets.descriptions),
        ];
        for (key, list) in lists {
            let change = format!("without `{}`", key.as_str());
            self.add(key, None, change, Effect::MoreMachines, |label| list(label).clear());
        }
        self.add(LabelKey::LowestOsOnly, None, "without `lowest_os_only`", Effect::MoreMachines, |label| {
            label.targets.lowest_os_only = false;
        });
    }

    /// Everything else that limits the machines.
    fn machines(&mut self, label: &LabelRule) {
        let effect = Effect::MoreMachines;
        self.add(LabelKey::Audiences, None, "without `audiences`: everybody", effect, |label| {
            label.audiences.clear();
        });
        self.add(LabelKey::Floor, None, "without `floor`", effect, |label| label.floor = None);
        self.add(LabelKey::Ceiling, None, "without `ceiling`", effect, |label| label.ceiling = None);
        let build = label.build.unwrap_or(Build { floor: None, ceiling: None });
        let edges = [
            (LabelKey::FloorBuild, Build { floor: None, ..build }),
            (LabelKey::CeilingBuild, Build { ceiling: None, ..build }),
        ];
        for (key, build) in edges.into_iter().filter(|_| label.build.is_some()) {
            let change = format!("without `{}`", key.as_str());
            let has_edge = build.floor.is_some() || build.ceiling.is_some();
            self.add(key, None, change, effect, |label| label.build = has_edge.then_some(build));
        }
        self.add(LabelKey::Chids, None, "without `chids`: all computers", effect, |label| {
            label.chids = Chids::None;
        });
        self.add(LabelKey::DisclosureRestricted, None, "without `disclosure_restricted`", effect, |label| {
            label.disclosure_restricted = label.disclosure_restricted.filter(|restricted| !restricted);
        });
        let change = "without `enforce_chid_targeting`";
        self.add(LabelKey::EnforceChidTargeting, None, change, effect, |label| {
            if let Destination::AnotherPartner { enforce_chid_targeting, .. } = &mut label.destination {
                *enforce_chid_targeting = enforce_chid_targeting.filter(|enforced| !enforced);
            }
        });
        self.add(LabelKey::VisibleToAccounts, None, "without `visible_to_accounts`", effect, |label| {
            label.visible_to_accounts.clear();
        });
    }

    /// When it is published, and who agrees.
    fn times(&mut self, label: &LabelRule) {
        let effect = Effect::Sooner;
        self.add(LabelKey::Hold, None, "without `hold`", effect, |label| label.hold = Hold::NONE);
        if label.hold > Hold::ONE {
            self.add(LabelKey::Hold, None, "`hold` with one operator", effect, |label| {
                label.hold = Hold::ONE
            });
        }
        self.add(LabelKey::After, None, "without `after`", effect, |label| {
            label.after = None;
            label.soak = Duration::ZERO;
        });
        self.add(LabelKey::Soak, None, "without `soak`", effect, |label| label.soak = Duration::ZERO);
        self.add(LabelKey::GoLive, None, "without `go_live`", effect, |label| label.go_live = None);
        let is_relative = label.go_live.is_some_and(|go_live| go_live.fixed().is_none());
        for (at, days) in label.blackout.iter().enumerate().filter(|_| is_relative) {
            let change = format!("without `blackout` \"{days}\"");
            self.add(LabelKey::Blackout, Some(at), change, effect, |label| {
                label.blackout.remove(at);
            });
        }
    }

    /// Changes that do not widen the reach.
    fn others(&mut self) {
        let effect = Effect::Other;
        self.add(LabelKey::BlockDuaCreation, None, "without `block_dua_creation`", effect, |label| {
            if let Destination::AnotherPartner { block_dua_creation, .. } = &mut label.destination {
                *block_dua_creation = block_dua_creation.filter(|blocked| !blocked);
            }
        });
        self.add(LabelKey::Supersede, None, "without `supersede`", effect, |label| label.supersede = false);
        type Flag = fn(&mut LabelRule) -> &mut bool;
        let flags: [(LabelKey, Flag); 2] = [
            (LabelKey::AutoInstallDuringOsUpgrade, |label| &mut label.auto_install_during_os_upgrade),
            (LabelKey::AutoInstallOnApplicableSystems, |label| &mut label.auto_install_on_applicable_systems),
        ];
        for (key, flag) in flags {
            let change = format!("without `{}`", key.as_str());
            self.add(key, None, change, effect, |label| *flag(label) = false);
        }
    }

    /// The rule without the label, unless another label waits for it.
    fn absent(&mut self) {
        let at = self.label;
        if self.rule.labels.iter().any(|label| label.after == Some(at)) {
            return;
        }
        let mut changed = self.rule.clone();
        changed.labels.remove(at);
        for label in &mut changed.labels {
            label.after = label.after.map(|before| if before > at { before - 1 } else { before });
        }
        self.push(Part::Label(at), "removed", Effect::Other, changed);
    }
}
