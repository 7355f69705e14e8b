//! The drivers of a company, and their packages.

use dropship_hardware::{Bundle, DriverMetadata, InfMetadata, PnpInfo};
use dropship_package::facts::{FileFact, InfFacts};
use dropship_package::{Facts, Kind};

/// Number of hardware ids of a driver.
const MODELS: usize = 4;

/// The bundle of Microsoft's metadata.
pub(crate) const BUNDLE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// A driver.
pub(crate) struct Driver {
    /// File name of its INF without the extension; a package is named by it and its version.
    pub(crate) stem: &'static str,
    /// The drop folder of its packages.
    pub(crate) folder: &'static str,
    provider: &'static str,
    class: &'static str,
    vendor: &'static str,
    device: usize,
    major: u32,
}

/// The drivers.
pub(crate) const DRIVERS: [Driver; 6] = [
    driver("contoso-audio", "audio", ("Contoso", "MEDIA", "8086"), 0x1000, 3),
    driver("contoso-bluetooth-audio", "audio", ("Contoso", "MEDIA", "8087"), 0x1100, 2),
    driver("fabrikam-dsp", "audio", ("Fabrikam", "MEDIA", "10EC"), 0x1200, 1),
    driver("contoso-ethernet", "network", ("Contoso", "Net", "8086"), 0x2000, 8),
    driver("contoso-wifi", "network", ("Contoso", "Net", "8086"), 0x2100, 22),
    driver("northwind-modem", "network", ("Northwind", "Modem", "1199"), 0x2200, 5),
];

const fn driver(
    stem: &'static str,
    folder: &'static str,
    (provider, class, vendor): (&'static str, &'static str, &'static str),
    device: usize,
    major: u32,
) -> Driver {
    Driver { stem, folder, provider, class, vendor, device, major }
}

/// A version of a driver.
pub(crate) struct Release {
    /// The driver.
    pub(crate) driver: &'static Driver,
    /// Its version, as in `DriverVer`.
    pub(crate) version: String,
    /// The number of the package.
    pub(crate) number: u32,
}

impl Release {
    /// The package with this number. The drivers take turns.
    pub(crate) fn of(number: u32) -> Self {
        let count = u32::try_from(DRIVERS.len()).unwrap_or(u32::MAX);
        let driver = &DRIVERS[(number % count) as usize];
        let release = number / count;
        let version = format!("{}.{}.{}.0", driver.major, release / 20, release % 20);
        Self { driver, version, number }
    }

    /// Name of the file.
    pub(crate) fn file(&self) -> String {
        format!("{}-{}.cab", self.driver.stem, self.version.strip_suffix(".0").unwrap_or(&self.version))
    }

    /// What an inspection finds.
    pub(crate) fn facts(&self) -> Facts {
        let amd64 = || std::iter::once("amd64".to_owned()).collect();
        let inf = InfFacts {
            path: format!("Driver/{}.inf", self.driver.stem),
            name: format!("{}.inf", self.driver.stem),
            stem: self.driver.stem.to_owned(),
            provider: Some(self.driver.provider.to_owned()),
            class: Some(self.driver.class.to_owned()),
            version: Some(self.version.clone()),
            hardware_ids: self.hardware_ids(),
            descriptions: vec![format!("{} device", self.driver.provider)],
            architectures: amd64(),
            ..InfFacts::default()
        };
        let file = FileFact {
            path: format!("Driver/{}.sys", self.driver.stem),
            size: 180_000,
            machine: Some("amd64".to_owned()),
        };
        Facts {
            kind: Kind::Cab,
            size: 240_000,
            files: vec![file],
            infs: vec![inf],
            architectures: amd64(),
            signer: None,
            hlkx: None,
            content_sha256: None,
        }
    }

    /// What its INF is for: the models of its driver, and a computer that only this package knows.
    pub(crate) fn hardware_ids(&self) -> Vec<String> {
        let id = |model: usize, computer: u32| {
            let (vendor, device) = (self.driver.vendor, self.driver.device + model);
            format!(r"PCI\VEN_{vendor}&DEV_{device:04X}&SUBSYS_{computer:04X}1028")
        };
        (0..MODELS).map(|model| id(model, 1)).chain([id(0, 0x1000 + self.number)]).collect()
    }

    /// Microsoft's metadata of the signed package.
    pub(crate) fn metadata(&self, systems: &[&str]) -> DriverMetadata {
        let mut info = InfMetadata::default();
        for os in systems {
            let ids = self.hardware_ids().into_iter().map(|id| (id.to_lowercase(), PnpInfo::default()));
            info.os_pnp.insert((*os).to_owned(), ids.collect());
        }
        let mut bundle = Bundle::default();
        bundle.infs.insert(format!("{}.inf", self.driver.stem), info);
        let mut metadata = DriverMetadata::default();
        metadata.bundles.insert(BUNDLE.to_owned(), bundle);
        metadata
    }
}
