//! `[[rule]]`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::account::DEFAULT;
use super::folders::Placed as PlacedFolder;
use super::{Desk, Notes, Places, label, product};
use crate::config::model::Account;
use crate::config::raw::rule as raw;
use crate::config::raw::values::{At, OneOrMany, Text};
use crate::config::raw::{Defaults, Globs};
use crate::config::sources::Unit;
use dropship_rules::guid::without_braces;
use dropship_rules::matching::{Clause, Condition, Fact, Matching};
use dropship_rules::pattern::{self, Pattern};
use dropship_rules::rule::{Rule, Var};
use dropship_rules::suggest;
use dropship_rules::template::{Scope, Template, unknown_variable};

/// A rule and where it stands; the rule itself only when it could be understood.
pub(super) struct Placed {
    pub(super) rule: Option<Rule>,
    pub(super) name: String,
    pub(super) unit: usize,
    /// Its name's place, for notes about the rule as a whole.
    pub(super) at: Range<usize>,
    /// Places of its labels' names.
    pub(super) labels: Vec<Range<usize>>,
    /// Place of its product's name.
    pub(super) product: Range<usize>,
}

pub(super) fn rules(
    notes: &mut Notes,
    units: &[Unit],
    folders: &[PlacedFolder],
    accounts: &BTreeMap<String, Account>,
) -> Vec<Placed> {
    let none = Defaults::default();
    let main = units.first();
    let defaults =
        main.and_then(|unit| unit.file.defaults.as_ref()).map_or(&none, |defaults| &defaults.value);
    let mut names = Places::new();
    let mut rules = Vec::new();
    let nothing = Scope::sample("", &BTreeMap::new());
    for (unit, file) in units.iter().enumerate() {
        let mut desk = notes.desk(file);
        for raw in &file.file.rule {
            let mut bench = Bench { desk: &mut desk, vars: Vec::new(), sample: Scope::clone(&nothing) };
            rules.push(rule(&mut bench, raw, unit, defaults, folders, accounts, &mut names));
        }
    }
    rules
}

/// A rule while it is judged: what its templates may name.
pub(super) struct Bench<'a, 'b> {
    pub(super) desk: &'a mut Desk<'b>,
    vars: Vec<String>,
    pub(super) sample: Scope,
}

impl Bench<'_, '_> {
    /// The template, its variables checked.
    pub(super) fn template(&mut self, at: &At<Text<Template>>) -> Template {
        let template = at.value.0.clone();
        if template.source().trim().is_empty() {
            self.desk.error(&at.span, "this text is empty; leave the key out to send nothing");
        }
        if template.literal().is_some() {
            return template;
        }
        let before = self.desk.problems.len();
        let vars: Vec<_> = self.vars.iter().map(String::as_str).collect();
        for name in template.variables() {
            if let Some((message, help)) = unknown_variable(&name, &vars) {
                match help {
                    Some(help) => self.desk.error_with_help(&at.span, message, help),
                    None => self.desk.error(&at.span, message),
                }
            }
        }
        if self.desk.problems.len() == before
            && let Err(error) = template.render(&self.sample)
            && !error.lacks_fact
        {
            self.desk.error(&at.span, error.message);
        }
        template
    }

    pub(super) fn option(&mut self, value: &Option<At<Text<Template>>>) -> Option<Template> {
        value.as_ref().map(|at| self.template(at))
    }

    pub(super) fn list(&mut self, values: &Option<OneOrMany<Text<Template>>>) -> Vec<Template> {
        let values = values.iter().flat_map(|values| &values.0);
        values.map(|at| self.template(at)).collect()
    }
}

