//! The published labels that target some devices, the latest publication first: the labels of each device merged, as far as asked for.

use std::collections::{BinaryHeap, VecDeque};

use crate::error::StoreError;
use crate::published::{Device, DeviceQuery, Publication};
use crate::store::Store;
use dropship_job::RemoteId;

/// Number of labels of a device that are read first, and later.
const FIRST: usize = 4;
const MORE: usize = 64;

/// The published labels of a query. Each label is returned once.
pub struct NewestLabels<'a> {
    store: &'a dyn Store,
    devices: Vec<Device>,
    /// The newest publication of each device that has not been returned.
    heads: BinaryHeap<Head>,
    last: Option<Publication>,
}

/// The next label of a device. The greatest one is returned first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    publication: Publication,
    device: usize,
    /// The labels that follow, as far as they are read; absent until the first ones are, when the publication may be too late.
    following: Option<VecDeque<Publication>>,
}

impl<'a> NewestLabels<'a> {
    /// The labels that target the devices of a query.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(store: &'a dyn Store, query: DeviceQuery<'_>) -> Result<Self, StoreError> {
        let devices = store.devices(query)?;
        let head =
            |(device, known): (usize, &Device)| Head { publication: known.newest, device, following: None };
        let heads = devices.iter().enumerate().map(head).collect();
        Ok(Self { store, devices, heads, last: None })
    }

    /// The next label.
    ///
    /// # Errors
    /// When the store cannot be read.
    #[expect(clippy::should_implement_trait, reason = "it can fail")]
    pub fn next(&mut self) -> Result<Option<RemoteId>, StoreError> {
        while let Some(Head { publication, device, following }) = self.heads.pop() {
            let (next, is_first) = match following {
                None => (self.read(device, None, FIRST)?, true),
                Some(following) if following.is_empty() => {
                    (self.read(device, Some(publication), MORE)?, false)
                }
                Some(following) => (following, false),
            };
            self.push(device, next);
            if !is_first && self.last != Some(publication) {
                self.last = Some(publication);
                return Ok(Some(publication.label));
            }
        }
        Ok(None)
    }

    fn read(
        &self,
        device: usize,
        before: Option<Publication>,
        limit: usize,
    ) -> Result<VecDeque<Publication>, StoreError> {
        let Some(device) = self.devices.get(device) else { return Ok(VecDeque::new()) };
        Ok(self.store.labels_of_device(device.name(), before, limit)?.into())
    }

    fn push(&mut self, device: usize, mut labels: VecDeque<Publication>) {
        if let Some(publication) = labels.pop_front() {
            self.heads.push(Head { publication, device, following: Some(labels) });
        }
    }
}
