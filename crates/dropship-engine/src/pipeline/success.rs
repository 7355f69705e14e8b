//! The end of a job that has done everything that its rule asks for.

use super::after_success;
use super::service::Service;
use super::step_context::{StepContext, StepResult};
use dropship_job::{Event, WaitReason};

impl<S: Service> StepContext<'_, S> {
    /// Ends the job as succeeded, after the dropped file was treated as its folder says.
    pub(super) async fn succeed(&mut self, mut events: Vec<Event>) -> StepResult {
        if let Some(due) = self.job.duplicate_check_due() {
            let due = self.background_retry.map_or(due, |again| due.max(again));
            return self.wait_until(due, WaitReason::DuplicateCheck).await;
        }
        events.extend(after_success::apply_after(self).await);
        events.push(Event::Succeeded);
        self.record(events).await
    }
}
