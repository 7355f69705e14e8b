//! The pages of a proxy between client and service, by quirk.

use axum::http::Method;

use crate::app::App;
use crate::faults::{FaultAction, FaultBody};
use crate::lock::lock;
use crate::quirks::Quirk;
use crate::route::Route;

/// A page of a proxy for the first request of an operation. A change gets a status which proves that the proxy did not
/// forward it.
pub(crate) fn page(app: &App, method: &Method, route: &Route) -> Option<FaultAction> {
    let is_for_service = matches!(
        route,
        Route::Token { .. }
            | Route::Api { .. }
            | Route::Blob { .. }
            | Route::Report { .. }
            | Route::Metadata { .. }
    );
    if !app.has(Quirk::ProxyPages) || !is_for_service {
        return None;
    }
    let mut state = lock(&app.state);
    if state.count(Quirk::ProxyPages, format!("{method} {}", route.name())) > 0 {
        return None;
    }
    let turn = state.count(Quirk::ProxyPages, "page");
    let status = match (turn % 3, method.is_safe()) {
        (0, _) => 403,
        (1, _) | (_, false) => 407,
        (_, true) => 502,
    };
    Some(FaultAction::status_with(status, FaultBody::Proxy))
}
