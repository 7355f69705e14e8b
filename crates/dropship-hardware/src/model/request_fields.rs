//! The fields that a client can set in requests, at any depth.
//!
//! Source: the documentation of "Create a new product", "Create a new submission", "Create a new shipping label" and "Update
//! shipping label".

/// Fields of a product, and of the objects in it except `additionalAttributes`.
pub const PRODUCT_FIELDS: &[&str] = &[
    "productName",
    "testHarness",
    "announcementDate",
    "deviceMetadataIds",
    "firmwareVersion",
    "deviceType",
    "isTestSign",
    "isFlightSign",
    "marketingNames",
    "selectedProductTypes",
    "requestedSignatures",
    "additionalAttributes",
    "packageType",
];

/// Fields in `additionalAttributes` of a product.
pub const ATTRIBUTE_FIELDS: &[&str] = &[
    "storageController",
    "raidController",
    "svvp",
    "productVersion",
    "supportLink",
    "guestOs",
    "processorArchitecture",
    "maxProcessors",
    "maxMemory",
    "biosVersion",
    "driverVersion",
    "driverName",
    "deviceVersion",
    "chipsetName",
    "proprietaryName",
    "proprietaryVersion",
    "microsoftName",
    "microsoftVersion",
    "uefiVersion",
    "acpiVersion",
    "usedProprietary",
    "usedMicrosoft",
    "usedBootSupport",
    "usedBetterBoot",
    "supportsSector4K512E",
    "supportsSector4K4K",
    "supportsDifferential",
    "filterVersion",
    "isThirdPartyNeeded",
    "isSES",
    "isSAFTE",
    "additionalInfo",
];

/// Fields of a submission.
pub const SUBMISSION_FIELDS: &[&str] = &["name", "type"];

/// Fields of a shipping label, and of the objects in it except `targeting`.
pub const LABEL_FIELDS: &[&str] = &[
    "name",
    "destination",
    "publishingSpecifications",
    "goLiveDate",
    "visibleToAccounts",
    "isAutoInstallDuringOSUpgrade",
    "isAutoInstallOnApplicableSystems",
    "isDisclosureRestricted",
    "publishToWindows10s",
    "additionalInfoForMsApproval",
    "microsoftContact",
    "validationsPerformed",
    "affectedOems",
    "isRebootRequired",
    "isCoEngineered",
    "isForUnreleasedHardware",
    "hasUiSoftware",
    "businessJustification",
    "recipientSpecifications",
    "receiverPublisherId",
    "enforceChidTargeting",
    "blockDuaCreation",
    "targeting",
];

/// Fields in `targeting` of a shipping label.
pub const TARGETING_FIELDS: &[&str] = &[
    "hardwareIds",
    "bundleId",
    "infId",
    "operatingSystemCode",
    "pnpString",
    "chids",
    "chid",
    "restrictedToAudiences",
    "inServicePublishInfo",
    "flooring",
    "ceiling",
    "coEngDriverPublishInfo",
    "flooringBuildNumber",
    "ceilingBuildNumber",
];

/// Fields of a shipping label that the service derives or sets. Requests may repeat them: `manualAcquisition` follows from the
/// two automatic flags.
pub const DERIVED_LABEL_FIELDS: &[&str] = &["manualAcquisition", "distributionState"];

/// Fields of a change of a shipping label besides those of its targeting.
pub const LABEL_UPDATE_FIELDS: &[&str] = &[
    "targeting",
    "action",
    "businessJustification",
    "recipientSpecifications",
    "enforceChidTargeting",
    "blockDuaCreation",
];
