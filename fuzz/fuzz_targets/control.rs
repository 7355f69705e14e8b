#![no_main]

use axum::extract::Query;
use axum::http::Uri;
use dropship::control::{AdoptRequest, LabelChange, SubmitRequest};
use dropship_engine::operations::{JobAction, JobQuery};
use libfuzzer_sys::fuzz_target;

// The first line is the target of a request, the rest its body.
fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (target, body) = data.split_at(end);
    if let Ok(uri) = Uri::try_from(target) {
        let _ = Query::<JobQuery>::try_from_uri(&uri);
        let _ = Query::<SubmitRequest>::try_from_uri(&uri);
        let _ = uri.path().rsplit('/').next().map(str::parse::<dropship_job::JobId>);
    }
    let _ = serde_json::from_slice::<JobAction>(body);
    let _ = serde_json::from_slice::<AdoptRequest>(body);
    let _ = serde_json::from_slice::<LabelChange>(body);
});
