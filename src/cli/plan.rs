//! `dropship plan`: what would happen to a package, and why. Calls nobody.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::exit::{Ending, Exit};
use super::output::Output;
use crate::reception::{Rulebook, judge};
use dropship_rules::vars::{self, Vars};
use dropship_rules::{MatchInput, choose};

mod foreseen;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The package
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder that it counts for; by default the one that the path lies in
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// What a sidecar sets; by default the one beside the file, in a folder that is `ready = "sidecar:.toml"`
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
}

pub(super) fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let config = super::place::load(path)?;
    let file = std::path::absolute(&args.file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(folder) = &args.folder
        && !config.folders.iter().any(|known| known.name == *folder)
    {
        return Err(Ending(Exit::Usage, format!("there is no folder named `{folder}`")).into());
    }
    let lies_in = || {
        config.folders.iter().find(|folder| file.starts_with(&folder.path)).map(|folder| folder.name.clone())
    };
    let folder = args.folder.clone().or_else(lies_in);
    let rulebook = Rulebook { policy: crate::accounts::policy(&config)?, outbox: PathBuf::new(), config };
    let vars = match &args.vars {
        Some(file) => vars::read(file),
        None if rulebook.config.sidecar_sets_vars(folder.as_deref()) => vars::beside(&file),
        None => Ok(Vars::new()),
    };
    let judged = judge(&rulebook, &file, &name, folder.as_deref(), None, &vars);
    let judged = judged.with_context(|| format!("cannot read {}", file.display()))?;
    let passed = judged.inspection.facts.as_ref().map(|facts| {
        let input = MatchInput::new(&name, &judged.sha256, facts).in_folder(folder.as_deref());
        choose(&rulebook.config.rules, &input).with_later(&rulebook.config.rules, &input)
    });
    let (plan, fault) = match &judged.outcome {
        Some(Ok(plan)) => (Some(plan), None),
        Some(Err(fault)) => (None, Some(fault.clone())),
        None => (None, Some(dropship_job::Fault::new("incomplete", "not all of the file is there"))),
    };
    let labels = match (plan, &judged.inspection.facts) {
        (Some(plan), Some(facts)) => foreseen::labels(plan, facts),
        _ => Vec::new(),
    };
    let document = json!({
        "file": file.display().to_string(),
        "folder": folder,
        "inspection": judged.inspection,
        "rule": plan.map(|plan| &plan.rule),
        "passed_over": passed,
        "plan": plan,
        "labels": labels,
        "vars": vars.as_ref().ok(),
        "error": fault,
    });
    output.give(&document, || {
        let mut lines = vec![super::inspect::text(&file.display().to_string(), &judged.inspection)];
        lines.push(format!("folder: {}", folder.as_deref().unwrap_or("none")));
        for passed in passed.iter().flatten() {
            lines.push(format!("passed over: rule `{}`: {}", passed.rule, passed.reasons.join("; ")));
        }
        if let Some(plan) = plan {
            lines.push(format!("rule: {} (account {})", plan.rule, plan.account));
            let pretty = |value: serde_json::Result<String>| value.unwrap_or_default().replace('\n', "\n  ");
            lines.push(format!("product: {}", pretty(serde_json::to_string_pretty(&plan.product))));
            lines.push(format!("submission: {}", pretty(serde_json::to_string_pretty(&plan.submission))));
            lines.extend(labels.iter().map(foreseen::Shown::text));
        }
        lines.extend(fault.iter().map(|fault| format!("would be rejected: {fault}")));
        lines.join("\n")
    })?;
    // Such a package is let in, and its job held before the label: for a build pipeline that is no success either.
    let unfit = labels.iter().any(foreseen::Shown::is_unfit);
    Ok(if fault.is_none() && !unfit { Exit::Done } else { Exit::Rejected })
}
