//! Which earlier rule takes every package of a rule. With thousands of rules, comparing all pairs takes minutes: an index
//! finds the few that can be meant.

use std::collections::{BTreeSet, HashMap};

use dropship_glob::Anchor;
use dropship_rules::matching::{Clause, Condition, Fact, Matching};
use dropship_rules::rule::Rule;

/// A property that every rule has which the indexed rule shadows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum RuleProperty {
    /// A condition of globs, one of which has this anchor.
    Anchor(Fact, Anchor),
    /// Another condition, as written.
    Condition(Fact, String),
    /// A `not` table, as written.
    Not(String),
    /// The rule is for this folder.
    Folder(String),
}

/// The rules so far, by a property of each.
#[derive(Default)]
pub(super) struct ShadowIndex {
    rules: HashMap<RuleProperty, Vec<usize>>,
    /// Rules for all packages.
    unconditional: Vec<usize>,
    /// Whether a rule is indexed under a word. Otherwise no word needs to be looked up.
    has_words: bool,
    /// Number of pairs of rules that were compared.
    comparisons: usize,
}

impl ShadowIndex {
    /// Adds a rule under the property that fewest other rules have.
    pub(super) fn insert(&mut self, index: usize, rule: &Rule) {
        let size = |key: &RuleProperty| self.rules.get(key).map_or(0, Vec::len);
        let best = properties(rule).into_iter().min_by_key(|keys| keys.iter().map(size).max());
        let Some(keys) = best else { return self.unconditional.push(index) };
        for key in keys {
            self.has_words |= matches!(key, RuleProperty::Anchor(_, Anchor::Word(_)));
            self.rules.entry(key).or_default().push(index);
        }
    }

    /// The first rule that takes every package of `rule`; `get` returns a rule that was added.
    pub(super) fn find<'a>(&mut self, rule: &Rule, get: impl Fn(usize) -> Option<&'a Rule>) -> Option<usize> {
        let mut candidates: BTreeSet<usize> = self.unconditional.iter().copied().collect();
        for key in self.keys_of_shadows(rule) {
            candidates.extend(self.rules.get(&key).into_iter().flatten());
        }
        candidates.into_iter().find(|index| {
            self.comparisons += 1;
            get(*index).is_some_and(|earlier| takes_all_of(earlier, rule))
        })
    }

    /// The keys that a rule which shadows `rule` can be indexed under.
    fn keys_of_shadows(&self, rule: &Rule) -> Vec<RuleProperty> {
        let mut keys = Vec::new();
        for clause in &rule.matching.clauses {
            match &clause.condition {
                Condition::Globs(globs) => {
                    // Each of its globs is covered by a glob of the shadow, so the first one is.
                    let anchors = globs.first().map(|glob| glob.anchors_of_covering(self.has_words));
                    let key = |anchor| RuleProperty::Anchor(clause.fact, anchor);
                    keys.extend(anchors.into_iter().flatten().map(key));
                }
                condition => keys.push(RuleProperty::Condition(clause.fact, condition.to_string())),
            }
        }
        keys.extend(rule.matching.not.iter().map(|not| RuleProperty::Not(not.to_string())));
        keys.extend(rule.folders.first().map(|folder| RuleProperty::Folder(folder.clone())));
        keys
    }
}

/// The properties of a rule; each is a list of keys, of which the rules that it shadows have at least one.
fn properties(rule: &Rule) -> Vec<Vec<RuleProperty>> {
    let mut properties = Vec::new();
    for clause in &rule.matching.clauses {
        properties.push(match &clause.condition {
            Condition::Globs(globs) => globs
                .iter()
                .map(|glob| RuleProperty::Anchor(clause.fact, glob.anchor()))
                .collect::<BTreeSet<_>>(),
            condition => [RuleProperty::Condition(clause.fact, condition.to_string())].into(),
        });
    }
    properties.extend(rule.matching.not.iter().map(|not| [RuleProperty::Not(not.to_string())].into()));
    if !rule.folders.is_empty() {
        properties.push(rule.folders.iter().cloned().map(RuleProperty::Folder).collect());
    }
    properties.into_iter().map(|keys| keys.into_iter().collect()).collect()
}

/// Whether every package that `later` is for surely matches `earlier`.
pub(super) fn takes_all_of(earlier: &Rule, later: &Rule) -> bool {
    let covers_folders = earlier.folders.is_empty()
        || (!later.folders.is_empty() && later.folders.iter().all(|name| earlier.folders.contains(name)));
    covers_folders && is_implied(&earlier.matching, &later.matching)
}

/// Whether every package that `narrow` matches surely matches `wide`.
fn is_implied(wide: &Matching, narrow: &Matching) -> bool {
    let has_same_exclusions = wide.not.iter().all(|not| narrow.not.contains(not));
    has_same_exclusions && clauses_implied(&wide.clauses, &narrow.clauses)
}

