//! Shipping labels: where a signed submission goes, and to which machines.

use serde::{Deserialize, Serialize};

use super::open::open_enum;
use super::{LabelId, Link, ProductId, SubmissionId, Unknown, WorkflowStatus, wire};

mod publishing;
mod targeting;
mod update;

pub use publishing::{AdditionalInfo, PublishingSpecifications, RecipientSpecifications};
pub use targeting::{
    Chid, ChidState, CoEngPublishInfo, HardwareId, HardwareIdState, InServicePublishInfo, Targeting,
};
pub use update::{Action, ChidChange, HardwareIdChange, LabelUpdate, RecipientUpdate, TargetingUpdate};

open_enum! {
    /// Where a label sends the submission.
    pub enum Destination {
        /// Windows Update.
        WindowsUpdate = "windowsUpdate",
        /// Another partner, who may publish it.
        AnotherPartner = "anotherPartner",
        /// No data.
        NotSet = "notSet",
    }
}

/// Request for a new shipping label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewShippingLabel {
    /// Name; it shows in the dashboard.
    pub name: String,
    /// Where it sends the submission.
    pub destination: Destination,
    /// Manner of publication; required for Windows Update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishing_specifications: Option<PublishingSpecifications>,
    /// The receiver; required for another partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_specifications: Option<RecipientSpecifications>,
    /// The machines that get it; required for Windows Update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targeting: Option<Targeting>,
    /// Fields without a documented name.
    #[serde(default, flatten)]
    pub other: Unknown,
}

/// A shipping label as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShippingLabel {
    /// Its id.
    pub id: LabelId,
    /// Its product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Its submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// Name.
    #[serde(default, deserialize_with = "wire::text")]
    pub name: String,
    /// Where it sends the submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// Manner of publication; absent for another partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishing_specifications: Option<PublishingSpecifications>,
    /// The receiver; absent for Windows Update.
    #[serde(default, deserialize_with = "wire::one_or_first", skip_serializing_if = "Option::is_none")]
    pub recipient_specifications: Option<RecipientSpecifications>,
    /// The machines that get it; only with `includeTargetingInfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targeting: Option<Targeting>,
    /// Progress of its workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_status: Option<WorkflowStatus>,
    /// Hints.
    #[serde(default, deserialize_with = "wire::list")]
    pub links: Vec<Link>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}