fn rule(
    bench: &mut Bench<'_, '_>,
    raw: &At<raw::Rule>,
    unit: usize,
    defaults: &Defaults,
    folders: &[PlacedFolder],
    accounts: &BTreeMap<String, Account>,
    names: &mut Places,
) -> Placed {
    let name = bench.desk.need_text(&raw.name, &raw.span, "name");
    let at = raw.name.as_ref().map_or(&raw.span, |name| &name.span).clone();
    if let Some(name) = &name {
        bench.desk.unique(names, "rules", name, &at);
    }
    let known: Vec<_> = folders.iter().map(|placed| placed.folder.name.as_str()).collect();
    for folder in raw.folders.iter().flat_map(|folders| &folders.0) {
        if !known.contains(&folder.value.as_str()) {
            bench.desk.unknown(&folder.span, "folder", folder, &known);
        }
    }
    if let Some(folders) = &raw.folders
        && folders.0.is_empty()
    {
        bench.desk.error(&at, "`folders` is empty: the rule is for no package; leave the key out for all");
    }
    let vars = vars(bench, raw);
    bench.vars = vars.keys().cloned().collect();
    let filled =
        vars.iter().map(|(name, var)| (name.clone(), var.default.clone().unwrap_or_else(|| "x".to_owned())));
    bench.sample = match vars.is_empty() {
        true => bench.sample.for_rule(name.as_deref().unwrap_or_default()),
        false => Scope::sample(name.as_deref().unwrap_or_default(), &filled.collect()),
    };
    let account = account(bench.desk, raw, &at, accounts);
    let matching = match &raw.matching {
        Some(raw) => matching(bench.desk, raw, &raw.span),
        None => Matching::default(),
    };
    let block = raw.product.as_ref().map_or(&raw.span, |product| &product.span);
    let written = raw.product.as_ref().map(|product| &product.value);
    let merged = product::merged(written, defaults.product.as_ref());
    let product_at = merged.name.as_ref().map_or(block, |name| &name.span).clone();
    let product = match written.is_none() && defaults.product.is_none() {
        true => {
            bench.desk.missing(&raw.span, "product");
            None
        }
        false => product::product(bench, &merged, block),
    };
    let submission = product::submission(bench, raw.submission.as_ref(), product.as_ref(), block);
    let label_spans = raw.label.iter().map(|label| {
        let name = label.name.as_ref().or(defaults.label.as_ref().and_then(|label| label.name.as_ref()));
        name.map_or(&label.span, |name| &name.span).clone()
    });
    let label_spans = label_spans.collect();
    let labels = label::labels(bench, &raw.label, defaults.label.as_ref(), product.as_ref());
    Placed {
        name: name.clone().unwrap_or_default(),
        unit,
        at,
        labels: label_spans,
        product: product_at,
        rule: (|| {
            Some(Rule {
                name: name?,
                folders: raw
                    .folders
                    .iter()
                    .flat_map(|names| &names.0)
                    .map(|name| name.value.clone())
                    .collect(),
                matching,
                account: account?,
                vars,
                product: product?,
                submission: submission?,
                labels: labels?,
            })
        })(),
    }
}

fn account(
    desk: &mut Desk<'_>,
    raw: &At<raw::Rule>,
    at: &Range<usize>,
    accounts: &BTreeMap<String, Account>,
) -> Option<String> {
    let names: Vec<_> = accounts.keys().map(String::as_str).collect();
    match (&raw.account, names.as_slice()) {
        (Some(name), names) => {
            // Without any account the lack of accounts is the news, not this rule's.
            if !names.is_empty() && !names.contains(&name.value.as_str()) {
                desk.unknown(&name.span, "account", name, names);
                return None;
            }
            Some(name.value.clone())
        }
        (None, names) if names.is_empty() || names.contains(&DEFAULT) => Some(DEFAULT.to_owned()),
        (None, [only]) => Some((*only).to_owned()),
        (None, names) => {
            let help =
                format!("say `account = \"{}\"` in the rule", names.first().copied().unwrap_or(DEFAULT));
            desk.error_with_help(at, "there are several accounts, and the rule names none", help);
            None
        }
    }
}

