//! `dropship inspect`: what the daemon would say of packages, without rules.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::exit::{Ending, Exit};
use super::output::Output;
use crate::observe::Shown;
use dropship_package::{Inspection, Kind, Level, Policy, Verdict, inspect};

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Packages to look into
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, named: Option<&Path>, output: &Output) -> anyhow::Result<Exit> {
    let policy = policy(named)?;
    let mut documents = Vec::new();
    let mut texts = Vec::new();
    let mut accepted = true;
    for file in &args.files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let kind = Kind::of_name(&name).ok_or_else(|| {
            Ending(Exit::Usage, format!("{}: its name ends in neither .cab nor .hlkx", file.display()))
        })?;
        let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        let inspection =
            inspect(&opened, kind, &policy).with_context(|| format!("cannot read {}", file.display()))?;
        accepted &= inspection.verdict == Verdict::Accept;
        texts.push(text(&file.display().to_string(), &inspection));
        documents.push(json!({ "file": file.display().to_string(), "inspection": inspection }));
    }
    output.give(&documents, || texts.join("\n\n"))?;
    Ok(if accepted { Exit::Done } else { Exit::Rejected })
}

/// The configured signers. Where nobody names a configuration and none lies in its place, nobody's roots are known,
/// and the verdict says so; one that is named has to be there.
fn policy(named: Option<&Path>) -> anyhow::Result<Policy> {
    let path = named.unwrap_or_else(|| Path::new(super::CONFIG));
    if named.is_none() && !path.exists() {
        return Ok(Policy { now: jiff::Timestamp::now(), ..Policy::default() });
    }
    crate::accounts::policy(&super::place::load(path)?)
}

/// An inspection as a person wants to read it.
pub(super) fn text(file: &str, inspection: &Inspection) -> String {
    let verdict = match inspection.verdict {
        Verdict::Accept => "accepted",
        Verdict::Reject => "rejected",
        Verdict::Incomplete => "incomplete",
    };
    let mut lines = vec![format!("{}: {verdict}", Shown(file))];
    for finding in &inspection.findings {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warn => "warning",
            Level::Info | Level::Off => "note",
        };
        lines.push(format!("  {level}: {} [{}]", Shown(&finding.message), finding.check));
    }
    let Some(facts) = &inspection.facts else { return lines.join("\n") };
    if let Some(signer) = &facts.signer {
        lines.push(format!(
            "  signed by {}, issued by {}, until {}",
            Shown(&signer.name),
            Shown(&signer.issuer),
            signer.not_after
        ));
        lines.push(format!("    sha1 {}, sha256 {}", signer.thumbprint_sha1, signer.thumbprint_sha256));
        if let (Some(time), authority) = (&signer.timestamp, &signer.timestamp_authority) {
            lines.push(format!(
                "    stamped {time} by {}",
                Shown(authority.as_deref().unwrap_or("an unknown authority"))
            ));
        }
    }
    for inf in &facts.infs {
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        lines.push(format!(
            "  {}: {} {} {}, {}",
            Shown(&inf.path),
            or(&inf.provider),
            or(&inf.class),
            or(&inf.version),
            or(&inf.date)
        ));
        lines.extend(inf.hardware_ids.iter().map(|id| format!("    {}", Shown(id))));
    }
    let architectures: Vec<_> = facts.architectures.iter().map(String::as_str).collect();
    lines.push(format!(
        "  {} files, {} bytes, for {}",
        facts.files.len(),
        facts.size,
        architectures.join(" ")
    ));
    lines.join("\n")
}
