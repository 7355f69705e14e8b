//! The inspect step of a retried job. The first inspection is part of admission.

use std::io;
use std::path::{Path, PathBuf};

use crate::pipeline::file_work;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{ErrorKind, Fault, HoldFault, HoldReason};

/// Inspects the package again, from where it was found.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let inspector = ctx.pipeline.inspector.clone();
    let job = ctx.job.clone();
    let path = job.package().path.clone().map(PathBuf::from).unwrap_or_default();
    let place = path.parent().map(Path::to_owned).unwrap_or_default();
    let inspect = move |progress: &_| Ok(inspector.reinspect(&job, progress));
    match file_work::run_on_package_in(&place, inspect).await {
        // The inspection was cancelled; it is made again after the next start.
        Ok(events) if events.is_empty() => Err(Interrupt::ShuttingDown),
        Ok(events) => ctx.record(events).await,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Interrupt::ShuttingDown),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let message = format!(
                "cannot read {}: {error}; check the mount of the drop folder, and the server if it is a network share",
                path.display()
            );
            ctx.retry_later(Fault::new(ErrorKind::Unreadable, message), None).await
        }
        Err(error) => {
            let fault = HoldFault::new(HoldReason::InspectionFailed, format!("inspection failed: {error}"));
            ctx.hold(fault).await
        }
    }
}