fn vars(bench: &mut Bench<'_, '_>, raw: &At<raw::Rule>) -> BTreeMap<String, Var> {
    let mut vars = BTreeMap::new();
    for (name, var) in raw.vars.iter().flat_map(|vars| &vars.value) {
        let allowed: Vec<_> =
            var.allowed.iter().flat_map(|globs| &globs.0).map(|glob| glob.value.0.clone()).collect();
        if allowed.is_empty() && var.default.is_none() {
            bench
                .desk
                .error(&var.span, format!("`vars.{name}` has neither `allowed` values nor a `default`"));
        }
        if let Some(default) = &var.default
            && !allowed.is_empty()
            && !pattern::any(&allowed, default)
        {
            bench.desk.error(&default.span, format!("`{}` is not among the `allowed` values", default.value));
        }
        let default = var.default.as_ref().map(|default| default.value.clone());
        vars.insert(name.clone(), Var { allowed, default });
    }
    vars
}

fn matching(desk: &mut Desk<'_>, raw: &raw::Match, at: &Range<usize>) -> Matching {
    let mut clauses = Vec::new();
    let globs: [(Fact, &Option<Globs>); 19] = [
        (Fact::File, &raw.file),
        (Fact::Kind, &raw.kind),
        (Fact::Provider, &raw.provider),
        (Fact::Class, &raw.class),
        (Fact::ClassGuid, &raw.class_guid),
        (Fact::Date, &raw.date),
        (Fact::Inf, &raw.inf),
        (Fact::HardwareId, &raw.hardware_id),
        (Fact::Chid, &raw.chid),
        (Fact::Manufacturer, &raw.manufacturer),
        (Fact::Description, &raw.description),
        (Fact::Signer, &raw.signer),
        (Fact::Issuer, &raw.issuer),
        (Fact::Thumbprint, &raw.thumbprint),
        (Fact::Architecture, &raw.architecture),
        (Fact::Contains, &raw.contains),
        (Fact::OperatingSystem, &raw.operating_system),
        (Fact::ProductType, &raw.product_type),
        (Fact::KitVersion, &raw.kit_version),
    ];
    for (fact, globs) in globs {
        let Some(globs) = globs else { continue };
        check_words(desk, fact, globs);
        if globs.0.is_empty() {
            desk.error(at, format!("`{fact}` is an empty list: nothing fits it"));
        }
        let pattern = |glob: &Pattern| match fact.is_guid() {
            true => Pattern::new(without_braces(glob.as_str())).unwrap_or_else(|_| glob.clone()),
            false => glob.clone(),
        };
        let condition = Condition::Globs(globs.0.iter().map(|glob| pattern(&glob.value.0)).collect());
        clauses.push(Clause { fact, condition });
    }
    if let Some(ranges) = &raw.version {
        let condition = Condition::Versions(ranges.0.iter().map(|range| range.value.0.clone()).collect());
        clauses.push(Clause { fact: Fact::Version, condition });
    }
    for (fact, flag) in [(Fact::Extension, &raw.extension), (Fact::Primitive, &raw.primitive)] {
        let condition = flag.as_ref().map(|flag| Condition::Flag(flag.value));
        clauses.extend(condition.map(|condition| Clause { fact, condition }));
    }
    let mut not = Vec::new();
    for table in raw.not.iter().flat_map(|tables| &tables.0) {
        let inner = matching(desk, table, &table.span);
        match inner.clauses.is_empty() && inner.not.is_empty() {
            true => desk.error(&table.span, "an empty `not` excludes every package"),
            false => not.push(inner),
        }
    }
    Matching { clauses, not }
}

/// Facts with few values: a glob that fits none of them never fits.
fn check_words(desk: &mut Desk<'_>, fact: Fact, globs: &Globs) {
    let known: &[&str] = match fact {
        Fact::Kind => &["cab", "hlkx"],
        Fact::Architecture => &["x86", "amd64", "arm", "arm64", "ia64"],
        _ => return,
    };
    for glob in &globs.0 {
        let pattern = &glob.value.0;
        if !known.iter().any(|word| pattern.is_match(word)) {
            let meant = match pattern.as_str().to_ascii_lowercase().as_str() {
                "x64" | "x86_64" => Some("did you mean `amd64`?".to_owned()),
                word => suggest::help(word, known),
            };
            let message = format!("`{pattern}` fits no {fact}");
            match meant {
                Some(help) => desk.error_with_help(&glob.span, message, help),
                None => desk.error(&glob.span, message),
            }
        }
    }
}
