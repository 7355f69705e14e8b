//! Bytes that the store knows already: their job, and what a further file with them means for it.

use super::admit_error::AdmitError;
use super::captured_package::CapturedPackage;
use super::dropped_again::{self, is_dropped_again};
use super::file_record::FileRecord;
use super::state::Admission;
use dropship_job::{Creation, Event, Job, JobId, State};
use dropship_store::{Commit, Entry, KnownFile, Store, StoreError, path_key};

/// Whether the store knows bytes.
pub(super) enum KnownBytes {
    Unknown,
    /// Their job. The file is noted in the store.
    Job(JobId),
    /// A job that ended before anything was sent: the bytes are evaluated again, as the file that they are in now.
    Again(Box<Job>),
}

/// The job that these bytes have already. A job that was cancelled after something was created continues if they were
/// dropped again.
pub(super) fn known_job(
    admission: &Admission,
    package: &CapturedPackage<'_>,
) -> Result<KnownBytes, AdmitError> {
    let store = &*admission.store;
    let of_folder = store.find(&package.sha256, package.folder.as_deref())?;
    let renamed = if of_folder.is_none() { job_of_renamed_folder(admission, package)? } else { None };
    let never_left = renamed.as_ref().is_some_and(|renamed| renamed.never_left);
    let Some(id) = of_folder.or(renamed.map(|renamed| renamed.job)) else { return Ok(KnownBytes::Unknown) };
    let mut entries: Vec<Entry> = package.known_file_entry(&id, false).into_iter().collect();
    let mut events = Vec::new();
    let job = match store.job(&id)? {
        // The store may be older than the receipt.
        Some(job) if is_final(&job) => Some(admission.catch_up_with_receipt(&job)?.unwrap_or(job)),
        Some(job) => {
            let completed = admission.complete_again(&job, package)?;
            if completed.is_none() && admission.cancellation.is_cancelled() {
                return Err(AdmitError::NotYet("the daemon stops".to_owned()));
            }
            Some(completed.unwrap_or(job))
        }
        None => None,
    };
    match job {
        Some(job) if is_final(&job) && (never_left || !is_dropped_again(admission, package)?) => {
            let is_rejected = matches!(job.state(), State::Rejected { .. });
            entries = package.known_file_entry(&id, is_rejected).into_iter().collect();
            entries.extend(dropped_again::forget_former_names(admission, package)?);
            log_not_dropped_again(&job, package);
        }
        Some(job) if matches!(job.state(), State::Rejected { .. }) => {
            return Ok(KnownBytes::Again(Box::new(job)));
        }
        Some(job) if *job.state() == State::Cancelled && *job.product() == Creation::Open => {
            return Ok(KnownBytes::Again(Box::new(job)));
        }
        Some(job) if *job.state() == State::Cancelled => {
            let replanned = match admission.replan(&job) {
                Ok(replanned) => replanned,
                Err(error) => {
                    tracing::warn!(job_id = %id, event = "not_restarted", "the cancelled package was dropped again: {error}");
                    return Ok(KnownBytes::Job(id));
                }
            };
            events.push(dropped_again::restart_event());
            events.extend(replanned);
            events.extend(admission.hold_of_same_content(&id, package.folder.as_deref(), job.content())?);
            entries.push(Entry::Job { job: id.clone(), rev: job.rev(), events: events.clone() });
        }
        Some(job) if is_second_file(store, &job, package)? => {
            note_same_bytes(admission, &id, package);
        }
        _ => {}
    }
    for job in store.commit(Commit::new(entries)).wait()? {
        admission.events.after_commit_blocking(&job, &events);
    }
    Ok(KnownBytes::Job(id))
}

/// The job of a file in a folder whose `[[folder]]` got another name.
struct RenamedFolder {
    job: JobId,
    /// The file is the one that the former folder had: it was not dropped again.
    never_left: bool,
}

/// The newest job of these bytes that a folder without a `[[folder]]` had, if the file was known there, or is known here as a file of this
/// job.
fn job_of_renamed_folder(
    admission: &Admission,
    package: &CapturedPackage<'_>,
) -> Result<Option<RenamedFolder>, StoreError> {
    let (Some(captured_file), Some(folder)) = (&package.captured_file, package.folder.as_deref()) else {
        return Ok(None);
    };
    let (store, active) = (&*admission.store, admission.active());
    let (sha256, path) = (&package.sha256, path_key(&captured_file.file.path));
    let record = FileRecord::new(&captured_file.identity, captured_file.birth, None);
    let mut known_here = Vec::new();
    for file in store.files_with_digest(folder, sha256)? {
        known_here.extend(store.known_file(folder, &file)?.map(|known| known.job));
    }
    let mut newest: Option<RenamedFolder> = None;
    for id in store.find_everywhere(sha256)? {
        let Some(job) = store.job(&id)? else { continue };
        let Some(former) = job.package().folder.as_deref() else { continue };
        if active.config.folders.iter().any(|folder| folder.name == former) {
            continue;
        }
        let known_there = store.known_file(former, &path)?.filter(|known| known.sha256 == *sha256);
        let is_of_file =
            job.package().path == package.path || known_there.is_some() || known_here.contains(&id);
        if is_of_file && newest.as_ref().is_none_or(|newest| newest.job < id) {
            let is_same = |known: KnownFile| FileRecord::parse(&known.identity).is_same_file(&record);
            newest = Some(RenamedFolder { job: id, never_left: known_there.is_some_and(is_same) });
        }
    }
    Ok(newest)
}

/// Whether the package is a file, or a submission, besides those that are known to have the bytes of the job.
fn is_second_file(store: &dyn Store, job: &Job, package: &CapturedPackage<'_>) -> Result<bool, StoreError> {
    let (Some(captured_file), Some(folder)) = (&package.captured_file, package.folder.as_deref()) else {
        return Ok(true);
    };
    if job.package().path == package.path {
        return Ok(false);
    }
    let known_file = store.known_file(folder, &path_key(&captured_file.file.path))?;
    Ok(known_file.is_none_or(|known_file| known_file.sha256 != package.sha256))
}

/// Notes in the history of a job that another file has its bytes. The note is lost if the job changes all the time.
fn note_same_bytes(admission: &Admission, id: &JobId, package: &CapturedPackage<'_>) {
    let event = Event::SameBytes { path: package.path.clone() };
    for _ in 0..NOTE_ATTEMPTS {
        let Ok(Some(job)) = admission.store.job(id) else { return };
        match admission.store.commit(Commit::of_job(id, job.rev(), vec![event.clone()])).wait() {
            Ok(jobs) => {
                for job in &jobs {
                    admission.events.after_commit_blocking(job, std::slice::from_ref(&event));
                }
                return;
            }
            Err(StoreError::Conflict { .. }) => {}
            // The next commit reports the error.
            Err(_) => return,
        }
    }
}

/// Maximum number of attempts to note another file in a job that a worker changes at the same time.
const NOTE_ATTEMPTS: u32 = 8;

/// Whether only `retry` or a new drop starts the job again.
fn is_final(job: &Job) -> bool {
    matches!(job.state(), State::Rejected { .. } | State::Cancelled)
}

fn log_not_dropped_again(job: &Job, package: &CapturedPackage<'_>) {
    let (id, state) = (job.id(), job.state().kind());
    tracing::info!(
        job_id = %id,
        folder = package.folder.as_deref().unwrap_or_default(),
        event = "not_dropped_again",
        "{} has the bytes of job {id}, which is {state} and stays so: the file was not replaced and had not left its folder; \
         `dropship retry {id}` starts the job again",
        package.path.as_deref().unwrap_or(&package.name),
    );
}
