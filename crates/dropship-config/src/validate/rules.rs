//! `[[rule]]`.

use std::collections::BTreeMap;
use std::ops::Range;

use dropship_rules::Matching;
use dropship_rules::rule::{Rule, Var};
use dropship_rules::template::TemplateScope;

use super::diagnostics::{Diagnostics, FirstUses, Problems};
use super::folders::LocatedFolder;
use super::matching::matching;
use super::rule_diagnostics::RuleDiagnostics;
use super::{label, product};
use crate::model::{Account, DEFAULT_ACCOUNT};
use crate::raw::Defaults;
use crate::raw::rule as raw;
use crate::raw::values::At;
use crate::sources::SourceUnit;

/// A rule and its place in the files.
pub(super) struct LocatedRule {
    /// `None` if the rule has errors.
    pub(super) rule: Option<Rule>,
    pub(super) name: String,
    /// Index of its file.
    pub(super) unit: usize,
    /// Place of its name, for problems of the rule as a whole.
    pub(super) at: Range<usize>,
    /// Place of its `match`.
    pub(super) conditions: Range<usize>,
    /// Places of its labels' names.
    pub(super) labels: Vec<Range<usize>>,
    /// Place of its product's name.
    pub(super) product: Range<usize>,
}

/// The parts of the configuration that rules refer to.
struct RuleContext<'a> {
    defaults: &'a Defaults,
    folders: &'a [LocatedFolder],
    accounts: &'a BTreeMap<String, Account>,
}

pub(super) fn rules(
    problems: &mut Problems,
    units: &[SourceUnit],
    folders: &[LocatedFolder],
    accounts: &BTreeMap<String, Account>,
) -> Vec<LocatedRule> {
    let none = Defaults::default();
    let main = units.first();
    let defaults =
        main.and_then(|unit| unit.file.defaults.as_ref()).map_or(&none, |defaults| &defaults.value);
    let context = RuleContext { defaults, folders, accounts };
    let mut names = FirstUses::new();
    let mut rules = Vec::new();
    let sample = TemplateScope::sample("", &BTreeMap::new());
    for (unit, file) in units.iter().enumerate() {
        let mut diagnostics = problems.diagnostics(file);
        for raw in &file.file.rule {
            let sample = TemplateScope::clone(&sample);
            let mut ctx = RuleDiagnostics { diagnostics: &mut diagnostics, vars: Vec::new(), sample };
            rules.push(rule(&mut ctx, raw, unit, &context, &mut names));
        }
    }
    rules
}

