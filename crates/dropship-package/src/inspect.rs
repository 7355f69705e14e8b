//! Inspects one package.

use std::fs::File;
use std::io;

use super::budget::{Cancellation, EarlyEnd, Meter, UNMETERED, Work};
use super::cab;
use super::checks::{Check, Report};
use super::completeness::{self, Completeness};
use super::facts::{Facts, Kind};
use super::hash;
use super::hlkx;
use super::input::Input;
use super::policy::Policy;
use super::preview::Previewed;
use super::verdict::{Inspection, Verdict};

/// Inspects a package. The file's position is neither used nor moved, and memory does not grow with the file's length.
///
/// # Errors
/// The file cannot be read. Faults of its contents are findings.
pub fn inspect(file: &File, kind: Kind, policy: &Policy) -> io::Result<Inspection> {
    Ok(run(Input::file(file)?, kind, policy, (false, &Previewed::default()), &Cancellation::default())?
        .inspection)
}

/// Inspects a package, and computes the SHA-256 of the whole file in the same pass, unless it is cancelled.
///
/// # Errors
/// The file cannot be read, or the inspection was cancelled ([`io::ErrorKind::Interrupted`]).
pub fn inspect_hashed(
    file: &File,
    kind: Kind,
    policy: &Policy,
    cancellation: &Cancellation,
) -> io::Result<(Inspection, [u8; 32])> {
    let done = run(Input::file(file)?, kind, policy, (true, &Previewed::default()), cancellation)?;
    let sha256 = done.sha256.ok_or_else(|| io::Error::other("the file's SHA-256 was not computed"))?;
    Ok((done.inspection, sha256))
}

/// Inspects a package whose digest is known, unless it is cancelled. What a preview of the same bytes has computed is not read
/// again.
///
/// # Errors
/// The file cannot be read, or the inspection was cancelled ([`io::ErrorKind::Interrupted`]).
pub fn inspect_previewed(
    file: &File,
    kind: Kind,
    policy: &Policy,
    previewed: &Previewed,
    cancellation: &Cancellation,
) -> io::Result<Inspection> {
    Ok(run(Input::file(file)?, kind, policy, (false, previewed), cancellation)?.inspection)
}

/// The same with the work that this took.
#[cfg(test)]
pub(crate) fn inspect_previewed_counted(
    file: &File,
    kind: Kind,
    policy: &Policy,
    previewed: &Previewed,
) -> io::Result<(Inspection, Work)> {
    let done = run(Input::file(file)?, kind, policy, (false, previewed), &Cancellation::default())?;
    Ok((done.inspection, done.work))
}

/// Inspects a package that is in memory.
#[must_use]
pub fn inspect_bytes(bytes: &[u8], kind: Kind, policy: &Policy) -> Inspection {
    inspect_counted(bytes, kind, policy).0
}

/// Inspects a package that is in memory, and returns the work that this took as well.
pub(crate) fn inspect_counted(bytes: &[u8], kind: Kind, policy: &Policy) -> (Inspection, Work) {
    match run(Input::bytes(bytes), kind, policy, (false, &Previewed::default()), &Cancellation::default()) {
        Ok(done) => (done.inspection, done.work),
        // Reads from memory fail only beyond its end.
        Err(error) => {
            let mut report = Report::new(&policy.levels, &UNMETERED);
            report.add(Check::Malformed, format!("the package refers to bytes beyond its end ({error})"));
            (conclude(report, None), Work::default())
        }
    }
}

/// A finished inspection.
struct FinishedInspection {
    inspection: Inspection,
    /// Of the whole file, if it was asked for.
    sha256: Option<[u8; 32]>,
    work: Work,
}

/// Inspects within the budget of a package of this length. A package that exceeds it is rejected.
fn run(
    input: Input<'_>,
    kind: Kind,
    policy: &Policy,
    (hashed, previewed): (bool, &Previewed),
    cancellation: &Cancellation,
) -> io::Result<FinishedInspection> {
    let meter = Meter::new(input.len(), cancellation.clone());
    let outcome = read(input.metered(&meter), kind, policy, (hashed, previewed), &meter);
    // Signature values beyond the limit were taken for invalid ones; the limit is the better reason.
    let ended = match &outcome {
        Ok(_) => meter.check().err(),
        Err(error) => EarlyEnd::of(error),
    };
    let (check, advice) = match ended {
        None => {
            return outcome.map(|(inspection, sha256)| FinishedInspection {
                inspection,
                sha256,
                work: meter.work(),
            });
        }
        Some(EarlyEnd::Cancelled) => return Err(EarlyEnd::Cancelled.into()),
        Some(EarlyEnd::Time) => (Check::InspectionTime, "inspect it again when the machine is less busy"),
        Some(EarlyEnd::Work { .. }) => (
            Check::InspectionWork,
            "build and sign the package again, or report it if a kit wrote it like this",
        ),
    };
    let mut report = Report::new(&policy.levels, &UNMETERED);
    let reason = ended.map(|ended| ended.to_string()).unwrap_or_default();
    report.add(check, format!("{reason}; {advice}"));
    let work = meter.work();
    let again = Meter::new(input.len(), cancellation.clone());
    let sha256 = if hashed { hash::digest(input.metered(&again), &[], true)?.whole } else { None };
    Ok(FinishedInspection { inspection: conclude(report, None), sha256, work })
}

fn read(
    input: Input<'_>,
    kind: Kind,
    policy: &Policy,
    (hashed, previewed): (bool, &Previewed),
    meter: &Meter,
) -> io::Result<(Inspection, Option<[u8; 32]>)> {
    let mut report = Report::new(&policy.levels, meter);
    let incomplete = match completeness::of_input(input, kind)? {
        Completeness::Complete => {
            let (facts, sha256) = match kind {
                Kind::Cab => cab::inspect(input, policy, &mut report, (hashed, previewed))?,
                Kind::Hlkx => {
                    let facts = hlkx::inspect(input, policy, &mut report, previewed)?;
                    (facts, if hashed { hash::digest(input, &[], true)?.whole } else { None })
                }
            };
            return Ok((conclude(report, facts), sha256));
        }
        Completeness::Incomplete { have, need } => {
            let message = format!(
                "the file has {have} bytes, but the package needs {} {need}: it is still being copied or was cut off; copy it again",
                if kind == Kind::Cab { "" } else { "at least" }
            );
            report.add(Check::Truncated, message.replace("  ", " "));
            true
        }
        Completeness::NotAPackage { reason } => {
            let message =
                format!("not a .{} package: {reason}; drop the signed package itself", kind.as_str());
            report.add(Check::NotAPackage, message);
            false
        }
    };
    let whole = if hashed { hash::digest(input, &[], true)?.whole } else { None };
    let mut inspection = conclude(report, None);
    if incomplete {
        inspection.verdict = Verdict::Incomplete;
    }
    Ok((inspection, whole))
}

fn conclude(report: Report<'_>, facts: Option<Facts>) -> Inspection {
    let verdict = if report.rejects() { Verdict::Reject } else { Verdict::Accept };
    Inspection { verdict, findings: report.into_findings(), facts }
}
