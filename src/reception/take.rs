//! From a found file to a job.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::judge::{Judged, judge};
use super::known::{text, text_beside, was_looked_at};
use super::sidecar;
use super::{Reception, new_id};
use crate::config::model::Backlog;
use crate::depot::Dossier;
use crate::digest;
use crate::outbox;
use crate::store::{Commit, Entry, StoreError, path_key};
use dropship_intake::{Admitted, Backpressure, CaptureError, FoundFile, Identity, capture, open_below};
use dropship_job::{Creation, Event, Fault, Job, JobId, Package, State};
use dropship_package::{Completeness, Kind, completeness_of_file};
use dropship_rules::vars::Vars;

/// Inspections of the same bytes that the daemon did not survive before they are held as poison.
pub(super) const POISON: u64 = 3;

pub(super) const POISONED: &str =
    "inspecting this package ended the daemon three times in a row; please report it, then cancel";

/// Captured bytes on their way to a job.
pub(super) struct Taken<'a> {
    pub(super) copy: &'a Path,
    pub(super) sha256: String,
    pub(super) size: u64,
    pub(super) name: String,
    pub(super) folder: Option<String>,
    pub(super) path: Option<String>,
    /// The file that they were found in.
    pub(super) found: Option<(&'a FoundFile, Identity)>,
    pub(super) rule: Option<&'a str>,
    /// They are what a checksum beside them asks for.
    pub(super) beside: Result<(), String>,
    /// What its sidecar sets.
    pub(super) vars: Result<Vars, String>,
    /// A bad verdict counts.
    pub(super) settled: bool,
    /// Not all there, and will not be.
    pub(super) stale: bool,
    pub(super) backlog: bool,
}

impl Taken<'_> {
    fn is_polled(&self) -> bool {
        self.found.as_ref().is_some_and(|(found, _)| found.polled)
    }
}

/// Why no job began.
pub(super) enum NotTaken {
    NotYet(String),
    Busy(String),
    Store(StoreError),
}

impl From<StoreError> for NotTaken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Admits a found file, or returns what is missing.
pub(super) fn receive(reception: &Reception, found: &FoundFile) -> Admitted {
    let copy = reception.depot.incoming(new_id().as_str());
    let mut sha256 = None;
    let taken = admit(reception, found, &copy, &mut sha256);
    // A copy that became a job's is no longer there.
    remove(&copy);
    let busy = |reason| Admitted::Backpressure(Backpressure { reason, folder_only: true });
    match taken {
        Ok(_) => Admitted::Yes,
        Err(NotTaken::NotYet(reason)) => Admitted::NotYet { reason, sha256 },
        Err(NotTaken::Busy(why)) => {
            tracing::warn!(folder = found.folder, event = "intake_busy", "{}: {why}", found.path.display());
            // For this file; whether there is any room is asked before.
            busy(why)
        }
        Err(NotTaken::Store(error)) => {
            tracing::error!(folder = found.folder, "{}: {error}", found.path.display());
            busy(error.to_string())
        }
    }
}

/// Captures a found file and decides about it. `sha256` becomes the digest of the copy.
fn admit(
    reception: &Reception,
    found: &FoundFile,
    copy: &Path,
    sha256: &mut Option<[u8; 32]>,
) -> Result<JobId, NotTaken> {
    let name = found.name.to_string_lossy().into_owned();
    if !found.settled && !found.stale {
        // Cheap: a file that is not whole by its own word is not worth copying yet.
        whole(found, &name)?;
    }
    let captured = capture(found, copy).map_err(|error| match error {
        CaptureError::Changed(_) | CaptureError::Gone(_) => NotTaken::NotYet(error.to_string()),
        CaptureError::NoSpace(_) | CaptureError::Write { .. } => NotTaken::Busy(error.to_string()),
        // The fault is this file's alone: the others of its folder go on.
        _ => {
            tracing::warn!(folder = found.folder, event = "unreadable", "{error}");
            NotTaken::NotYet(error.to_string())
        }
    })?;
    *sha256 = Some(captured.sha256);
    let is_unchanged = found.is_unchanged(&captured.sha256);
    let sha256 = digest::hex(&captured.sha256);
    let taken = Taken {
        copy,
        beside: sidecar::checked(found, &sha256),
        sha256,
        size: captured.size,
        name,
        folder: Some(found.folder.clone()),
        path: Some(found.path.to_string_lossy().into_owned()),
        found: Some((found, captured.identity)),
        rule: None,
        vars: sidecar::vars_of_found(found),
        settled: found.settled && is_unchanged,
        stale: found.stale && is_unchanged,
        backlog: found.backlog,
    };
    decide(reception, &taken)
}

