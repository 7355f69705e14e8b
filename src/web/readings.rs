//! What the pages may read: the read half of the interface between commands and daemon. The pages have nothing else, so they
//! cannot change anything.

use std::sync::Arc;

use crate::admission::ActiveConfig;
use crate::control::{ControlError, ControlHandler, Status};
use crate::outbox::Receipt;
use dropship_job::JobId;

/// The readings. All of them may block.
#[derive(Clone)]
pub(super) struct Readings {
    handler: Arc<dyn ControlHandler>,
}

impl Readings {
    pub(super) fn new(handler: Arc<dyn ControlHandler>) -> Self {
        Self { handler }
    }

    /// The summary that `dropship status` prints.
    pub(super) fn status(&self) -> Result<Status, ControlError> {
        self.handler.status()
    }

    /// One job with its history.
    pub(super) fn job(&self, id: &JobId) -> Result<Receipt, ControlError> {
        self.handler.jobs().show(id)
    }

    /// The configuration in force.
    pub(super) fn configuration(&self) -> Arc<ActiveConfig> {
        self.handler.configuration()
    }
}
