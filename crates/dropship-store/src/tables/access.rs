//! The tables of a store while a query reads them.

use parking_lot::MappedMutexGuard;

use crate::tables::bytes::Bytes;

/// The tables of a store. A store in memory is locked while this exists.
pub struct Tables<'a>(Access<'a>);

enum Access<'a> {
    Shared(&'a dyn Bytes),
    Locked(MappedMutexGuard<'a, dyn Bytes>),
}

impl<'a> Tables<'a> {
    pub(crate) fn shared(tables: &'a dyn Bytes) -> Self {
        Self(Access::Shared(tables))
    }

    pub(crate) fn locked(tables: MappedMutexGuard<'a, dyn Bytes>) -> Self {
        Self(Access::Locked(tables))
    }

    pub(crate) fn bytes(&self) -> &dyn Bytes {
        match &self.0 {
            Access::Shared(tables) => *tables,
            Access::Locked(tables) => &**tables,
        }
    }
}