/// Whether the conditions `wide` surely hold where the conditions `narrow` do.
pub(super) fn clauses_implied(wide: &[Clause], narrow: &[Clause]) -> bool {
    wide.iter().all(|clause| {
        let mut same = narrow.iter().filter(|other| other.fact == clause.fact);
        same.any(|other| covers(&clause.condition, &other.condition))
    })
}

fn covers(wide: &Condition, narrow: &Condition) -> bool {
    match (wide, narrow) {
        (Condition::Globs(wide), Condition::Globs(narrow)) => {
            narrow.iter().all(|narrow| wide.iter().any(|wide| wide.covers(narrow)))
        }
        (wide, narrow) => wide == narrow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, load_str};

    /// Rules with these conditions, which may shadow each other if each is loaded `alone`.
    fn rules(conditions: impl Iterator<Item = String>, alone: bool) -> Vec<Rule> {
        let load = |text: &str| {
            let config = load_str(std::path::Path::new("/d.toml"), text, &Environment::default());
            config.unwrap_or_else(|report| panic!("{report}")).rules
        };
        let base = "account = { tenant_id = \"t\", client_id = \"c\", client_secret_file = \"s\" }\nstore = { path = \"/s\" }\n\
                    folder = [{ name = \"a\", path = \"/a\" }, { name = \"b\", path = \"/b\" }]\n";
        let rule = |(at, condition): (usize, String)| {
            format!(
                "[[rule]]\nname = \"r{at}\"\n{condition}\n[rule.product]\nname = \"{{{{ file.stem }}}}\"\n\
                 test_harness = \"hlk\"\ndevice_type = \"internal\"\nrequested_signatures = [\"WINDOWS_v100_X64_CO_FULL\"]\n\
                 [rule.submission]\nname = \"s\"\n"
            )
        };
        let texts = conditions.enumerate().map(rule);
        match alone {
            true => texts.flat_map(|rule| load(&format!("{base}{rule}"))).collect(),
            false => load(&format!("{base}{}", texts.collect::<String>())),
        }
    }

    /// The first shadow of each rule, and the number of comparisons.
    fn indexed(rules: &[Rule]) -> (Vec<Option<usize>>, usize) {
        let mut index = ShadowIndex::default();
        let mut found = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            found.push(index.find(rule, |earlier| rules.get(earlier)));
            index.insert(at, rule);
        }
        (found, index.comparisons)
    }

    #[test]
    fn comparisons_per_rule_do_not_grow_with_the_number_of_rules() {
        let kinds: [fn(usize) -> String; 7] = [
            |n| format!("match = {{ file = \"driver-{n}-*.hlkx\", kind = \"hlkx\" }}"),
            |n| format!("match = {{ file = \"*.hlkx\", signer = \"Contoso {n}\" }}"),
            |n| format!("match = {{ file = \"*-{n}.hlkx\" }}"),
            |n| format!("match = {{ file = \"*x{n}x*\" }}"),
            |n| format!("match = {{ file = [\"a{n}.hlkx\", \"b{n}.{{hlkx,hckx}}\"] }}"),
            |n| format!("match = {{ signer = \"Contoso\", kit_version = \"10.1.{n}.*\" }}"),
            |n| format!("folders = [\"a\"]\nmatch = {{ file = \"*.hlkx\", not = {{ file = \"x{n}*\" }} }}"),
        ];
        for (at, kind) in kinds.into_iter().enumerate() {
            let per_rule =
                |count: usize| indexed(&rules((0..count).map(kind), false)).1 as f64 / count as f64;
            let (few, many) = (per_rule(50), per_rule(500));
            assert!(
                many <= 2.0 * few.max(1.0),
                "kind {at}: {few} comparisons for each of 50 rules, {many} of 500"
            );
        }
    }

    #[test]
    fn index_finds_the_same_shadow_as_a_comparison_of_all_pairs() {
        let folders = ["", "folders = [\"a\"]\n", "folders = [\"a\", \"b\"]\n"];
        let files = ["", "*", "*.hlkx", "x*", "x-*.hlkx", "x-1.hlkx", "*-1*", "[xy]-1.hlkx", "{x,y}*"];
        let signers =
            ["", "signer = \"Contoso\"", "signer = [\"con*\", \"fab*\"]", "not = { signer = \"c*\" }"];
        let mut conditions = Vec::new();
        for folder in folders {
            for file in files {
                for signer in signers {
                    let file = if file.is_empty() { String::new() } else { format!("file = \"{file}\"") };
                    let comma = if file.is_empty() || signer.is_empty() { "" } else { ", " };
                    conditions.push(format!("{folder}match = {{ {file}{comma}{signer} }}"));
                }
            }
        }
        let mut rules = rules(conditions.into_iter(), true);
        for turn in [0, 31, 67] {
            rules.rotate_left(turn);
            let (found, _) = indexed(&rules);
            for (at, rule) in rules.iter().enumerate() {
                let expected = rules[..at].iter().position(|earlier| takes_all_of(earlier, rule));
                assert_eq!(found[at], expected, "{:?}", rule.matching);
            }
        }
    }
}
