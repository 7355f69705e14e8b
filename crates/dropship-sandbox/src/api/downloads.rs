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
use crate::reply::{ErrorReply, refuse, response, set_header};
use crate::workflow;

fn unauthorized(app: &App) -> Response {
    refuse(ErrorReply::gateway(401, "Unauthorized. Access token is missing or invalid."), app.quirks())
}

/// The page that a dashboard shows to a client without a session.
const SIGN_IN: &str = "<!DOCTYPE html><html><head><title>Sign in to your account</title></head><body>\
    <form method=\"post\" action=\"/common/login\"><input name=\"loginfmt\"></form></body></html>\n";

/// The certification report of a submission, a PDF file.
pub(crate) fn report(app: &App, headers: &HeaderMap, pid: u64, sid: u64) -> Response {
    if app.has(Quirk::SignInPage) {
        return response(200, "text/html; charset=utf-8", SIGN_IN);
    }
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
    let text =
        format!("Submission {}_{pid}_{sid}: approved. {}", product.seller(), product.signatures().join(", "));
    let mut answer = response(200, "application/pdf", pdf(&text));
    set_header(
        &mut answer,
        "content-disposition",
        &format!("attachment; filename=CertificationReport_{sid}.pdf"),
    );
    answer
}

/// A PDF file of one page with one line.
fn pdf(text: &str) -> String {
    let text = text.replace(['(', ')', '\\'], " ");
    let content = format!("BT /F1 12 Tf 40 780 Td ({text}) Tj ET");
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n\
         4 0 obj<</Length {}>>stream\n{content}\nendstream endobj\n\
         5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        content.len()
    )
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
    let download = metadata::count_download(app, sid);
    let built = metadata::build(&analysis, &codes, sid, app.quirks());
    response(200, "application/json; charset=utf-8", metadata::file(built, download, app.quirks()))
}
