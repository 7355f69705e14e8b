//! The inspect step of a retried job. The first inspection is part of admission.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::pipeline::assembly::PackageInspector;
use crate::pipeline::background::MAX_RETRY;
use crate::pipeline::file_work;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, Job};

/// How an inspection ended.
pub(crate) enum InspectionEnd {
    /// These events follow from it.
    Events(Vec<Event>),
    /// The drop folder did not respond in time, or the storage of captured packages is away.
    Delayed(Fault),
    /// It was cancelled, because the daemon stops. It is made again after the next start.
    Cancelled,
}

/// Inspects the package again, from where it was found. A package on the disk of another node is left to that node.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let package = ctx.job.package();
    let folder = package.folder.as_deref().filter(|_| package.path.is_some());
    if folder.is_some_and(|name| ctx.pipeline.settings.folders.is_elsewhere(name)) {
        // What that node appends puts the job into the queue again.
        ctx.retry_background_at(ctx.pipeline.clock.after(MAX_RETRY));
        return Err(Interrupt::Suspended);
    }
    match inspect_again(Arc::clone(&ctx.pipeline.inspector), &ctx.job).await {
        InspectionEnd::Events(events) => ctx.record(events).await,
        InspectionEnd::Delayed(fault) => ctx.retry_later(fault, None).await,
        InspectionEnd::Cancelled => Err(Interrupt::ShuttingDown),
    }
}

/// Inspects the package of a job again, from where it was found.
pub(crate) async fn inspect_again(inspector: Arc<dyn PackageInspector>, job: &Job) -> InspectionEnd {
    let job = job.clone();
    let path = job.package().path.clone().map(PathBuf::from).unwrap_or_default();
    let parent = path.parent().map(Path::to_owned).unwrap_or_default();
    let inspect = move |progress: &_| inspector.reinspect(&job, progress);
    match file_work::run_on_package_in(&parent, inspect).await {
        Ok(events) if events.is_empty() => InspectionEnd::Cancelled,
        Ok(events) => InspectionEnd::Events(events),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => InspectionEnd::Cancelled,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let message = format!(
                "cannot capture {}: {error}; check the mounts of the drop folder and of `[store] packages`, and the server of a network share",
                path.display()
            );
            InspectionEnd::Delayed(Fault::new(ErrorKind::Unreadable, message))
        }
        Err(error) if file_work::is_passing(&error) => {
            let message = format!("cannot capture {} again: {error}; it is tried again", path.display());
            InspectionEnd::Delayed(Fault::new(ErrorKind::Unreadable, message))
        }
        Err(error) => {
            let fault = HoldFault::new(HoldReason::InspectionFailed, format!("inspection failed: {error}"));
            InspectionEnd::Events(vec![Event::Held { fault, request: None }])
        }
    }
}
