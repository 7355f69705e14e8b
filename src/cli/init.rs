//! `dropship init`: writes a working configuration for a package.

mod certificates;
mod files;
mod template;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::json;

use self::certificates::ChainFiles;
use self::files::{NewFile, create_all};
use self::template::{ConfigPaths, ConfigTemplate};
use super::exit::{Exit, ExitError, usage};
use super::output::Output;
use dropship_config::{Environment, Report};
use dropship_engine::admission::{ActiveConfig, evaluate};
use dropship_engine::rule_cases;
use dropship_package::{Cancellation, Facts, Inspection, Kind, Level, Policy, Verdict, inspect};
use dropship_redact::Escaped;
use dropship_shared_folder::named_file;

/// Where the configuration is written, unless `--config` names another place.
const DEFAULT: &str = "dropship.toml";

/// Stands in the file of the secret until it is replaced.
const NO_SECRET: &str = "replace this line with the client secret of the Entra application\n";

/// Write a working configuration for a package
///
/// Reads the package and writes an account, a folder, a rule with a label that fits the package, and a test. Also writes the
/// certificates of the package's chain into the folder of the configuration; the configuration trusts them as signers. Never changes
/// an existing file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship init build/echo.cab
  dropship --config /etc/dropship/dropship.toml init echo.hlkx --folder /srv/drop/echo --outbox /srv/signed/echo

Exit codes:
  0   written
  1   a file exists already, or cannot be written
  64  the name of the file does not end in .cab, .hlkx or .hckx
  65  the package would be rejected")]
pub(super) struct Args {
    /// Signed package that the rule is made for (.cab, .hlkx, .hckx)
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// Entra tenant, a GUID or domain [default: a placeholder]
    #[arg(long, value_name = "T")]
    tenant_id: Option<String>,
    /// Application (client) id [default: a placeholder]
    #[arg(long, value_name = "C")]
    client_id: Option<String>,
    /// File that contains the client secret [default: `client-secret` beside the configuration, with a placeholder]
    #[arg(long, value_name = "F")]
    client_secret_file: Option<PathBuf>,
    /// Drop folder; created if it does not exist [default: `drop` beside the configuration]
    #[arg(long, value_name = "PATH")]
    folder: Option<PathBuf>,
    /// Folder for results; created if it does not exist [default: `signed` beside the configuration]
    #[arg(long, value_name = "PATH")]
    outbox: Option<PathBuf>,
}

pub(super) fn run(args: &Args, named_config: Option<&Path>, output: &Output) -> anyhow::Result<Exit> {
    let path = std::path::absolute(named_config.unwrap_or_else(|| Path::new(DEFAULT)))?;
    let home = path.parent().map(Path::to_owned).unwrap_or_default();
    let package_path = args.package.display();
    let name = args.package.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let kind = Kind::of_name(&name).ok_or_else(|| {
        usage(format!("{package_path} is not a package: the name must end in .cab, .hlkx or .hckx"))
    })?;
    let file = named_file::open(&args.package).with_context(|| format!("cannot open {package_path}"))?;

    // The first inspection finds the certificates; the second one trusts them.
    let untrusting = Policy { now: Timestamp::now(), ..Policy::default() };
    let first = inspect(&file, kind, &untrusting).with_context(|| format!("cannot read {package_path}"))?;
    let signer = first.facts.as_ref().and_then(|facts| facts.signer.as_ref());
    let chain = signer.map(|signer| ChainFiles::new(&signer.certificates)).unwrap_or_default();
    let policy = Policy { signers: chain.trust()?, now: Timestamp::now(), ..Policy::default() };
    let inspection = inspect(&file, kind, &policy).with_context(|| format!("cannot read {package_path}"))?;
    let facts = accepted_facts(inspection, &args.package)?;

    let paths = ConfigPaths {
        folder: args.folder.as_deref().map(std::path::absolute).transpose()?,
        outbox: args.outbox.as_deref().map(std::path::absolute).transpose()?,
        secret: args.client_secret_file.as_deref().map(std::path::absolute).transpose()?,
        is_system: home == Path::new("/etc/dropship"),
    };
    if let Some(secret) = &paths.secret {
        std::fs::metadata(secret).with_context(|| {
            format!(
                "cannot find the client secret {}; write it there first, or leave the option out",
                secret.display()
            )
        })?;
    }
    let template = ConfigTemplate {
        package: &name,
        facts: &facts,
        tenant_id: args.tenant_id.as_deref(),
        client_id: args.client_id.as_deref(),
        paths: &paths,
        chain: &chain,
    };
    let text = template.text();
    verify(&path, &text, &args.package, &facts, &policy)?;

    let folders = [
        paths.folder.clone().unwrap_or_else(|| home.join("drop")),
        paths.outbox.clone().unwrap_or_else(|| home.join("signed")),
    ];
    let mut new_files = chain.files(&home);
    if paths.secret.is_none() {
        new_files.push(NewFile {
            path: home.join("client-secret"),
            bytes: NO_SECRET.into(),
            is_secret: true,
        });
    }
    new_files.push(NewFile { path: path.clone(), bytes: text.into_bytes(), is_secret: false });
    create_all(&home, &folders, &new_files)?;
    report(args, &path, &new_files, &template, output)?;
    Ok(Exit::Done)
}

