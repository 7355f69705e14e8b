//! The parts of a step's context that concern one label, and the background work of the job.

use std::time::Duration;

use jiff::Timestamp;

use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{Event, HoldFault, Release, WaitReason};

impl<S: Service> StepContext<'_, S> {
    /// Begins the work on the label at this index: holds and waits concern it alone until [`Self::end_label`].
    pub(super) fn begin_label(&mut self, index: usize) {
        self.label = Some(index);
    }

    /// Ends the work on a label.
    pub(super) fn end_label(&mut self) {
        self.label = None;
    }

    /// Puts a label on hold. The other labels continue.
    pub(super) async fn put_on_hold(
        &mut self,
        label: usize,
        fault: HoldFault,
        release: Release,
    ) -> StepResult {
        self.record(vec![Event::LabelHeld { label, fault, release }]).await
    }

    /// Puts a label on hold and ends the work on it.
    pub(super) async fn hold_label<T>(
        &mut self,
        label: usize,
        fault: HoldFault,
        release: Release,
    ) -> StepResult<T> {
        self.put_on_hold(label, fault, release).await?;
        Err(Interrupt::LabelDeferred)
    }

    /// Waits for a span; while a label is in work, only that label waits.
    pub(super) async fn wait_or_defer<T>(&mut self, span: Duration, why: WaitReason) -> StepResult<T> {
        if self.label.is_none() {
            return self.wait(span, why).await;
        }
        self.next_pass_by(self.pipeline.clock.after(span), why);
        Err(Interrupt::LabelDeferred)
    }

    /// Ends the work on an object that was searched for and not found; it is searched for again at `due`.
    pub(super) fn suspend_or_defer<T>(&mut self, due: Timestamp, why: WaitReason) -> StepResult<T> {
        if self.label.is_none() {
            return Err(Interrupt::Suspended);
        }
        self.next_pass_by(due, why);
        Err(Interrupt::LabelDeferred)
    }

    /// Forgets when the labels need the next pass.
    pub(super) fn forget_next_pass(&mut self) {
        self.next_pass = None;
    }

    /// The labels need the next pass by this time.
    pub(super) fn next_pass_by(&mut self, due: Timestamp, why: WaitReason) {
        if self.next_pass.as_ref().is_none_or(|(earliest, _)| due < *earliest) {
            self.next_pass = Some((due, why));
        }
    }

    /// When the labels need the next pass, and what for.
    pub(super) fn next_pass(&self) -> Option<&(Timestamp, WaitReason)> {
        self.next_pass.as_ref()
    }

    /// Background work failed and is tried again at this time.
    pub(super) fn retry_background_at(&mut self, again: Timestamp) {
        self.background_retry = Some(again);
    }

    /// When background work that failed is tried again.
    pub(super) fn background_retry(&self) -> Option<Timestamp> {
        self.background_retry
    }
}
