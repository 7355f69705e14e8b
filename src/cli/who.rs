//! `dropship who`: which published labels reach a device.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use jiff::Timestamp;

use super::backend::Backend;
use super::exit::Exit;
use super::output::Output;
use crate::wording::Lines;
use dropship_engine::operations::{OtherLabel, ReachingLabel, WhoQuery};
use dropship_glob::Glob;
use dropship_redact::Escaped;
use dropship_rules::suggest;
use dropship_rules::vocabulary::OS_CODES;

/// Maximum number of labels that are printed, unless another one is asked for.
const MAX_LABELS: usize = 50;

/// Maximum number of targets of a label that are printed; `--json` has all.
const MAX_TARGETS: usize = 5;

/// Maximum number of OS codes that the advice about `--os` names.
const MAX_SYSTEMS: usize = 10;

/// Show which published labels reach a device
///
/// Lists the labels that dropship made and that reach the hardware id now, the latest publication first. The list leaves out labels
/// that were withdrawn, that are not live yet, or whose targets a newer label has taken over.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship who 'PCI\\VEN_8086&DEV_51C8&SUBSYS_00011028'
  dropship who 'pci\\ven_8086&dev_51c8*' --os 'WINDOWS_v100_X64_*'
  dropship who '*&SUBSYS_00011028' --limit 0
  dropship --json who 'usb\\vid_045e*'

Exit codes:
  0   a daemon answered
  64  not a hardware id or glob
  69  no daemon is running; the output is from its store, if there is one")]
pub(super) struct Args {
    /// The hardware id, in any case; globs are allowed
    #[arg(value_name = "HARDWARE_ID", value_parser = parse_glob)]
    hardware_id: Glob,
    /// List only labels for this OS code; globs are allowed
    #[arg(long, value_name = "CODE", value_parser = parse_glob)]
    os: Option<Glob>,
    /// Also list labels that go live later
    #[arg(long)]
    upcoming: bool,
    /// Maximum number of labels; 0 lists all [default: 50, all with --json]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

fn parse_glob(text: &str) -> Result<Glob, String> {
    Glob::new(text.trim()).map_err(|error| error.to_string())
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let backend = Backend::find(config).await?;
    let limit = match (args.limit, output.json()) {
        (Some(0), _) | (None, true) => None,
        (Some(limit), _) => Some(limit),
        (None, false) => Some(MAX_LABELS),
    };
    let query = WhoQuery {
        hardware_id: args.hardware_id.clone(),
        os: args.os.clone(),
        upcoming: args.upcoming,
        // One more shows whether there are more.
        limit: limit.and_then(|limit| NonZeroUsize::new(limit.saturating_add(1))),
    };
    let mut labels = backend.who(&query).await?;
    let has_more = limit.is_some_and(|limit| labels.len() > limit);
    labels.truncate(limit.unwrap_or(usize::MAX));
    output.print_result(&labels, || match labels.as_slice() {
        [] => {
            let on = args.os.as_ref().map(|os| format!(" on {}", Escaped(os.as_str())));
            format!(
                "no label of dropship reaches {}{}",
                Escaped(args.hardware_id.as_str()),
                on.unwrap_or_default()
            )
        }
        labels => {
            let mut parts: Vec<_> = labels.iter().map(text).collect();
            parts.extend(has_more.then(|| "more labels reach it; --limit 0 prints all".to_owned()));
            parts.join("\n\n")
        }
    })?;
    if let (true, Some(os)) = (labels.is_empty(), &args.os) {
        // The newest ones name the systems.
        let limit = NonZeroUsize::new(MAX_LABELS);
        let everywhere = backend.who(&WhoQuery { os: None, limit, ..query.clone() }).await?;
        advice(os, &everywhere).iter().for_each(|advice| output.note(advice));
    }
    Ok(backend.exit())
}

/// Advice about an `--os` that no label fits. `everywhere` are the labels that reach the device on any system.
fn advice(os: &Glob, everywhere: &[ReachingLabel]) -> Option<String> {
    let targets = everywhere.iter().flat_map(|label| &label.targets);
    let systems: BTreeSet<&str> = targets.map(|target| target.operating_system.as_str()).collect();
    if !systems.is_empty() {
        let more = systems.len().saturating_sub(MAX_SYSTEMS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named: Vec<_> = systems.into_iter().take(MAX_SYSTEMS).collect();
        return Some(format!("labels reach it on other systems: {}{more}", named.join(", ")));
    }
    if OS_CODES.iter().any(|code| os.is_match(code)) {
        return None;
    }
    let nearest = os.only_text().and_then(|text| suggest::nearest(&text, OS_CODES.iter().copied()));
    let nearest = nearest.map(|code| format!("; did you mean `{code}`?")).unwrap_or_default();
    Some(format!(
        "{} fits no OS code that dropship knows{nearest} (`dropship api codes` lists them)",
        Escaped(os.as_str())
    ))
}

fn text(label: &ReachingLabel) -> String {
    let mut lines = Lines::new(format!("{} ({})", Escaped(&label.name), label.id));
    lines.add("job", format_args!("{}, {}", label.job, Escaped(&label.package)));
    lines.add("rule", Escaped(&label.rule));
    if let Some(version) = &label.version {
        lines.add("version", Escaped(version));
    }
    lines.add(
        "audiences",
        match label.audiences.is_empty() {
            true => "none: every machine that the targets fit".to_owned(),
            false => Escaped(&label.audiences.join(", ")).to_string(),
        },
    );
    lines.add("published", date(label.published));
    if let Some(live) = label.go_live {
        lines.add("go live", date(live));
    }
    for target in label.targets.iter().take(MAX_TARGETS) {
        let (id, os, inf) = (&target.hardware_id, &target.operating_system, &target.inf);
        lines.add("target", format_args!("{} {} {}", Escaped(inf), Escaped(os), Escaped(id)));
    }
    if label.targets.len() > MAX_TARGETS {
        lines.add("target", format_args!("{} more", label.targets.len() - MAX_TARGETS));
    }
    label.supersedes.iter().for_each(|other| lines.add("supersedes", name(other)));
    label.superseded_by.iter().for_each(|other| lines.add("superseded by", name(other)));
    lines.text()
}

fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn name(label: &OtherLabel) -> String {
    match (&label.name, &label.job) {
        (Some(name), Some(job)) => format!("{} ({}, job {job})", Escaped(name), label.id),
        _ => format!("{}, which is not published any more", label.id),
    }
}
