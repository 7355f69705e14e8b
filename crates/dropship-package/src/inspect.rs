//! Inspects one package.

use std::fs::File;
use std::io;

use super::cab;
use super::checks::{Check, Report};
use super::completeness::{self, Completeness};
use super::facts::{Facts, Kind};
use super::hash;
use super::hlkx;
use super::input::Input;
use super::policy::Policy;
use super::verdict::{Inspection, Verdict};

/// Inspects a package. The file's position is neither used nor moved, and memory does not grow with the file's length.
///
/// # Errors
/// The file cannot be read. Faults of its contents are findings.
pub fn inspect(file: &File, kind: Kind, policy: &Policy) -> io::Result<Inspection> {
    Ok(run(Input::file(file)?, kind, policy, false)?.0)
}

/// Inspects a package, and computes the SHA-256 of the whole file in the same pass.
///
/// # Errors
/// The file cannot be read.
pub fn inspect_hashed(file: &File, kind: Kind, policy: &Policy) -> io::Result<(Inspection, [u8; 32])> {
    let (inspection, sha256) = run(Input::file(file)?, kind, policy, true)?;
    let sha256 = sha256.ok_or_else(|| io::Error::other("the file's SHA-256 was not computed"))?;
    Ok((inspection, sha256))
}

/// Inspects a package that is in memory.
#[must_use]
pub fn inspect_bytes(bytes: &[u8], kind: Kind, policy: &Policy) -> Inspection {
    match run(Input::Bytes(bytes), kind, policy, false) {
        Ok((inspection, _)) => inspection,
        // Reads from memory fail only beyond its end.
        Err(error) => {
            let mut report = Report::new(&policy.levels);
            report.add(Check::Malformed, format!("the package refers to bytes beyond its end ({error})"));
            conclude(report, None)
        }
    }
}

fn run(
    input: Input<'_>,
    kind: Kind,
    policy: &Policy,
    hashed: bool,
) -> io::Result<(Inspection, Option<[u8; 32]>)> {
    let mut report = Report::new(&policy.levels);
    let incomplete = match completeness::of_input(input, kind)? {
        Completeness::Complete => {
            let (facts, sha256) = match kind {
                Kind::Cab => cab::inspect(input, policy, &mut report, hashed)?,
                Kind::Hlkx => {
                    let facts = hlkx::inspect(input, policy, &mut report)?;
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
