//! The tables of a store while a query reads them.

use parking_lot::MappedMutexGuard;

use crate::tables::byte_map::ByteMap;

/// The tables of a store. A store in memory is locked while this exists.
pub struct Tables<'a>(TableAccess<'a>);

enum TableAccess<'a> {
    Shared(&'a dyn ByteMap),
    Locked(MappedMutexGuard<'a, dyn ByteMap>),
}

impl<'a> Tables<'a> {
    pub(crate) fn shared(tables: &'a dyn ByteMap) -> Self {
        Self(TableAccess::Shared(tables))
    }

    pub(crate) fn locked(tables: MappedMutexGuard<'a, dyn ByteMap>) -> Self {
        Self(TableAccess::Locked(tables))
    }

    pub(crate) fn bytes(&self) -> &dyn ByteMap {
        match &self.0 {
            TableAccess::Shared(tables) => *tables,
            TableAccess::Locked(tables) => &**tables,
        }
    }
}
