//! Downloads from the API's own host: the certification report and, by quirk, the driver metadata.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;

use crate::app::App;
use crate::auth::token;
use crate::lock::lock;
use crate::package::analysis;
use crate::package::metadata;
use crate::quirks::Quirk;
use crate::reply::{ErrorReply, json_response, refuse, response, set_header};
use crate::workflow;

fn unauthorized(app: &App) -> Response {
    refuse(ErrorReply::gateway(401, "Unauthorized. Access token is missing or invalid."), app.quirks())
}

/// The certification report of a submission, an HTML page.
pub(crate) fn report(app: &App, headers: &HeaderMap, pid: u64, sid: u64) -> Response {
    if app.has(Quirk::ReportNeedsBearer) && token::account(app, headers).is_none() {
        return unauthorized(app);
    }
    let state = lock(&app.state);
    let now = app.clock.work();
    let found = state.products.get(&pid).and_then(|product| Some((product, product.submissions.get(&sid)?)));
    let Some((product, sub)) = found else {
        return refuse(ErrorReply::not_found("No submission found"), app.quirks());
    };
    if !workflow::submission(sub, now, &app.options).is_some_and(|progress| progress.is_done()) {
        return refuse(ErrorReply::not_found("No certification report found"), app.quirks());
    }
    let page = format!(
        "<!DOCTYPE html><html><head><title>Certification report</title></head><body><h1>Certification report</h1>\
         <p>Submission {}_{pid}_{sid}: approved</p><p>{}</p></body></html>\n",
        product.seller(),
        product.signatures().join(", "),
    );
    let mut answer = response(200, "text/html; charset=utf-8", page);
    set_header(
        &mut answer,
        "content-disposition",
        &format!("attachment; filename=CertificationReport_{sid}.html"),
    );
    answer
}

/// The driver metadata of a submission, for its owner only.
pub(crate) async fn metadata(app: &Arc<App>, headers: &HeaderMap, sid: u64) -> Response {
    let Some(account) = token::account(app, headers) else {
        return unauthorized(app);
    };
    let pid = lock(&app.state)
        .products
        .values()
        .find(|product| product.owner == account && product.submissions.contains_key(&sid))
        .map(|product| product.id);
    let Some(pid) = pid else {
        return refuse(ErrorReply::not_found("No submission found"), app.quirks());
    };
    let Some(analysis) = analysis::analyze(app, pid, sid).await else {
        return refuse(ErrorReply::not_found("No driver metadata found"), app.quirks());
    };
    let codes =
        lock(&app.state).products.get(&pid).map(crate::state::Product::signatures).unwrap_or_default();
    json_response(200, &metadata::build(&analysis, &codes, sid, app.quirks()))
}
