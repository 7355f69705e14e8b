//! The published labels that target some devices, the latest publication first. The labels of all devices are merged, and are read
//! only as far as the caller asks for them.

use std::collections::{BinaryHeap, VecDeque};

use crate::error::StoreError;
use crate::published::{DeviceQuery, Devices, Publication};
use crate::store::Store;
use dropship_job::RemoteId;

/// Number of labels of a device that are read first.
const FIRST: usize = 4;
/// Number of labels of a device that each later read returns.
const MORE: usize = 64;

/// The published labels of a query. Each label is returned once.
pub struct NewestLabels<'a> {
    store: &'a dyn Store,
    devices: Devices,
    /// The devices that have not been read yet, each with an upper bound of the publications of its labels.
    unread: BinaryHeap<(Publication, usize)>,
    /// The next label of each other device.
    heads: BinaryHeap<DeviceHead>,
    last: Option<Publication>,
}

/// The next label of a device. The greatest one is returned first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct DeviceHead {
    publication: Publication,
    device: usize,
    /// The labels after this one, as far as they were read.
    following: VecDeque<Publication>,
}

impl<'a> NewestLabels<'a> {
    /// The labels that target the devices of a query.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(store: &'a dyn Store, query: DeviceQuery<'_>) -> Result<Self, StoreError> {
        let devices = store.devices(query)?;
        let unread = devices.newest().enumerate().map(|(device, newest)| (newest, device)).collect();
        Ok(Self { store, devices, unread, heads: BinaryHeap::new(), last: None })
    }

    /// The next label.
    ///
    /// # Errors
    /// When the store cannot be read.
    #[expect(clippy::should_implement_trait, reason = "it can fail")]
    pub fn next(&mut self) -> Result<Option<RemoteId>, StoreError> {
        loop {
            self.read_devices()?;
            let Some(DeviceHead { publication, device, mut following }) = self.heads.pop() else {
                return Ok(None);
            };
            if following.is_empty() {
                following = self.read(device, Some(publication), MORE)?;
            }
            self.push(device, following);
            if self.last != Some(publication) {
                self.last = Some(publication);
                return Ok(Some(publication.label));
            }
        }
    }

    /// Reads the first labels of the devices that may have a newer label than all heads.
    fn read_devices(&mut self) -> Result<(), StoreError> {
        while let Some((newest, device)) = self.unread.peek().copied() {
            if self.heads.peek().is_some_and(|head| head.publication > newest) {
                break;
            }
            self.unread.pop();
            let first = self.read(device, None, FIRST)?;
            self.push(device, first);
        }
        Ok(())
    }

    fn read(
        &self,
        device: usize,
        before: Option<Publication>,
        limit: usize,
    ) -> Result<VecDeque<Publication>, StoreError> {
        let Some(name) = self.devices.name(device) else { return Ok(VecDeque::new()) };
        Ok(self.store.labels_of_device(name, before, limit)?.into())
    }

    fn push(&mut self, device: usize, mut labels: VecDeque<Publication>) {
        if let Some(publication) = labels.pop_front() {
            self.heads.push(DeviceHead { publication, device, following: labels });
        }
    }
}
