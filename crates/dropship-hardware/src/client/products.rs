//! Products and audiences.

use reqwest::Method;

use crate::error::Error;
use crate::paging::Pages;
use crate::{Audience, NewProduct, Product, ProductId, ProductUpdate};

use super::call::{Call, CallBody};
use super::core::Client;

impl Client {
    /// The audiences of this account, page by page.
    #[must_use]
    pub fn audiences(&self) -> Pages<Audience> {
        Pages::new(self.clone(), Call::get("list audiences", vec!["audiences".into()]))
    }

    /// All products, page by page.
    #[must_use]
    pub fn products(&self) -> Pages<Product> {
        Pages::new(self.clone(), Call::get("list products", vec!["products".into(), String::new()]))
    }

    /// One product.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn product(&self, id: ProductId) -> Result<Product, Error> {
        self.object(Call::get("get product", product(id))).await
    }

    /// Creates a product. Never repeated here: after [`Execution::Unknown`](crate::Execution::Unknown) search for it first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_product(&self, new: &NewProduct) -> Result<Product, Error> {
        const OPERATION: &str = "create product";
        let body = CallBody::json(OPERATION, new)?;
        self.object(Call::create(OPERATION, Method::POST, vec!["products".into()], body)).await
    }

    /// Changes a product.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update_product(&self, id: ProductId, update: &ProductUpdate) -> Result<(), Error> {
        const OPERATION: &str = "update product";
        let body = CallBody::json(OPERATION, update)?;
        self.nothing(Call::idempotent(OPERATION, Method::PATCH, product(id), body)).await
    }
}

/// Path of a product.
pub(super) fn product(id: ProductId) -> Vec<String> {
    vec!["products".into(), id.to_string()]
}