/// The facts of a package that the daemon would accept.
fn accepted_facts(inspection: Inspection, package: &Path) -> anyhow::Result<Facts> {
    match (inspection.verdict, inspection.facts) {
        (Verdict::Accept, Some(facts)) => Ok(facts),
        _ => {
            let findings = inspection.findings.iter();
            let errors = findings
                .filter(|finding| finding.level == Level::Error || inspection.verdict == Verdict::Incomplete);
            let reasons =
                errors.map(|finding| format!("\n  {} [{}]", Escaped(&finding.message), finding.check));
            let message = format!(
                "cannot make a configuration for {}: the daemon would reject this package:{}",
                package.display(),
                reasons.collect::<String>()
            );
            Err(ExitError(Exit::Rejected, message).into())
        }
    }
}

/// Checks what would be written: the configuration is valid, its test passes, and its rule takes the package.
fn verify(path: &Path, text: &str, package: &Path, facts: &Facts, policy: &Policy) -> anyhow::Result<()> {
    let environment = Environment::from_variables(|name| std::env::var_os(name));
    let config = dropship_config::load_str(path, text, &environment).map_err(|report: Report| {
        anyhow::Error::new(report).context("the arguments yield no valid configuration")
    })?;
    let outcomes = rule_cases::outcomes(&config, Timestamp::now());
    if let Some(failed) = outcomes.iter().find(|outcome| !outcome.passed) {
        return Err(anyhow::anyhow!("the test of the configuration for this package fails: {failed}"));
    }
    let name = package.file_name().unwrap_or_default().to_string_lossy();
    let active = ActiveConfig { config, policy: policy.clone(), outbox: PathBuf::new() };
    let evaluation = evaluate(
        &active,
        (package, None),
        &name,
        Some(template::FOLDER),
        None,
        &Ok(BTreeMap::new()),
        &Cancellation::default(),
    )
    .with_context(|| format!("cannot read {}", package.display()))?;
    match evaluation.outcome {
        Some(Err(fault)) => {
            let kind = facts.kind.as_str();
            let message =
                format!("cannot make a configuration for this .{kind}: {}", Escaped(&fault.message));
            Err(ExitError(Exit::Rejected, message).into())
        }
        _ => Ok(()),
    }
}

fn report(
    args: &Args,
    path: &Path,
    new_files: &[NewFile],
    template: &ConfigTemplate<'_>,
    output: &Output,
) -> anyhow::Result<()> {
    let mut replace = Vec::new();
    replace.extend(args.tenant_id.is_none().then_some("tenant_id"));
    replace.extend(args.client_id.is_none().then_some("client_id"));
    replace.extend(args.client_secret_file.is_none().then_some("client-secret"));
    let written: Vec<_> = new_files.iter().map(|file| file.path.display().to_string()).collect();
    let document = json!({
        "config": path.display().to_string(),
        "written": written,
        "rule": template.rule(),
        "has_label": template.has_label(),
        "replace": replace,
    });
    output.print_result(&document, || {
        let mut lines: Vec<_> = written.iter().map(|path| format!("wrote {path}")).collect();
        if !template.has_label() {
            lines.push("the package names no hardware id, so the rule has no shipping label".to_owned());
        }
        if !replace.is_empty() {
            lines.push(format!("replace the placeholders: {}", replace.join(", ")));
        }
        let (config, package) = (path.display(), args.package.display());
        lines.push("Next:".to_owned());
        lines.push(format!("  dropship --config {config} check"));
        lines.push(format!("  dropship --config {config} test"));
        lines.push(format!("  dropship --config {config} plan {package} --folder {}", template::FOLDER));
        lines.push(format!(
            "  dropship --config {config} run --sandbox   # then drop packages; nothing is sent to Microsoft"
        ));
        lines.join("\n")
    })
}
