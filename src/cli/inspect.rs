//! `dropship inspect`: inspects packages without applying rules.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::backend::{DEFAULT_CONFIG, load};
use super::exit::{Exit, ExitError};
use super::output::{Output, or_dash};
use dropship_config::metadata_file::{self, MetadataFileError};
use dropship_engine::accounts::SIGNERS;
use dropship_hardware::DriverMetadata;
use dropship_job::counted;
use dropship_package::{Inspection, Kind, Level, Policy, Trust, Verdict, inspect};
use dropship_redact::Escaped;
use dropship_shared_folder::named_file;

/// Inspect packages as the daemon does, and print whether it would accept them
///
/// Needs no configuration. If there is one, its [signers] and [preflight] apply. For Microsoft's driver metadata (.json), it
/// prints the hardware ids that labels can target, with their ceilings.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship inspect build/echo.cab
  dropship inspect out/echo-1a2b3c4d/driver-metadata.json

Exit codes:
  0   all packages would be accepted
  64  the name of a file does not end in .cab, .hlkx, .hckx or .json
  65  at least one package would be rejected, or a .json file is not driver metadata
  78  invalid configuration")]
pub(super) struct Args {
    /// Packages (.cab, .hlkx, .hckx) or driver metadata (.json) to inspect
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, named_config: Option<&Path>, output: &Output) -> anyhow::Result<Exit> {
    let policy = policy(named_config)?;
    let mut documents = Vec::new();
    let mut texts = Vec::new();
    let mut are_accepted = true;
    for file in &args.files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.to_ascii_lowercase().ends_with(".json") {
            let metadata = metadata(file)?;
            texts.push(metadata_text(&file.display().to_string(), &metadata));
            documents.push(json!({ "file": file.display().to_string(), "metadata": metadata }));
            continue;
        }
        let kind = Kind::of_name(&name).ok_or_else(|| {
            ExitError(
                Exit::Usage,
                format!(
                    "cannot inspect {}: the file name must end in .cab, .hlkx, .hckx or .json",
                    file.display()
                ),
            )
        })?;
        let opened = named_file::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        let inspection =
            inspect(&opened, kind, &policy).with_context(|| format!("cannot read {}", file.display()))?;
        are_accepted &= inspection.verdict == Verdict::Accept;
        texts.push(text(&file.display().to_string(), &inspection));
        documents.push(json!({ "file": file.display().to_string(), "inspection": inspection }));
    }
    output.print_result(&documents, || texts.join("\n\n"))?;
    Ok(if are_accepted { Exit::Done } else { Exit::Rejected })
}

/// The configured policy. Without a configuration no root is trusted, which a finding reports. A configuration that
/// `--config` names must exist.
fn policy(named_config: Option<&Path>) -> anyhow::Result<Policy> {
    let path = named_config.unwrap_or_else(|| Path::new(DEFAULT_CONFIG));
    if named_config.is_none() && !path.exists() {
        let signers = Trust::default().with_name(SIGNERS);
        return Ok(Policy { now: jiff::Timestamp::now(), signers, ..Policy::default() });
    }
    dropship_engine::accounts::policy(&load(path)?)
}

/// Driver metadata in a file, or in the outbox folder of a package.
pub(super) fn metadata(file: &Path) -> anyhow::Result<DriverMetadata> {
    metadata_file::read(file).map_err(|error| match error {
        MetadataFileError::Invalid { .. } => ExitError(Exit::Rejected, error.to_string()).into(),
        other => other.into(),
    })
}

/// Driver metadata as text: each hardware id that a label can target, with its ceiling.
fn metadata_text(file: &str, metadata: &DriverMetadata) -> String {
    let mut lines = vec![format!("{}: driver metadata", Escaped(file))];
    for (bundle, infs) in &metadata.bundles {
        for (name, inf) in &infs.infs {
            lines.push(format!(
                "  {}: {} {} {}, bundle {}",
                Escaped(name),
                or_dash(inf.provider.as_deref()),
                or_dash(inf.inf_class.as_deref()),
                or_dash(inf.driver_version.as_deref()),
                Escaped(bundle)
            ));
            for (os, devices) in &inf.os_pnp {
                lines.extend(devices.iter().map(|(pnp, device)| {
                    let ceiling = device.ceiling_os_code.as_deref();
                    let ceiling = ceiling.map(|code| format!(", ceiling {code}")).unwrap_or_default();
                    format!("    {}", Escaped(&format!("{os} {pnp}{ceiling}")))
                }));
            }
        }
    }
    lines.join("\n")
}

/// An inspection as text.
pub(super) fn text(file: &str, inspection: &Inspection) -> String {
    let verdict = match inspection.verdict {
        Verdict::Accept => "accepted",
        Verdict::Reject => "rejected",
        Verdict::Incomplete => "incomplete",
    };
    let mut lines = vec![format!("{}: {verdict}", Escaped(file))];
    for finding in &inspection.findings {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warn => "warning",
            Level::Info | Level::Off => "note",
        };
        lines.push(format!("  {level}: {} [{}]", Escaped(&finding.message), finding.check));
    }
    let Some(facts) = &inspection.facts else { return lines.join("\n") };
    if let Some(signer) = &facts.signer {
        lines.push(format!(
            "  signed by {}, issued by {}, valid until {}",
            Escaped(&signer.name),
            Escaped(&signer.issuer),
            signer.not_after
        ));
        lines.push(format!("    sha1 {}, sha256 {}", signer.thumbprint_sha1, signer.thumbprint_sha256));
        if let (Some(time), authority) = (&signer.timestamp, &signer.timestamp_authority) {
            lines.push(format!(
                "    timestamped {time} by {}",
                Escaped(authority.as_deref().unwrap_or("an unknown authority"))
            ));
        }
    }
    for inf in &facts.infs {
        lines.push(format!(
            "  {}: {} {} {}, {}",
            Escaped(&inf.path),
            or_dash(inf.provider.as_deref()),
            or_dash(inf.class.as_deref()),
            or_dash(inf.version.as_deref()),
            or_dash(inf.date.as_deref())
        ));
        lines.extend(inf.hardware_ids.iter().map(|id| format!("    {}", Escaped(id))));
    }
    let architectures: Vec<_> = facts.architectures.iter().map(String::as_str).collect();
    lines.push(format!(
        "  {}, {}, for {}",
        counted(facts.files.len(), "file"),
        counted(facts.size, "byte"),
        architectures.join(" ")
    ));
    lines.join("\n")
}
