//! Inspects the package of a retried job again, from where it was found.

use std::io::{self, Read};
use std::path::Path;

use super::admit::accepted_event;
use super::captured_package::{remove, store_bytes};
use super::evaluate::{CapturedBytes, Evaluation, evaluate};
use super::inspections::POISONED;
use super::oversize;
use super::sidecar;
use super::state::{Admission, new_id};
use crate::package_store::PlanSnapshot;
use crate::pipeline::{PackageInspector, is_passing};
use dropship_intake::open_below;
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, Job};
use dropship_package::Previewed;
use dropship_shared_folder::Progress;

/// The dropped file of a job, when it is copied again.
enum Recaptured {
    /// It has the bytes of the job.
    Same,
    /// It has other bytes.
    Other,
    /// It is not read.
    TooLarge(Fault),
}

impl PackageInspector for Admission {
    fn reinspect(&self, job: &Job, progress: &Progress) -> io::Result<Vec<Event>> {
        let gone = |why: String| vec![Event::Rejected { fault: Fault::new(ErrorKind::Gone, why) }];
        let Some(path) = job.package().path.as_deref() else {
            return Ok(gone(
                "the package was submitted and rejected, and no copy was kept; submit it again".to_owned(),
            ));
        };
        let copy = self.packages.incoming(new_id().as_str());
        let recaptured = self.capture_again(job, Path::new(path), &copy, progress);
        // The inspection reads the copy in the store, and has limits of its own.
        progress.pause();
        let events = match recaptured {
            Ok(Recaptured::TooLarge(fault)) => Ok(vec![Event::Rejected { fault }]),
            Ok(Recaptured::Same) => self.evaluate_again(job, &copy),
            Ok(Recaptured::Other) => {
                Ok(gone(format!("{path} now contains other bytes; drop the package again")))
            }
            Err(error) if is_passing(&error) => Err(error),
            Err(error) => Ok(gone(format!("cannot read {path}: {error}; drop the package again"))),
        };
        remove(&copy);
        events
    }
}

impl Admission {
    /// Copies the dropped file of a job.
    fn capture_again(
        &self,
        job: &Job,
        path: &Path,
        copy: &Path,
        progress: &Progress,
    ) -> io::Result<Recaptured> {
        let package = job.package();
        let active = self.active();
        let folder = package.folder.as_deref().and_then(|name| active.folder(name)).ok_or_else(|| {
            let message = "its drop folder is no longer configured";
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        let (file, meta) = open_below(&folder.path, path)?;
        if meta.len() != package.size {
            return Ok(Recaptured::Other);
        }
        let max = active.config.store.max_package;
        if let Some(fault) = oversize::check(&file, &package.name, meta.len(), max)? {
            return Ok(Recaptured::TooLarge(fault));
        }
        if !self.packages.has_space_for(package.size) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the disk of the store is nearly full"));
        }
        let (sha256, _) = store_bytes(&mut progress.reader(file).take(package.size.saturating_add(1)), copy)?;
        Ok(if sha256 == package.sha256 { Recaptured::Same } else { Recaptured::Other })
    }

    fn evaluate_again(&self, job: &Job, copy: &Path) -> io::Result<Vec<Event>> {
        let rejected = |fault| vec![Event::Rejected { fault }];
        let active = self.active();
        if let Err(why) = sidecar::check_again(&active.config, job) {
            return Ok(rejected(Fault::new(ErrorKind::Sidecar, why)));
        }
        let (store, sha256) = (&*self.store, job.package().sha256.as_str());
        let size = job.package().size;
        let is_poison = self.inspections.is_poison(store, sha256).unwrap_or_default();
        let running = (!is_poison).then(|| self.inspections.begin(store, sha256, size).ok()).flatten();
        let Some(running) = running else {
            let fault = HoldFault::new(HoldReason::Poison, POISONED);
            return Ok(vec![Event::Held { fault, request: None }]);
        };
        let (vars, package) = (sidecar::vars_of_job(&active.config, job), job.package());
        let evaluated = evaluate(
            &active,
            (copy, Some(CapturedBytes { sha256, previewed: &Previewed::default() })),
            &package.name,
            package.folder.as_deref(),
            None,
            &vars,
            &self.cancellation,
        );
        if running.end().is_err() {
            tracing::debug!(job_id = %job.id(), "the store stopped during an inspection");
        }
        let unreadable = |error: io::Error| match is_passing(&error) {
            true => Err(error),
            false => Ok(rejected(Fault::new(ErrorKind::Unreadable, error.to_string()))),
        };
        let evaluation = match evaluated {
            Ok(evaluation) => evaluation,
            Err(_) if self.cancellation.is_cancelled() => return Ok(Vec::new()),
            Err(error) => return unreadable(error),
        };
        let vars = vars.unwrap_or_default();
        if let Some(facts) = evaluation.rejected(vars.clone()) {
            self.keep_rejected(job.id(), &facts);
        }
        let Evaluation { inspection, outcome, planning, warnings, .. } = evaluation;
        match (outcome, inspection.facts.zip(planning)) {
            (Some(Ok(plan)), Some((facts, planning))) => {
                let snapshot = PlanSnapshot { facts, plan, vars, planning: Some(planning) };
                let digest = match self.packages.admit(job.id(), copy, &snapshot) {
                    Ok(digest) => digest,
                    Err(error) => return unreadable(error),
                };
                match self.claim_content(job, snapshot.facts.content_sha256.as_deref()) {
                    Ok(held) => {
                        Ok(std::iter::once(accepted_event(&snapshot, digest, warnings)).chain(held).collect())
                    }
                    Err(error) => unreadable(io::Error::other(error)),
                }
            }
            (Some(Err(fault)), _) => Ok(rejected(fault)),
            (None, _) | (Some(Ok(_)), None) => Ok(rejected(Fault::new(
                ErrorKind::Truncated,
                "the file is incomplete; drop the complete package",
            ))),
        }
    }
}
