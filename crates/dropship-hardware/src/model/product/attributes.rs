//! `additionalAttributes` of a product: at most one of its three objects.

use serde::{Deserialize, Serialize};

use crate::model::{Unknown, wire};

/// More facts about a product. Source: "Get product data", additional attribute object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdditionalAttributes {
    /// Storage controllers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_controller: Option<StorageController>,
    /// RAID controllers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raid_controller: Option<RaidController>,
    /// Server Virtualization Validation Program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svvp: Option<Svvp>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

/// Declares an object of optional texts, booleans and numbers.
macro_rules! facts {
    (
        $(#[$doc:meta])*
        $name:ident {
            text { $( $(#[$tmeta:meta])* $text:ident, )* }
            bool { $( $(#[$bmeta:meta])* $bool:ident, )* }
            number { $( $(#[$nmeta:meta])* $number:ident, )* }
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(
                $(#[$tmeta])*
                #[serde(deserialize_with = "wire::opt_text", skip_serializing_if = "Option::is_none")]
                pub $text: Option<String>,
            )*
            $(
                $(#[$bmeta])*
                #[serde(deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
                pub $bool: Option<bool>,
            )*
            $(
                $(#[$nmeta])*
                #[serde(deserialize_with = "wire::opt_number", skip_serializing_if = "Option::is_none")]
                pub $number: Option<u64>,
            )*
            /// Fields without a documented name.
            #[serde(flatten)]
            pub other: Unknown,
        }
    };
}

facts! {
    /// Facts about a storage controller.
    StorageController {
        text {
            /// ROM BIOS version.
            bios_version,
            /// Firmware version.
            firmware_version,
            /// Driver version.
            driver_version,
            /// Driver name.
            driver_name,
            /// Device version.
            device_version,
            /// Chipset name.
            chipset_name,
            /// Multi-path software name.
            proprietary_name,
            /// Multi-path software version.
            proprietary_version,
            /// Name of the device-specific module.
            microsoft_name,
            /// Version of the device-specific module.
            microsoft_version,
            /// Supported UEFI version.
            uefi_version,
            /// Supported ACPI version.
            acpi_version,
        }
        bool {
            /// Multi-pathing through a driver of the vendor.
            used_proprietary,
            /// Multi-pathing through Microsoft MPIO.
            used_microsoft,
            /// Boot support.
            used_boot_support,
            /// Boot beyond 2.2 TB.
            used_better_boot,
            /// Sectors of 4K with 512e.
            #[serde(rename = "supportsSector4K512E")]
            supports_sector_4k_512e,
            /// Sectors of 4K native.
            #[serde(rename = "supportsSector4K4K")]
            supports_sector_4k_4k,
            /// High-voltage differential.
            supports_differential,
        }
        number {}
    }
}

facts! {
    /// Facts about a RAID controller.
    RaidController {
        text {
            /// Firmware version.
            firmware_version,
            /// Filter version.
            filter_version,
            /// Driver version.
            driver_version,
            /// Multi-path software name.
            proprietary_name,
            /// Multi-path software version.
            proprietary_version,
            /// Name of the device-specific module.
            microsoft_name,
            /// Version of the device-specific module.
            microsoft_version,
            /// Anything else.
            additional_info,
        }
        bool {
            /// Multi-pathing through a driver of the vendor.
            used_proprietary,
            /// Multi-pathing through Microsoft MPIO.
            used_microsoft,
            /// A driver of a third party is needed for connectivity.
            is_third_party_needed,
            /// SCSI enclosure services.
            #[serde(rename = "isSES")]
            is_ses,
            /// SAF-TE.
            #[serde(rename = "isSAFTE")]
            is_safte,
        }
        number {}
    }
}

facts! {
    /// Facts for the Server Virtualization Validation Program.
    Svvp {
        text {
            /// Product version.
            product_version,
            /// Support URL.
            support_link,
            /// Guest operating system.
            guest_os,
            /// Processor architecture.
            processor_architecture,
        }
        bool {}
        number {
            /// Most processors in a virtual machine.
            max_processors,
            /// Most memory in a virtual machine, in GB.
            max_memory,
        }
    }
}
