//! Ids of objects at the service: the client has one type for each kind of object, jobs and the store have [`RemoteId`].

use dropship_hardware::{LabelId, ProductId, SubmissionId};
use dropship_job::RemoteId;

/// An id in the client's form. All conversions between the two forms are here.
pub trait ServiceId: Copy {
    /// The typed id of an object; the caller knows its kind.
    fn of(id: RemoteId) -> Self;
    /// The id in the form of jobs and the store.
    fn remote(self) -> RemoteId;
}

macro_rules! service_id {
    ($($id:ident),+) => {$(
        impl ServiceId for $id {
            fn of(id: RemoteId) -> Self {
                Self(id.get())
            }

            fn remote(self) -> RemoteId {
                RemoteId::new(self.0)
            }
        }
    )+};
}

service_id!(ProductId, SubmissionId, LabelId);
