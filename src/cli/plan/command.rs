//! The command: inspects a package, selects its rule and prints the requests.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::label_preview::{self, PreviewedLabel};
use super::replay::{self, ReplayArgs};
use crate::cli::backend::load;
use crate::cli::exit::Exit;
use crate::cli::inspect;
use crate::cli::output::Output;
use dropship_config::model::Config;
use dropship_engine::admission::{self, ActiveConfig, Evaluation};
use dropship_engine::operations::require_folder;
use dropship_job::{ErrorKind, Fault, counted, is_one};
use dropship_rules::label::{Guard, InfMismatch};
use dropship_rules::plan::Plan;
use dropship_rules::vars::{self, Vars};
use dropship_rules::{MatchInput, SkippedRule, choose};
use dropship_shared_folder::named_file;

/// Show what would be submitted for a package, and why (offline)
///
/// Prints the inspection, the rule that applies, the rules that do not apply, the requests, and the machines that each label
/// reaches.
///
/// `--replay` plans all packages in the store again, with the configuration on disk, compares each plan with the one that was
/// carried out, and prints only differences: the number of packages for each cause, and the packages with `--verbose`. `--replay`
/// asks the daemon, or reads the store if no daemon runs. Nothing is sent or changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship plan build/echo.cab --folder audio
  dropship plan build/echo.cab --metadata driver-metadata.json
  dropship plan build/echo-2.1.hlkx --metadata /srv/signed/whql/echo-2.0-1a2b3c4d/
  dropship plan --replay
  dropship plan --replay --since 30d --rule audio --verbose

Exit codes:
  0   the package would be accepted; with --replay: no differences
  2   with --replay: some packages would be planned differently
  64  no folder or rule has this name
  65  the package is not complete or would be rejected; or its job would be held, because a label
      cannot be created or the driver metadata do not belong to the package; or a file of
      --metadata is not driver metadata
  78  invalid configuration")]
pub(crate) struct Args {
    /// Package to plan (.cab, .hlkx, .hckx)
    #[arg(value_name = "FILE", required_unless_present = "replay")]
    file: Option<PathBuf>,
    /// Folder whose settings and rules apply [default: the folder that contains the file]
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// Sidecar file with variables [default: the one beside the package, in a folder with `ready = "sidecar:.toml"`]
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
    /// Driver metadata of the package as Microsoft sent them, or the outbox folder that has them (`driver-metadata.json`): the
    /// labels are shown with exact targets, also for an .hlkx
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    #[command(flatten)]
    replay: ReplayArgs,
}

/// Maximum number of rules that were not chosen and are all shown.
const MAX_SKIPPED: usize = 10;

/// Number of rules shown when there are more.
const CLOSEST: usize = 5;

/// The evaluated package.
struct EvaluatedPackage {
    file: PathBuf,
    folder: Option<String>,
    vars: Result<Vars, String>,
    evaluation: Evaluation,
    /// Limits that no rule can exceed.
    guard: Guard,
    /// Rules that do not match; absent when the package could not be inspected.
    skipped: Option<Vec<SkippedRule>>,
}

pub(crate) async fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    match &args.file {
        Some(file) => plan_file(args, file, path, output),
        None => replay::run(&args.replay, path, output).await,
    }
}

fn plan_file(args: &Args, file: &Path, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let metadata = args.metadata.as_deref().map(inspect::metadata).transpose()?;
    let evaluated = evaluate(args, file, load(path)?)?;
    let (plan, fault) = match &evaluated.evaluation.outcome {
        Some(Ok(plan)) => (Some(plan), None),
        Some(Err(fault)) => (None, Some(fault.clone())),
        None => (None, Some(Fault::new(ErrorKind::Incomplete, "the file is not complete"))),
    };
    let labels = match (plan, &evaluated.evaluation.inspection.facts) {
        (Some(plan), Some(facts)) => label_preview::labels(plan, facts, metadata.as_ref(), &evaluated.guard),
        _ => Vec::new(),
    };
    let facts = evaluated.evaluation.inspection.facts.as_ref();
    let mismatch = facts.zip(metadata.as_ref());
    let mismatch = mismatch.and_then(|(facts, metadata)| InfMismatch::between(facts, metadata));
    let document = json!({
        "file": evaluated.file.display().to_string(),
        "folder": evaluated.folder,
        "inspection": evaluated.evaluation.inspection,
        "rule": plan.map(|plan| &plan.rule),
        "passed_over": evaluated.skipped,
        "plan": plan,
        "labels": labels,
        "metadata_mismatch": mismatch,
        "vars": evaluated.vars.as_ref().ok(),
        "error": fault,
    });
    output.print_result(&document, || text(&evaluated, plan, &labels, mismatch.as_ref(), fault.as_ref()))?;
    // The daemon accepts a package with a label that cannot be created, and holds the job before that label. A build
    // pipeline must not treat that as success.
    let would_be_held = mismatch.is_some() || labels.iter().any(PreviewedLabel::is_unfit);
    Ok(if fault.is_none() && !would_be_held { Exit::Done } else { Exit::Rejected })
}

