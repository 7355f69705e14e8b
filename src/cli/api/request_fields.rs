//! The fields of the requests that `--file` reads: known by name, so that a misspelt one is found.

use dropship_hardware::{
    ATTRIBUTE_FIELDS, DERIVED_LABEL_FIELDS, LABEL_FIELDS, LABEL_UPDATE_FIELDS, PRODUCT_FIELDS,
    SUBMISSION_FIELDS, TARGETING_FIELDS,
};

/// The fields of a kind of request.
pub(super) struct RequestFields {
    /// `createType` of SDCM.
    pub(super) create_type: &'static str,
    /// Field of SDCM that holds the request.
    pub(super) wrapper: &'static str,
    /// Lists of all fields, at any depth.
    names: &'static [&'static [&'static str]],
    /// Fields whose keys are data.
    pub(super) text_maps: &'static [&'static str],
    #[cfg(test)]
    sample: &'static str,
}

impl RequestFields {
    /// The names of all fields, at any depth.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied().flatten().copied()
    }

    /// A request with every field.
    #[cfg(test)]
    pub(super) fn sample(&self) -> serde_json::Value {
        serde_json::from_str(self.sample).expect("the sample is JSON")
    }
}

/// A new product.
pub(super) const PRODUCT: RequestFields = RequestFields {
    create_type: "product",
    wrapper: "createProduct",
    names: &[PRODUCT_FIELDS, ATTRIBUTE_FIELDS],
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
pub(super) const SUBMISSION: RequestFields = RequestFields {
    create_type: "submission",
    wrapper: "createSubmission",
    names: &[SUBMISSION_FIELDS],
    text_maps: &[],
    #[cfg(test)]
    sample: r#"{"name": "s", "type": "initial"}"#,
};

/// A new shipping label.
pub(super) const LABEL: RequestFields = RequestFields {
    create_type: "shippingLabel",
    wrapper: "createShippingLabel",
    names: &[LABEL_FIELDS, TARGETING_FIELDS, DERIVED_LABEL_FIELDS],
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
pub(super) const LABEL_UPDATE: RequestFields = RequestFields {
    create_type: "shippingLabel",
    wrapper: "updateShippingLabel",
    names: &[LABEL_UPDATE_FIELDS, TARGETING_FIELDS],
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
