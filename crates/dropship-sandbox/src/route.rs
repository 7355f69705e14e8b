//! Maps method and path to an operation. Case and a trailing slash do not matter.

use axum::http::Method;

/// The target of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// A token of a tenant, from the v1 or v2 endpoint.
    Token { tenant: String, v2: bool },
    /// A token for a managed identity.
    ManagedIdentity,
    /// The discovery document of the authority.
    Discovery { tenant: String },
    /// An operation of the API.
    Api { operation: Operation, version: &'static str },
    /// A blob, or the target of a redirection to it.
    Blob { name: String, is_moved: bool },
    /// A certification report.
    Report { pid: u64, sid: u64 },
    /// Driver metadata on the API's host.
    Metadata { sid: u64 },
    /// The sandbox's own controls.
    Control(Vec<String>),
    /// A path of the API that does not support the method.
    WrongMethod,
    /// An unknown path.
    Unknown,
}

/// The operations of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    ListProducts,
    GetProduct(u64),
    CreateProduct,
    UpdateProduct(u64),
    ListSubmissions(u64),
    GetSubmission(u64, u64),
    CreateSubmission(u64),
    UpdateSubmission(u64, u64),
    Commit(u64, u64),
    CreateMetadata(u64, u64),
    ListLabels(u64, u64),
    GetLabel(u64, u64, u64),
    CreateLabel(u64, u64),
    UpdateLabel(u64, u64, u64),
    CancelLabel(u64, u64, u64),
    ListAudiences,
    Translate { publisher: u64, pid: u64, sid: u64 },
    PutPackage,
    GetPackage(String),
    ListAssets(String),
    GetAsset(String, String),
    DownloadAsset(String, String),
}

impl Operation {
    /// The operation's name, in faults and in the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ListProducts => "list_products",
            Self::GetProduct(_) => "get_product",
            Self::CreateProduct => "create_product",
            Self::UpdateProduct(_) => "update_product",
            Self::ListSubmissions(_) => "list_submissions",
            Self::GetSubmission(..) => "get_submission",
            Self::CreateSubmission(_) => "create_submission",
            Self::UpdateSubmission(..) => "update_submission",
            Self::Commit(..) => "commit",
            Self::CreateMetadata(..) => "create_publisher_metadata",
            Self::ListLabels(..) => "list_labels",
            Self::GetLabel(..) => "get_label",
            Self::CreateLabel(..) => "create_label",
            Self::UpdateLabel(..) => "update_label",
            Self::CancelLabel(..) => "cancel_label",
            Self::ListAudiences => "list_audiences",
            Self::Translate { .. } => "translate",
            Self::PutPackage => "put_package",
            Self::GetPackage(_) => "get_package",
            Self::ListAssets(_) => "list_assets",
            Self::GetAsset(..) => "get_asset",
            Self::DownloadAsset(..) => "download_asset",
        }
    }

    /// The product of an operation that depends on all submissions of the product.
    pub(crate) fn product(&self) -> Option<u64> {
        match *self {
            Self::UpdateProduct(pid) | Self::ListSubmissions(pid) | Self::CreateSubmission(pid) => Some(pid),
            _ => None,
        }
    }

    /// The submission of the operation.
    pub(crate) fn submission(&self) -> Option<(u64, u64)> {
        match *self {
            Self::GetSubmission(pid, sid)
            | Self::UpdateSubmission(pid, sid)
            | Self::CreateMetadata(pid, sid)
            | Self::ListLabels(pid, sid)
            | Self::GetLabel(pid, sid, _)
            | Self::CreateLabel(pid, sid)
            | Self::UpdateLabel(pid, sid, _)
            | Self::CancelLabel(pid, sid, _) => Some((pid, sid)),
            _ => None,
        }
    }
}

