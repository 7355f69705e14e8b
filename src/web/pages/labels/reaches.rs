//! What the labels of a page reach: the record of each package is read once.

use std::collections::BTreeMap;
use std::rc::Rc;

use dropship_engine::operations::{ControlError, LabelReach};
use dropship_job::JobId;

/// Reads what the labels of a job reach.
type ReachReader<'a> = dyn Fn(&JobId) -> Result<Vec<LabelReach>, ControlError> + 'a;

/// What the labels of some jobs reach, as far as they were asked for.
pub(super) struct Reaches<'a> {
    read: Box<ReachReader<'a>>,
    read_reaches: BTreeMap<JobId, Rc<[LabelReach]>>,
}

impl<'a> Reaches<'a> {
    /// `read` reads the records of a job.
    pub(super) fn new(read: impl Fn(&JobId) -> Result<Vec<LabelReach>, ControlError> + 'a) -> Self {
        Self { read: Box::new(read), read_reaches: BTreeMap::new() }
    }

    /// The labels of a job, in their order; none if the job is gone.
    pub(super) fn of_job(&mut self, id: &JobId) -> Result<Rc<[LabelReach]>, ControlError> {
        if let Some(known) = self.read_reaches.get(id) {
            return Ok(Rc::clone(known));
        }
        let found: Rc<[LabelReach]> = (self.read)(id)?.into();
        self.read_reaches.insert(id.clone(), Rc::clone(&found));
        Ok(found)
    }
}
