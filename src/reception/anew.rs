//! A job that is judged anew, since somebody retried it: from where its package was found.

use std::io;
use std::path::Path;

use super::judge::{Judged, judge};
use super::take::{POISON, POISONED, accepted, remove, store_bytes};
use super::{Reception, new_id, sidecar};
use crate::depot::Dossier;
use crate::store::{Commit, Entry};
use dropship_job::{Event, Fault, Job};

impl crate::pipeline::Judge for Reception {
    fn judge_anew(&self, job: &Job) -> Vec<Event> {
        let rejected = |fault| vec![Event::Rejected { fault }];
        let Some(path) = job.package.path.as_deref() else {
            return rejected(Fault::new("gone", "the package was handed in and rejected; hand it in again"));
        };
        let copy = self.depot.incoming(new_id().as_str());
        let again = std::fs::File::open(path).and_then(|mut file| store_bytes(&mut file, &copy));
        let events = match again {
            Ok((sha256, _)) if sha256 == job.package.sha256 => self.judged_events(job, &copy),
            Ok(_) => {
                rejected(Fault::new("gone", format!("{path} holds other bytes now; drop the package again")))
            }
            Err(error) => rejected(Fault::new(
                "gone",
                format!("{path} cannot be read: {error}; drop the package again"),
            )),
        };
        remove(&copy);
        events
    }
}

impl Reception {
    fn judged_events(&self, job: &Job, copy: &Path) -> Vec<Event> {
        let rulebook = self.rulebook();
        if let Err(why) = sidecar::checked_again(&rulebook.config, job) {
            return vec![Event::Rejected { fault: Fault::new("sidecar", why) }];
        }
        let sha256 = job.package.sha256.clone();
        let poisoned = self.store.inspecting(&sha256).is_ok_and(|count| count >= POISON);
        let begun = Commit::lazily(vec![Entry::InspectionStarted { sha256: sha256.clone() }]);
        if poisoned || self.store.commit(begun).wait().is_err() {
            let fault = Fault::new("poison", POISONED);
            return vec![Event::Held { fault, request: None }];
        }
        let vars = sidecar::vars_of_job(&rulebook.config, job);
        let judged = judge(&rulebook, copy, &job.package.name, job.package.folder.as_deref(), None, &vars);
        if self.store.commit(Commit::lazily(vec![Entry::InspectionEnded { sha256 }])).wait().is_err() {
            tracing::debug!(job_id = %job.id, "the store stopped during an inspection");
        }
        let failed =
            |error: io::Error| vec![Event::Rejected { fault: Fault::new("unreadable", error.to_string()) }];
        let Judged { inspection, outcome, warnings, .. } = match judged {
            Ok(judged) => judged,
            Err(error) => return failed(error),
        };
        match (outcome, inspection.facts) {
            (Some(Ok(plan)), Some(facts)) => {
                let dossier = Dossier { facts, plan, vars: vars.unwrap_or_default() };
                match self.depot.admit(&job.id, copy, &dossier) {
                    Ok(digest) => vec![accepted(&dossier, digest, warnings)],
                    Err(error) => failed(error),
                }
            }
            (Some(Err(fault)), _) => vec![Event::Rejected { fault }],
            (None, _) | (Some(Ok(_)), None) => {
                vec![Event::Rejected { fault: Fault::new("truncated", "not all of the file is there") }]
            }
        }
    }
}