impl Route {
    /// The route's name, in faults and in the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Token { .. } => "token",
            Self::ManagedIdentity => "managed_identity",
            Self::Discovery { .. } => "discovery",
            Self::Api { operation, .. } => operation.name(),
            Self::Blob { .. } => "blob",
            Self::Report { .. } => "certification_report",
            Self::Metadata { .. } => "driver_metadata",
            Self::Control(_) => "control",
            Self::WrongMethod => "wrong_method",
            Self::Unknown => "unknown",
        }
    }

    /// The route for a method and a path.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let whole: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let lower: Vec<String> = whole.iter().map(|part| part.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match lower.as_slice() {
            ["__sandbox", rest @ ..] => Self::Control(rest.iter().map(|part| (*part).to_owned()).collect()),
            ["blob", "ingestion", name] => Self::Blob { name: (*name).to_owned(), is_moved: false },
            ["blob", "moved", name] => Self::Blob { name: (*name).to_owned(), is_moved: true },
            ["metadata", "identity", "oauth2", "token"] => Self::ManagedIdentity,
            ["common", "discovery", "instance"] => Self::Discovery { tenant: "common".to_owned() },
            [tenant, ".well-known", "openid-configuration"]
            | [tenant, "v2.0", ".well-known", "openid-configuration"] => {
                Self::Discovery { tenant: (*tenant).to_owned() }
            }
            [tenant, "oauth2", "token"] => Self::Token { tenant: (*tenant).to_owned(), v2: false },
            [tenant, "oauth2", "v2.0", "token"] => Self::Token { tenant: (*tenant).to_owned(), v2: true },
            ["dashboard", "hardware", "driver", "downloadcertificationreport", _seller, pid, sid]
            | [_, "dashboard", "hardware", "driver", "downloadcertificationreport", _seller, pid, sid] => {
                Self::Report { pid: number(pid), sid: number(sid) }
            }
            ["v2.0", "my", "hardware", "drivermetadata", sid] => Self::Metadata { sid: number(sid) },
            ["v2.0", "my", "hardware", rest @ ..] => Self::api(method, rest, "v2.0"),
            ["v1.0", "my", "hardware", rest @ ..] => Self::api(method, rest, "v1.0"),
            _ => Self::Unknown,
        }
    }

    fn api(method: &Method, path: &[&str], version: &'static str) -> Self {
        let operation = match (method.as_str(), path) {
            ("GET", ["products"]) => Operation::ListProducts,
            ("POST", ["products"]) => Operation::CreateProduct,
            ("GET", ["products", pid]) => Operation::GetProduct(number(pid)),
            ("PATCH", ["products", pid]) => Operation::UpdateProduct(number(pid)),
            (
                "GET",
                [
                    "products",
                    "relationships",
                    "sourcepubliherid",
                    publisher,
                    "sourceproductid",
                    pid,
                    "sourcesubmissionid",
                    sid,
                ],
            ) => Operation::Translate { publisher: number(publisher), pid: number(pid), sid: number(sid) },
            ("GET", ["products", pid, "submissions"]) => Operation::ListSubmissions(number(pid)),
            ("POST", ["products", pid, "submissions"]) => Operation::CreateSubmission(number(pid)),
            ("GET", ["products", pid, "submissions", sid]) => {
                Operation::GetSubmission(number(pid), number(sid))
            }
            ("PATCH", ["products", pid, "submissions", sid]) => {
                Operation::UpdateSubmission(number(pid), number(sid))
            }
            ("POST", ["products", pid, "submissions", sid, "commit"]) => {
                Operation::Commit(number(pid), number(sid))
            }
            ("POST", ["products", pid, "submissions", sid, "createpublishermetadata"]) => {
                Operation::CreateMetadata(number(pid), number(sid))
            }
            ("GET", ["products", pid, "submissions", sid, "shippinglabels"]) => {
                Operation::ListLabels(number(pid), number(sid))
            }
            ("POST", ["products", pid, "submissions", sid, "shippinglabels"]) => {
                Operation::CreateLabel(number(pid), number(sid))
            }
            ("GET", ["products", pid, "submissions", sid, "shippinglabels", lid]) => {
                Operation::GetLabel(number(pid), number(sid), number(lid))
            }
            ("PATCH", ["products", pid, "submissions", sid, "shippinglabels", lid]) => {
                Operation::UpdateLabel(number(pid), number(sid), number(lid))
            }
            ("PUT", ["products", pid, "submissions", sid, "shippinglabels", lid, "cancel"]) => {
                Operation::CancelLabel(number(pid), number(sid), number(lid))
            }
            ("GET", ["audiences"]) => Operation::ListAudiences,
            ("PUT", ["preprod", "packages"]) => Operation::PutPackage,
            ("GET", ["preprod", "packages", id]) => Operation::GetPackage((*id).to_owned()),
            ("GET", ["preprod", "packages", id, "assets"]) => Operation::ListAssets((*id).to_owned()),
            ("GET", ["preprod", "packages", id, "assets", asset]) => {
                Operation::GetAsset((*id).to_owned(), (*asset).to_owned())
            }
            ("GET", ["preprod", "packages", id, "assets", asset, "download"]) => {
                Operation::DownloadAsset((*id).to_owned(), (*asset).to_owned())
            }
            (_, ["products" | "audiences", ..] | ["preprod", "packages", ..]) => return Self::WrongMethod,
            _ => return Self::Unknown,
        };
        Self::Api { operation, version }
    }
}

/// An id in a path. Anything that is not a number becomes 0, which is never the id of an object.
fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_ignores_case_and_trailing_slash() {
        let path = "/v2.0/my/hardware/Products/7/submissions/9/shippingLabels/11/cancel/";
        let operation = Operation::CancelLabel(7, 9, 11);
        assert_eq!(Route::of(&Method::PUT, path), Route::Api { operation, version: "v2.0" });
        assert_eq!(Route::of(&Method::DELETE, "/v1.0/my/hardware/products/7"), Route::WrongMethod);
        assert_eq!(
            Route::of(&Method::POST, "/t/oauth2/token/"),
            Route::Token { tenant: "t".into(), v2: false }
        );
    }
}
