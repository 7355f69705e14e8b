//! Finds receipts in an outbox, for packages that the store does not know.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::folder::read_receipt;
use super::place::ResultPlace;
use super::receipt::Receipt;
use crate::package_store::PackageStore;
use dropship_shared_folder::{ListingExtent, SharedFolder};

/// Numbers of digits of sha256 in the names of folders.
const DIGITS: [usize; 3] = [8, 16, 64];

/// Maximum age of a listing. The daemon knows the jobs of the folders that it creates itself, so the listing only has to show
/// folders that were restored.
const MAX_AGE: Duration = Duration::from_secs(30);

/// A receipt and the folder that has it. The path in the receipt is out of date when the outbox was moved.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundReceipt {
    /// The folder of the package.
    pub folder: PathBuf,
    /// Its receipt.
    pub receipt: Receipt,
}

/// Finds the receipt of a package by its bytes, under any name. Listings of outboxes are kept for a while.
#[derive(Default)]
pub struct ReceiptSearch {
    listings: Mutex<HashMap<PathBuf, OutboxListing>>,
}

struct OutboxListing {
    read_at: Instant,
    /// The folders whose names end with these digits.
    folders: HashMap<String, Vec<PathBuf>>,
}

impl OutboxListing {
    fn of(outbox: &Path) -> Self {
        let mut folders: HashMap<String, Vec<PathBuf>> = HashMap::new();
        let listed = SharedFolder::open(outbox).and_then(|opened| {
            opened.list(|entry| {
                // The digits are the last part, or the one before a number.
                let mut parts = entry.name.to_str().unwrap_or_default().rsplit('-').take(2);
                let digits = parts.find(|part| part.len() >= DIGITS[0]);
                if let Some(digits) = digits.filter(|_| entry.kind.may_be_folder()) {
                    folders.entry(digits.to_owned()).or_default().push(outbox.join(entry.name));
                }
                Ok(())
            })
        });
        match listed {
            Ok(ListingExtent::Wholly) => {}
            Ok(ListingExtent::InPart) => {
                tracing::warn!("the outbox {} has too many names; receipts may be missed", outbox.display());
            }
            // The outbox may be created by the first result; the list of what needs attention shows one that cannot be read.
            Err(error) => tracing::debug!("cannot list the outbox {}: {error}", outbox.display()),
        }
        Self { read_at: Instant::now(), folders }
    }
}

impl ReceiptSearch {
    /// The newest receipt of these bytes in an outbox that `is_wanted` accepts.
    ///
    /// # Errors
    /// When the outbox is on object storage that does not respond.
    pub fn find(
        &self,
        packages: &PackageStore,
        outbox: &Path,
        sha256: &str,
        is_wanted: impl Fn(&Receipt) -> bool,
    ) -> io::Result<Option<FoundReceipt>> {
        let is_wanted = |found: &FoundReceipt| found.receipt.sha256 == sha256 && is_wanted(&found.receipt);
        if let ResultPlace::Objects(_) = ResultPlace::of(packages, outbox, None) {
            // There, the digest is the name of the folder.
            let folder = outbox.join(sha256);
            let receipt = ResultPlace::of(packages, &folder, None).receipt()?;
            return Ok(receipt.map(|receipt| FoundReceipt { folder, receipt }).filter(is_wanted));
        }
        let found = self.candidates(outbox, sha256).into_iter().filter_map(|folder| {
            let receipt = read_receipt(&folder)?;
            Some(FoundReceipt { folder, receipt })
        });
        Ok(found.filter(is_wanted).max_by_key(|found| found.receipt.updated))
    }

    fn candidates(&self, outbox: &Path, sha256: &str) -> Vec<PathBuf> {
        let is_fresh = |listing: &OutboxListing| listing.read_at.elapsed() < MAX_AGE;
        if !self.listings.lock().get(outbox).is_some_and(is_fresh) {
            // The lock is not held here: an outbox may hang, and others look for receipts in theirs.
            let listing = OutboxListing::of(outbox);
            self.listings.lock().insert(outbox.to_owned(), listing);
        }
        let listings = self.listings.lock();
        let folders = listings.get(outbox).map(|listing| &listing.folders);
        let digits = DIGITS.into_iter().filter_map(|digits| sha256.get(..digits));
        digits.filter_map(|digits| folders?.get(digits)).flatten().cloned().collect()
    }
}