/// Is the file whole by its own header?
fn whole(found: &FoundFile, name: &str) -> Result<(), NotTaken> {
    let Some(kind) = Kind::of_name(name) else { return Ok(()) };
    let opened = open_below(&found.root, &found.path);
    let (file, _) = opened.map_err(|error| NotTaken::NotYet(error.to_string()))?;
    match completeness_of_file(&file, kind) {
        Ok(Completeness::Complete) => Ok(()),
        Ok(Completeness::Incomplete { have, need }) => {
            Err(NotTaken::NotYet(format!("has {have} of {need} bytes")))
        }
        Ok(Completeness::NotAPackage { reason }) => Err(NotTaken::NotYet(reason)),
        Err(error) => Err(NotTaken::NotYet(error.to_string())),
    }
}

/// Has the copy all the bytes that its header speaks of, whatever they are?
fn has_all(copy: &Path, name: &str) -> io::Result<bool> {
    let Some(kind) = Kind::of_name(name) else { return Ok(true) };
    Ok(!matches!(completeness_of_file(&File::open(copy)?, kind)?, Completeness::Incomplete { .. }))
}

/// Judges captured bytes and begins their job.
pub(super) fn decide(reception: &Reception, taken: &Taken<'_>) -> Result<JobId, NotTaken> {
    let store = &*reception.store;
    if let Known::Job(id) = known_job(reception, taken)? {
        if let Err(why) = &taken.beside {
            tracing::warn!(job_id = %id, event = "sidecar", "{why}; the package is known and goes on");
        }
        return Ok(id);
    }
    let poisoned = store.inspecting(&taken.sha256)? >= POISON;
    if poisoned {
        return begin(reception, taken, None, Err(Hold(Fault::new("poison", POISONED))));
    }
    if let Some(why) = taken.beside.as_ref().err().or(taken.vars.as_ref().err())
        && !taken.settled
    {
        return Err(NotTaken::NotYet(why.clone()));
    }
    if let Err(why) = &taken.beside {
        // What is not all there yet has another sum by right.
        let unread = |error| NotTaken::NotYet(format!("the copy cannot be read: {error}"));
        if !taken.stale && !has_all(taken.copy, &taken.name).map_err(unread)? {
            return Err(NotTaken::NotYet(why.clone()));
        }
        return begin(reception, taken, None, Ok(Err(Fault::new("sidecar", why.clone()))));
    }
    // It need not survive the machine, only the daemon: that is what an inspection might end.
    let sha256 = taken.sha256.clone();
    store.commit(Commit::lazily(vec![Entry::InspectionStarted { sha256 }])).wait()?;
    let rulebook = reception.rulebook();
    let judged = judge(&rulebook, taken.copy, &taken.name, taken.folder.as_deref(), taken.rule, &taken.vars);
    // The inspection was survived, whatever comes of the package now.
    let sha256 = taken.sha256.clone();
    store.commit(Commit::lazily(vec![Entry::InspectionEnded { sha256 }])).wait()?;
    let cleared = |reason: String| -> Result<JobId, NotTaken> { Err(NotTaken::NotYet(reason)) };
    let Judged { inspection, outcome, warnings, .. } = match judged {
        Ok(judged) => judged,
        Err(error) => return cleared(format!("the copy cannot be read: {error}")),
    };
    match outcome {
        None if taken.stale => {
            let message = format!("truncated: {}", inspection.reasons_or("not all of the file came"));
            begin(reception, taken, None, Ok(Err(Fault::new("truncated", message))))
        }
        None => cleared(inspection.reasons_or("not all of the file has come yet")),
        // Another machine may still be writing to a file of a polled folder, so every rejection waits there.
        Some(Err(fault))
            if !taken.settled
                && (taken.is_polled() || inspection.verdict != dropship_package::Verdict::Accept) =>
        {
            cleared(fault.message)
        }
        Some(Err(fault)) => begin(reception, taken, None, Ok(Err(fault))),
        Some(Ok(plan)) => {
            let Some(facts) = inspection.facts else {
                return cleared("inspection found no facts".to_owned());
            };
            begin(
                reception,
                taken,
                Some((Dossier { facts, plan, vars: taken.vars.clone().unwrap_or_default() }, warnings)),
                Ok(Ok(())),
            )
        }
    }
}

/// A job that begins held.
struct Hold(Fault);

/// What is known of bytes.
enum Known {
    /// Nothing.
    Nothing,
    /// Their job, which was told that the file is known.
    Job(JobId),
    /// A job that ended before anything was sent: they are judged anew, as the file that they are in now.
    Again(Box<Job>),
}

/// The job that these bytes have already; one that was cancelled after something was made goes on.
fn known_job(reception: &Reception, taken: &Taken<'_>) -> Result<Known, NotTaken> {
    let store = &*reception.store;
    let Some(id) = store.find(&taken.sha256, taken.folder.as_deref())? else { return Ok(Known::Nothing) };
    let job = store.job(&id)?;
    let mut entries: Vec<Entry> = seen(taken, &id, false).into_iter().collect();
    let mut events = Vec::new();
    match job {
        Some(job) if matches!(job.state, State::Rejected { .. }) => return Ok(Known::Again(Box::new(job))),
        Some(job) if job.state == State::Cancelled && job.product == Creation::Open => {
            return Ok(Known::Again(Box::new(job)));
        }
        Some(job) if job.state == State::Cancelled => {
            events.push(dropped_again());
            entries.push(Entry::Job { job: id.clone(), rev: job.rev, events: events.clone() });
        }
        _ => {}
    }
    for job in store.commit(Commit::new(entries)).wait()? {
        (reception.tell)(&job, &events);
    }
    Ok(Known::Job(id))
}

