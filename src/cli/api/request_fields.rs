//! The fields of the requests that `--file` reads: known by name, so that a misspelt one is found.

/// The fields of a kind of request.
pub(super) struct Fields {
    /// `createType` of SDCM.
    pub(super) create_type: &'static str,
    /// Field of SDCM that holds the request.
    pub(super) wrapper: &'static str,
    /// All fields, at any depth.
    pub(super) names: &'static [&'static str],
    /// Fields whose keys are data.
    pub(super) text_maps: &'static [&'static str],
    #[cfg(test)]
    sample: &'static str,
}

#[cfg(test)]
impl Fields {
    /// A request with every field.
    pub(super) fn sample(&self) -> serde_json::Value {
        serde_json::from_str(self.sample).expect("the sample is JSON")
    }
}

/// A new product.
pub(super) const PRODUCT: Fields = Fields {
    create_type: "product",
    wrapper: "createProduct",
    names: &[
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
    ],
    text_maps: &["selectedProductTypes"],
    #[cfg(test)]
    sample: r#"{
        "productName": "p", "testHarness": "hlk", "announcementDate": "2031-01-01T00:00:00", "deviceMetadataIds": ["m"],
        "firmwareVersion": "1", "deviceType": "external", "isTestSign": true, "isFlightSign": true, "marketingNames": ["n"],
        "selectedProductTypes": {"windows_v100_CO": "LAN"}, "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"],
        "packageType": "x", "additionalAttributes": {
            "svvp": {"productVersion": "1", "supportLink": "s", "guestOs": "g", "processorArchitecture": "a", "maxProcessors": 1,
                "maxMemory": 2},
            "storageController": {"biosVersion": "1", "firmwareVersion": "1", "driverVersion": "1", "driverName": "d",
                "deviceVersion": "1", "chipsetName": "c", "proprietaryName": "p", "proprietaryVersion": "1",
                "microsoftName": "m", "microsoftVersion": "1", "uefiVersion": "1", "acpiVersion": "1", "usedProprietary": true,
                "usedMicrosoft": true, "usedBootSupport": true, "usedBetterBoot": true, "supportsSector4K512E": true,
                "supportsSector4K4K": true, "supportsDifferential": true},
            "raidController": {"filterVersion": "1", "isThirdPartyNeeded": true, "isSES": true, "isSAFTE": true,
                "additionalInfo": "i"}}}"#,
};

/// A new submission.
pub(super) const SUBMISSION: Fields = Fields {
    create_type: "submission",
    wrapper: "createSubmission",
    names: &["name", "type"],
    text_maps: &[],
    #[cfg(test)]
    sample: r#"{"name": "s", "type": "initial"}"#,
};

/// A new shipping label.
pub(super) const LABEL: Fields = Fields {
    create_type: "shippingLabel",
    wrapper: "createShippingLabel",
    names: &[
        "name",
        "destination",
        "publishingSpecifications",
        "goLiveDate",
        "visibleToAccounts",
        "isAutoInstallDuringOSUpgrade",
        "isAutoInstallOnApplicableSystems",
        "manualAcquisition",
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
        "hardwareIds",
        "bundleId",
        "infId",
        "operatingSystemCode",
        "pnpString",
        "distributionState",
        "chids",
        "chid",
        "restrictedToAudiences",
        "inServicePublishInfo",
        "flooring",
        "ceiling",
        "coEngDriverPublishInfo",
        "flooringBuildNumber",
        "ceilingBuildNumber",
    ],
    text_maps: &[],
    #[cfg(test)]
    sample: r#"{
        "name": "l", "destination": "windowsUpdate", "publishingSpecifications": {"goLiveDate": "2031-01-01T00:00:00.000Z",
            "visibleToAccounts": [5], "isAutoInstallDuringOSUpgrade": true, "isAutoInstallOnApplicableSystems": true,
            "manualAcquisition": false, "isDisclosureRestricted": true, "publishToWindows10s": true,
            "additionalInfoForMsApproval": {"microsoftContact": "a", "validationsPerformed": "v", "affectedOems": ["o"],
                "isRebootRequired": true, "isCoEngineered": true, "isForUnreleasedHardware": true, "hasUiSoftware": true,
                "businessJustification": "b"}},
        "recipientSpecifications": {"receiverPublisherId": "5", "enforceChidTargeting": true, "blockDuaCreation": true},
        "targeting": {"hardwareIds": [{"bundleId": "b", "infId": "i", "operatingSystemCode": "o", "pnpString": "p",
                "distributionState": "pendingAdd"}],
            "chids": [{"chid": "c", "distributionState": "pendingAdd"}], "restrictedToAudiences": ["a"],
            "inServicePublishInfo": {"flooring": "RS1", "ceiling": "NI"},
            "coEngDriverPublishInfo": {"flooringBuildNumber": 26100, "ceilingBuildNumber": 26200}}}"#,
};

/// Changes of a shipping label.
pub(super) const LABEL_UPDATE: Fields = Fields {
    create_type: "shippingLabel",
    wrapper: "updateShippingLabel",
    names: &[
        "targeting",
        "hardwareIds",
        "action",
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
        "businessJustification",
        "recipientSpecifications",
        "enforceChidTargeting",
        "blockDuaCreation",
    ],
    text_maps: &[],
    #[cfg(test)]
    sample: r#"{
        "targeting": {"hardwareIds": [{"action": "add", "bundleId": "b", "infId": "i", "operatingSystemCode": "o",
                "pnpString": "p"}],
            "chids": [{"action": "remove", "chid": "c"}], "restrictedToAudiences": ["a"],
            "inServicePublishInfo": {"flooring": "RS1", "ceiling": "NI"},
            "coEngDriverPublishInfo": {"flooringBuildNumber": 26100, "ceilingBuildNumber": 26200},
            "businessJustification": "b"},
        "recipientSpecifications": {"enforceChidTargeting": true, "blockDuaCreation": false}}"#,
};
