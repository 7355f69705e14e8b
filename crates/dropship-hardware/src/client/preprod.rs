//! Preproduction packages.

use std::path::Path;

use reqwest::Method;

use crate::blob::{TransferError, read_sha256};
use crate::error::{Error, Recovery};
use crate::json;
use crate::model::MAX_PACKAGE;
use crate::paging::Pages;
use crate::{Asset, PreprodPackage};
use dropship_redact::SafeUrl;

use super::call::{Call, CallBody, without_envelope};
use super::core::Client;
use super::submissions::under;

impl Client {
    /// Sends a package for preproduction signing. Never repeated here.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn preprod_submit(&self, package: &Path) -> Result<PreprodPackage, Error> {
        const OPERATION: &str = "create preproduction package";
        let metadata = tokio::fs::metadata(package).await.map_err(|error| {
            Error::not_sent(
                OPERATION,
                Recovery::Permanent,
                format!("{} cannot be read: {error}", package.display()),
            )
        })?;
        let body = CallBody::File(package.to_owned(), metadata.len());
        self.parsed(Call::create(OPERATION, Method::PUT, under(packages(), ""), body), read_package).await
    }

    /// One preproduction package, with its results.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn preprod_package(&self, id: &str) -> Result<PreprodPackage, Error> {
        self.parsed(Call::get("get preproduction package", under(packages(), id)), read_package).await
    }

    /// Results of a preproduction package, page by page.
    #[must_use]
    pub fn preprod_assets(&self, id: &str) -> Pages<Asset> {
        let path = under(under(packages(), id), "assets");
        Pages::new(self.clone(), Call::get("list preproduction assets", path))
    }

    /// One result of a preproduction package.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn preprod_asset(&self, id: &str, asset: &str) -> Result<Asset, Error> {
        let path = under(under(under(packages(), id), "assets"), asset);
        self.object(Call::get("get preproduction asset", path)).await
    }

    /// Downloads a result, and verifies it against the `contentHash` that the service names.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn preprod_download(
        &self,
        id: &str,
        asset: &str,
        to: &Path,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, TransferError> {
        let named = self.preprod_asset(id, asset).await?.content_hash;
        let expected = named.as_deref().and_then(read_sha256);
        if expected.is_none() {
            tracing::warn!(
                "the service names no SHA-256 of asset {asset} of package {id}; the download is not verified"
            );
        }
        let mut url = self.shared.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["preprod", "packages", id, "assets", asset, "download"]);
        }
        self.download_checked(&SafeUrl::new(url), to, expected, MAX_PACKAGE, progress).await
    }
}

fn read_package(body: &[u8]) -> Result<PreprodPackage, serde_json::Error> {
    serde_json::from_value(without_envelope(json::parse(body)?))
}

fn packages() -> Vec<String> {
    vec!["preprod".to_owned(), "packages".to_owned()]
}
