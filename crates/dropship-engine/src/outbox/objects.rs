//! The results of a package on the object storage of all nodes: `PREFIX/outbox/FOLDER/SHA256/`, with the digest of the package.
//!
//! A result is written once, under a name that has its digest: a node that lost its lease cannot replace what another one has recorded. The
//! receipt and the error report are written again, a receipt only in place of the one that was compared. Every read has a maximum length.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::receipt::{MAX_RECEIPT, Receipt};
use crate::digest;
use crate::package_store::{PackageObjects, PackageStore};
use dropship_config::outbox_layout::{ERRORS, RECEIPT, RESULTS};
use dropship_hardware::MAX_ERROR_REPORT;
use dropship_job::Asset;
use dropship_shared_folder::{MAX_ENTRIES, Progress};

/// Number of receipts that are read together, each with at most 1 MiB.
const MAX_READ_TOGETHER: usize = 32;

/// The results of one package.
#[derive(Debug, Clone)]
pub struct ObjectResults {
    packages: PackageStore,
    /// The address of their folder.
    pub(super) folder: PathBuf,
    /// The name of their folder on the storage.
    name: String,
}

impl ObjectResults {
    /// The results at an address; `None` if it is not on the storage that `packages` names.
    pub(super) fn at(packages: &PackageStore, folder: &Path) -> Option<Self> {
        let name = name_on(&**packages.objects()?, folder)?;
        Some(Self { packages: packages.clone(), folder: folder.to_owned(), name })
    }

    /// Writes a result, and reads it again.
    pub(super) fn deliver(&self, name: &str, staged: &Path, progress: &Progress) -> io::Result<Asset> {
        // The client limits the time of each call itself.
        progress.pause();
        let sha256 = digest::of_file(staged)?;
        let asset = Asset { name: name.to_owned(), size: staged.metadata()?.len(), sha256 };
        match name {
            ERRORS => {
                let mut bytes = Vec::new();
                File::open(staged)?.take(MAX_ERROR_REPORT).read_to_end(&mut bytes)?;
                self.replace(ERRORS, &bytes)?;
            }
            _ => self.objects()?.put_new(&self.object(&recorded_name(&asset)), staged)?,
        }
        Ok(asset)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (objects, object) = (self.objects()?, self.object(name));
        objects.put(&object, bytes.to_owned())?;
        if objects.get(&object)?.as_deref() == Some(bytes) {
            return Ok(());
        }
        let message = format!("{}/{name} has other bytes than were written to it", self.folder.display());
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }

    /// Replaces the receipt unless `keeps` returns true for the existing one, and reads it again. One that another node writes in the
    /// meantime is compared too. Returns whether it was replaced.
    pub(super) fn replace_receipt(
        &self,
        receipt: &Receipt,
        keeps: &dyn Fn(&Receipt) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let text = receipt.text()?;
        self.objects()?.update(&self.object(RECEIPT), MAX_RECEIPT, &mut |existing| match existing
            .and_then(Receipt::parse)
        {
            Some(existing) if keeps(&existing)? => Ok(None),
            _ => Ok(Some(text.clone())),
        })
    }

    /// The receipt; `None` if there is none, or it is invalid.
    pub(super) fn receipt(&self) -> io::Result<Option<Receipt>> {
        let read = self.objects()?.get_many(&[self.object(RECEIPT)], MAX_RECEIPT)?;
        Ok(read.into_iter().flatten().find_map(|text| Receipt::parse(&text)))
    }

    /// A result as a file without a name. One that was recorded has the recorded bytes.
    pub(super) fn open(&self, name: &str, recorded: Option<&Asset>) -> io::Result<File> {
        let Some(asset) = recorded else {
            let max_bytes = if name == RECEIPT { MAX_RECEIPT } else { MAX_ERROR_REPORT };
            return self.packages.open_object(&self.object(name), max_bytes).map(|(file, _)| file);
        };
        let (file, facts) = self.packages.open_object(&self.object(&recorded_name(asset)), asset.size)?;
        if facts.sha256 == asset.sha256 {
            return Ok(file);
        }
        let message = format!("{name} does not have the bytes that the job has recorded");
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }

    /// Removes the results, and with `with_receipt` the receipt after them. Returns whether there was something to remove.
    pub(super) fn remove(&self, with_receipt: bool) -> io::Result<bool> {
        let objects = self.objects()?;
        let is_result = |object: &str| {
            RESULTS.iter().any(|result| {
                object.strip_suffix(result).is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
            })
        };
        let names: Vec<_> = objects.names(&self.name)?.into_iter().map(|(name, _)| name).collect();
        let results = names.iter().filter(|name| is_result(name));
        let receipt = names.iter().filter(|name| with_receipt && *name == RECEIPT);
        let mut has_removed = false;
        for name in results.chain(receipt) {
            objects.delete(&self.object(name))?;
            has_removed = true;
        }
        Ok(has_removed)
    }

    fn objects(&self) -> io::Result<&dyn PackageObjects> {
        self.packages.objects().map(|objects| &**objects).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn object(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }
}

/// The name of a recorded result.
fn recorded_name(asset: &Asset) -> String {
    format!("{}-{}", asset.sha256, asset.name)
}

/// The name on the storage of what is at this address.
fn name_on(objects: &dyn PackageObjects, address: &Path) -> Option<String> {
    address.strip_prefix(objects.place()).ok()?.to_str().map(str::to_owned)
}

/// Calls `visit` with the receipts below an address, and with the addresses of their folders.
///
/// # Errors
/// When they cannot be read to the end.
pub(super) fn visit_receipts(
    outbox: &ObjectResults,
    visit: &mut dyn FnMut(PathBuf, Receipt),
) -> io::Result<()> {
    let objects = outbox.objects()?;
    let folders = objects.folders_with(&outbox.name, RECEIPT)?;
    for folders in folders[..folders.len().min(MAX_ENTRIES)].chunks(MAX_READ_TOGETHER) {
        let names: Vec<_> =
            folders.iter().map(|folder| outbox.object(&format!("{folder}/{RECEIPT}"))).collect();
        for (folder, text) in folders.iter().zip(objects.get_many(&names, MAX_RECEIPT)?) {
            if let Some(receipt) = text.and_then(|text| Receipt::parse(&text)) {
                visit(outbox.folder.join(folder), receipt);
            }
        }
    }
    if folders.len() > MAX_ENTRIES {
        return Err(io::Error::other(format!("it has more than {MAX_ENTRIES} receipts")));
    }
    Ok(())
}
