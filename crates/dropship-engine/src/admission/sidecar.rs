//! Checksum and variables from the sidecar, the small file beside a package.

use std::ffi::OsStr;
use std::path::Path;

use crate::digest::hex;
use dropship_config::model::Config;
use dropship_intake::{FoundFile, ReadyWhen, Sidecar};
use dropship_job::Job;
use dropship_rules::vars::{self, Vars};

/// Whether the copy has the checksum that its sidecar states.
pub(super) fn check(found: &FoundFile, sha256: &str) -> Result<(), String> {
    found.sidecar.as_ref().map_or(Ok(()), |sidecar| compare(sidecar, &found.name, sha256))
}

/// Whether a job's package has the checksum that the sidecar beside it states now.
pub(super) fn check_again(config: &Config, job: &Job) -> Result<(), String> {
    let folder = config.folders.iter().find(|folder| Some(&folder.name) == job.package().folder.as_ref());
    let (Some(folder), Some(path)) = (folder, job.package().path.as_deref()) else { return Ok(()) };
    let ReadyWhen::Sidecar(suffix) = &folder.ready else { return Ok(()) };
    let sidecar_path = format!("{path}{suffix}");
    let sidecar = Sidecar::read(&folder.path, Path::new(&sidecar_path))
        .map_err(|error| format!("cannot read the sidecar {sidecar_path}: {error}"))?;
    let name = Path::new(path).file_name().unwrap_or_default();
    compare(&sidecar, name, &job.package().sha256)
}

fn compare(sidecar: &Sidecar, name: &OsStr, sha256: &str) -> Result<(), String> {
    match sidecar.expected_sha256(name)?.map(|sum| hex(&sum)) {
        Some(expected) if expected != sha256 => Err(format!(
            "the package has SHA-256 {sha256}, but its sidecar {} states {expected}: the package was damaged in transit, or the \
             sidecar belongs to another package; copy both again",
            sidecar.path.display()
        )),
        _ => Ok(()),
    }
}

/// Variables from the sidecar of a found file.
pub(super) fn vars_of_found(found: &FoundFile) -> Result<Vars, String> {
    match &found.sidecar {
        Some(sidecar) if sidecar.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml")) => {
            vars::parse(&sidecar.bytes)
                .map_err(|why| format!("invalid sidecar {}: {why}", sidecar.path.display()))
        }
        _ => Ok(Vars::new()),
    }
}

/// Variables from the sidecar beside a job's package now.
pub(super) fn vars_of_job(config: &Config, job: &Job) -> Result<Vars, String> {
    let folder = config.folders.iter().find(|folder| Some(&folder.name) == job.package().folder.as_ref());
    let folder = folder.filter(|folder| config.sidecar_sets_vars(Some(&folder.name)));
    let (Some(folder), Some(path)) = (folder, job.package().path.as_deref()) else { return Ok(Vars::new()) };
    let sidecar_path = format!("{path}.toml");
    let sidecar = Sidecar::read(&folder.path, Path::new(&sidecar_path)).map_err(|error| error.to_string());
    let vars = sidecar.and_then(|sidecar| vars::parse(&sidecar.bytes));
    vars.map_err(|why| format!("the sidecar {sidecar_path} cannot be used: {why}"))
}
