//! The API's objects, liberal in what is read and exact in what is sent.
//!
//! Reading: ids are numbers or strings, enums are open and ignore case, `null` is absent. Unknown fields are kept in `other`,
//! and so are fields whose value cannot be read (`entry.rs`). Writing: the documented spelling, ids as strings, keys only
//! when they are set, URLs without their signatures.

mod audience;
mod dates;
pub(crate) mod entry;
mod ids;
mod label;
mod link;
mod metadata;
mod open;
mod os;
mod outcome;
mod preprod;
mod product;
mod request_fields;
mod status;
mod submission;
mod unknown;
mod wire;

pub use audience::Audience;
pub use dates::{format_date, parse_date};
pub use entry::Listed;
pub use ids::{LabelId, ParseIdError, ProductId, SubmissionId};
pub use label::{
    Action, AdditionalInfo, Chid, ChidChange, ChidState, CoEngPublishInfo, Destination, HardwareId,
    HardwareIdChange, HardwareIdState, InServicePublishInfo, LabelUpdate, NewShippingLabel,
    PublishingSpecifications, RecipientSpecifications, RecipientUpdate, ShippingLabel, Targeting,
    TargetingUpdate,
};
pub use link::Link;
pub use metadata::{Bundle, DriverMetadata, InfMetadata, MetadataError, PnpInfo};
pub use os::{OS_CODES, is_known_os_code};
pub use outcome::Outcome;
pub use preprod::{Asset, PreprodError, PreprodPackage, SigningStatus};
pub use product::{
    AdditionalAttributes, DeviceType, NO_DERIVED_SUBMISSION, NewProduct, Product, ProductUpdate,
    RaidController, StorageController, Svvp, TestHarness,
};
pub use request_fields::{
    ATTRIBUTE_FIELDS, DERIVED_LABEL_FIELDS, LABEL_FIELDS, LABEL_UPDATE_FIELDS, PRODUCT_FIELDS,
    SUBMISSION_FIELDS, TARGETING_FIELDS,
};
pub use status::{State, Step, WorkflowStatus};
pub(crate) use submission::MAX_PACKAGE;
pub use submission::{
    CommitStatus, Download, DownloadKind, Downloads, MAX_ERROR_REPORT, NewSubmission, Submission,
    SubmissionKind, SubmissionUpdate, UnusableDownload,
};
pub use unknown::Unknown;

#[cfg(test)]
mod tests;