fn evaluate(args: &Args, file: &Path, config: Config) -> anyhow::Result<EvaluatedPackage> {
    let file = std::path::absolute(file)?;
    named_file::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = folder_of(args, &config, &file)?;
    let active =
        ActiveConfig { policy: dropship_engine::accounts::policy(&config)?, outbox: PathBuf::new(), config };
    let vars = match &args.vars {
        Some(file) => vars::read(file),
        None if active.config.sidecar_sets_vars(folder.as_deref()) => vars::beside(&file),
        None => Ok(Vars::new()),
    };
    let evaluation = admission::evaluate(
        &active,
        (&file, None),
        &name,
        folder.as_deref(),
        None,
        &vars,
        &dropship_package::Cancellation::default(),
    )
    .with_context(|| format!("cannot read {}", file.display()))?;
    let skipped = evaluation.inspection.facts.as_ref().map(|facts| {
        let input = MatchInput::new(&name, &evaluation.sha256, facts).in_folder(folder.as_deref());
        choose(&active.config.rules, &input).with_later(&active.config.rules, &input)
    });
    let guard = active.config.guard;
    Ok(EvaluatedPackage { file, folder, vars, evaluation, guard, skipped })
}

/// The folder that was named, or the one that contains the file.
fn folder_of(args: &Args, config: &Config, file: &Path) -> anyhow::Result<Option<String>> {
    let Some(folder) = &args.folder else {
        let containing = config.folders.iter().find(|folder| file.starts_with(&folder.path));
        return Ok(containing.map(|folder| folder.name.clone()));
    };
    require_folder(config, folder)?;
    Ok(Some(folder.clone()))
}

fn text(
    evaluated: &EvaluatedPackage,
    plan: Option<&Plan>,
    labels: &[PreviewedLabel<'_>],
    mismatch: Option<&InfMismatch>,
    fault: Option<&Fault>,
) -> String {
    let file = evaluated.file.display().to_string();
    let mut lines = vec![inspect::text(&file, &evaluated.evaluation.inspection)];
    lines.push(format!("folder: {}", evaluated.folder.as_deref().unwrap_or("none")));
    if let Some(plan) = plan {
        lines.push(format!("rule: {} (account {})", plan.rule, plan.account));
        let pretty = |value: serde_json::Result<String>| value.unwrap_or_default().replace('\n', "\n  ");
        lines.push(format!("product: {}", pretty(serde_json::to_string_pretty(&plan.product))));
        lines.push(format!("submission: {}", pretty(serde_json::to_string_pretty(&plan.submission))));
        lines.extend(labels.iter().map(PreviewedLabel::text));
    }
    lines.extend(mismatch.map(|mismatch| format!("would be held: {mismatch}")));
    lines.extend(fault.map(|fault| match fault.kind {
        ErrorKind::Incomplete => format!("would not be accepted yet: {fault}"),
        _ => format!("would be rejected: {fault}"),
    }));
    lines.extend(skipped(evaluated.skipped.as_deref().unwrap_or_default()));
    lines.join("\n")
}

/// The rules that were not chosen; of many, those that came closest.
fn skipped(rules: &[SkippedRule]) -> Vec<String> {
    let mut shown: Vec<_> = rules.iter().collect();
    if rules.len() > MAX_SKIPPED {
        shown.sort_by_key(|skipped| skipped.keys.len());
        shown.truncate(CLOSEST);
    }
    let line = |skipped: &&SkippedRule| {
        let reasons = skipped.reasons.join("; ");
        let verdict = if skipped.matches() { "is not used" } else { "does not match" };
        format!("rule `{}` {verdict}: {reasons}", skipped.rule)
    };
    let mut lines: Vec<_> = shown.iter().map(line).collect();
    if rules.len() > shown.len() {
        let rest = rules.len() - shown.len();
        let do_not = if is_one(rest) { "does not" } else { "do not" };
        lines.push(format!("{} {do_not} apply either; `--json` lists them", counted(rest, "other rule")));
    }
    lines
}
