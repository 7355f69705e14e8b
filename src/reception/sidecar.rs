//! What the small file beside a package sets.

use std::path::Path;

use crate::config::model::Config;
use crate::config::vars::{self, Vars};
use crate::intake::Find;
use crate::job::Job;

/// What the find's sidecar sets.
pub(super) fn vars_of_find(find: &Find) -> Result<Vars, String> {
    match &find.sidecar {
        Some(sidecar) if sidecar.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml")) => {
            vars::parse(&sidecar.bytes)
                .map_err(|why| format!("the sidecar {} cannot be used: {why}", sidecar.path.display()))
        }
        _ => Ok(Vars::new()),
    }
}

/// What the sidecar beside a known job's package sets now.
pub(super) fn vars_of_job(config: &Config, job: &Job) -> Result<Vars, String> {
    let path = job.package.path.as_deref();
    match path.filter(|_| vars::are_brought_by(config, job.package.folder.as_deref())) {
        Some(path) => vars::beside(Path::new(path)),
        None => Ok(Vars::new()),
    }
}