fn rule(
    ctx: &mut RuleDiagnostics<'_, '_>,
    raw: &At<raw::Rule>,
    unit: usize,
    context: &RuleContext<'_>,
    names: &mut FirstUses,
) -> LocatedRule {
    let name = ctx.diagnostics.need_text(&raw.name, &raw.span, "name");
    let at = raw.name.as_ref().map_or(&raw.span, |name| &name.span).clone();
    if let Some(name) = &name {
        ctx.diagnostics.unique(names, "rules", name, &at);
    }
    let folders = folders(ctx.diagnostics, raw, &at, context.folders);
    let vars = vars(ctx, raw);
    prepare_sample(ctx, name.as_deref().unwrap_or_default(), &vars);
    let account = account(ctx.diagnostics, raw, &at, context.accounts);
    let matching = match &raw.matching {
        Some(raw) => matching(ctx.diagnostics, raw, &raw.span),
        None => Matching::default(),
    };
    let block = raw.product.as_ref().map_or(&raw.span, |product| &product.span);
    let written = raw.product.as_ref().map(|product| &product.value);
    let merged = product::merged(written, context.defaults.product.as_ref());
    let product = match written.is_none() && context.defaults.product.is_none() {
        true => {
            ctx.diagnostics.missing(&raw.span, "product");
            None
        }
        false => product::product(ctx, &merged, block),
    };
    let submission = product::submission(ctx, raw.submission.as_ref(), product.as_ref(), block);
    let labels = label::labels(ctx, &raw.label, context.defaults.label.as_ref(), product.as_ref());
    LocatedRule {
        name: name.clone().unwrap_or_default(),
        unit,
        conditions: raw.matching.as_ref().map_or(&at, |conditions| &conditions.span).clone(),
        at,
        labels: label_places(raw, context.defaults),
        product: merged.name.as_ref().map_or(block, |name| &name.span).clone(),
        rule: (|| {
            Some(Rule {
                name: name?,
                folders,
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

/// The folders that a rule names; reports those that do not exist.
fn folders(
    diagnostics: &mut Diagnostics<'_>,
    raw: &raw::Rule,
    at: &Range<usize>,
    folders: &[LocatedFolder],
) -> Vec<String> {
    let Some(named) = &raw.folders else { return Vec::new() };
    if named.0.is_empty() {
        diagnostics.error(at, "`folders` is empty: the rule is for no package; leave the key out for all");
    }
    let known: Vec<_> = folders.iter().map(|located| located.folder.name.as_str()).collect();
    for folder in &named.0 {
        if !known.contains(&folder.value.as_str()) {
            diagnostics.unknown(&folder.span, "folder", folder, &known);
        }
    }
    named.0.iter().map(|name| name.value.clone()).collect()
}

/// Prepares the sample package that the rule's templates are tried with. A variable without a default gets a
/// placeholder.
fn prepare_sample(ctx: &mut RuleDiagnostics<'_, '_>, rule: &str, vars: &BTreeMap<String, Var>) {
    ctx.vars = vars.keys().cloned().collect();
    ctx.sample = match vars.is_empty() {
        true => ctx.sample.for_rule(rule),
        false => {
            let value = |var: &Var| var.default.clone().unwrap_or_else(|| "x".to_owned());
            TemplateScope::sample(rule, &vars.iter().map(|(name, var)| (name.clone(), value(var))).collect())
        }
    };
}

/// Place of each label's name, which may be in `[defaults.label]`.
fn label_places(raw: &raw::Rule, defaults: &Defaults) -> Vec<Range<usize>> {
    let default = defaults.label.as_ref().and_then(|label| label.name.as_ref());
    let place = |label: &At<raw::Label>| {
        label.name.as_ref().or(default).map_or(&label.span, |name| &name.span).clone()
    };
    raw.label.iter().map(place).collect()
}

fn account(
    diagnostics: &mut Diagnostics<'_>,
    raw: &At<raw::Rule>,
    at: &Range<usize>,
    accounts: &BTreeMap<String, Account>,
) -> Option<String> {
    let names: Vec<_> = accounts.keys().map(String::as_str).collect();
    match (&raw.account, names.as_slice()) {
        (Some(name), names) => {
            // If there is no account at all, that is reported once, and not for each rule.
            if !names.is_empty() && !names.contains(&name.value.as_str()) {
                diagnostics.unknown(&name.span, "account", name, names);
                return None;
            }
            Some(name.value.clone())
        }
        (None, names) if names.is_empty() || names.contains(&DEFAULT_ACCOUNT) => {
            Some(DEFAULT_ACCOUNT.to_owned())
        }
        (None, [only]) => Some((*only).to_owned()),
        (None, names) => {
            let help = format!(
                "set `account = \"{}\"` in the rule",
                names.first().copied().unwrap_or(DEFAULT_ACCOUNT)
            );
            diagnostics.error_with_help(at, "there are several accounts, and the rule names none", help);
            None
        }
    }
}

fn vars(ctx: &mut RuleDiagnostics<'_, '_>, raw: &At<raw::Rule>) -> BTreeMap<String, Var> {
    let mut vars = BTreeMap::new();
    for (name, var) in raw.vars.iter().flat_map(|vars| &vars.value) {
        let allowed: Vec<_> =
            var.allowed.iter().flat_map(|globs| &globs.0).map(|glob| glob.value.0.clone()).collect();
        if allowed.is_empty() && var.default.is_none() {
            ctx.diagnostics
                .error(&var.span, format!("`vars.{name}` has neither `allowed` values nor a `default`"));
        }
        if let Some(default) = &var.default
            && !allowed.is_empty()
            && !dropship_glob::any(&allowed, default)
        {
            ctx.diagnostics
                .error(&default.span, format!("`{}` is not among the `allowed` values", default.value));
        }
        let default = var.default.as_ref().map(|default| default.value.clone());
        vars.insert(name.clone(), Var { allowed, default });
    }
    vars
}