fn dropped_again() -> Event {
    Event::Retried { by: "a new drop of the same bytes".to_owned(), new_product: false }
}

/// What to remember of the file. If it was rejected another sidecar makes another package of it.
fn seen(taken: &Taken<'_>, id: &JobId, rejected: bool) -> Option<Entry> {
    let (found, identity) = taken.found.as_ref()?;
    let identity = match found.sidecar.as_ref().filter(|_| rejected) {
        Some(sidecar) => text_beside(identity, &sidecar.identity),
        None => text(identity),
    };
    let (folder, path, sha256) = (found.folder.clone(), path_key(&found.path), taken.sha256.clone());
    Some(Entry::KnownFile { folder, path, identity, sha256, job: id.clone() })
}

/// Begins the job: accepted with its dossier, rejected, or held.
fn begin(
    reception: &Reception,
    taken: &Taken<'_>,
    dossier: Option<(Dossier, Vec<String>)>,
    verdict: Result<Result<(), Fault>, Hold>,
) -> Result<JobId, NotTaken> {
    let _one_at_a_time = reception.deciding.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Another file with the same bytes may have been faster.
    let again = match known_job(reception, taken)? {
        Known::Job(id) => return Ok(id),
        Known::Again(job) => Some(job),
        Known::Nothing => None,
    };
    let rulebook = reception.rulebook();
    let (id, rev) = again.as_ref().map_or_else(|| (new_id(), 0), |job| (job.id.clone(), job.rev));
    let outbox = outbox::folder_of(&rulebook.outbox(taken.folder.as_deref()), &taken.name, &taken.sha256);
    let package = Package {
        name: taken.name.clone(),
        path: taken.path.clone(),
        folder: taken.folder.clone(),
        sha256: taken.sha256.clone(),
        size: taken.size,
        outbox: outbox.to_string_lossy().into_owned(),
    };
    let mut events = vec![again.map_or(Event::Arrived { package }, |_| dropped_again())];
    match verdict {
        Err(Hold(fault)) => events.push(Event::Held { fault, request: None }),
        Ok(Err(fault)) => events.push(Event::Rejected { fault }),
        Ok(Ok(())) => {}
    }
    if let Some((dossier, warnings)) = dossier {
        let plan = reception
            .depot
            .admit(&id, taken.copy, &dossier)
            .map_err(|error| NotTaken::Busy(format!("the copy cannot be taken into the store: {error}")))?;
        events.push(accepted(&dossier, plan, warnings));
        if held_as_backlog(reception, taken)? {
            let message = "it lay in the folder when dropship first looked there; approve or cancel it";
            events.push(Event::Held { fault: Fault::new("backlog", message), request: None });
        }
    }
    let mut entries = vec![Entry::Job { job: id.clone(), rev, events: events.clone() }];
    let rejected = matches!(events.last(), Some(Event::Rejected { .. }));
    entries.extend(seen(taken, &id, rejected));
    let jobs = reception.store.commit(Commit::new(entries)).wait()?;
    for job in &jobs {
        (reception.tell)(job, &events);
    }
    Ok(id)
}

pub(super) fn accepted(dossier: &Dossier, plan: String, warnings: Vec<String>) -> Event {
    let labels = dossier.plan.labels.iter().map(|label| label.name.clone()).collect();
    let Dossier { plan: asked, vars, .. } = dossier;
    Event::Accepted {
        rule: asked.rule.clone(),
        account: asked.account.clone(),
        plan,
        labels,
        warnings,
        vars: vars.clone(),
    }
}

fn held_as_backlog(reception: &Reception, taken: &Taken<'_>) -> Result<bool, NotTaken> {
    let Some(folder) = taken.folder.as_deref().filter(|_| taken.backlog) else { return Ok(false) };
    let rulebook = reception.rulebook();
    let holds = rulebook.folder(folder).is_some_and(|folder| folder.backlog == Backlog::Hold);
    Ok(holds && !was_looked_at(&*reception.store, folder)?)
}

/// Writes bytes to a new file; gives their digest and number. Not durable: see [`crate::depot::Depot::admit`].
pub(super) fn store_bytes(bytes: &mut dyn Read, to: &Path) -> io::Result<(String, u64)> {
    digest::copied(bytes, &mut File::create_new(to)?)
}

pub(super) fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("{} cannot be removed: {error}", path.display());
        }
        _ => {}
    }
}
