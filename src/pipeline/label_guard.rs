//! `[guard]` while the daemon runs: checked right before a label is sent. A reload replaces it.

use std::sync::Arc;

use parking_lot::RwLock;

use super::service::Service;
use super::step_context::{StepContext, StepResult};
use dropship_hardware::NewShippingLabel;
use dropship_job::{ErrorKind, Fault};
use dropship_rules::label::Guard;

/// The limits that are in force.
#[derive(Debug, Default)]
pub struct LabelGuard(RwLock<Arc<Guard>>);

impl LabelGuard {
    /// Replaces the limits.
    pub fn replace(&self, guard: &Guard) {
        *self.0.write() = Arc::new(guard.clone());
    }

    fn current(&self) -> Arc<Guard> {
        Arc::clone(&self.0.read())
    }
}

/// Checks the request for the label at `index`. Returns why an operator must approve it; holds the job when the label
/// must never be created. A create that has begun is not stopped: it may have been carried out.
pub(super) async fn check<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    request: &NewShippingLabel,
) -> StepResult<Vec<String>> {
    let guard = ctx.pipeline.settings.guard.current();
    let has_begun = ctx.job.labels().get(index).is_some_and(|label| label.intent().is_some());
    if *guard == Guard::default() || has_begun {
        return Ok(Vec::new());
    }
    let snapshot = ctx.plan_snapshot().await?;
    let Some(label) = snapshot.plan.labels.get(index) else { return Ok(Vec::new()) };
    let verdict = guard.check_before_sending(request, label, &snapshot.plan, &snapshot.facts);
    if verdict.refused.is_empty() {
        return Ok(verdict.held);
    }
    let message = format!(
        "label `{}` is refused: {}; change the rule or `[guard]`, reload, then approve to check again",
        label.name,
        verdict.refused.join("; ")
    );
    ctx.hold(Fault::new(ErrorKind::GuardRefused, message)).await
}
