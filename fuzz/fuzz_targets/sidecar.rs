#![no_main]

use std::ffi::OsStr;
use std::sync::LazyLock;

use dropship_intake::{Identity, Sidecar};
use libfuzzer_sys::fuzz_target;

static IDENTITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::from(&std::fs::metadata("/dev/null").expect("a file")));

fuzz_target!(|data: &[u8]| {
    let bytes = data.get(..Sidecar::MAX_BYTES + 1).unwrap_or(data).to_vec();
    let _ = dropship_rules::vars::parse(&bytes);
    let sidecar = Sidecar { path: "/drop/echo.cab.sha256".into(), identity: *IDENTITY, bytes };
    let _ = sidecar.expected_sha256(OsStr::new("echo.cab"));
});
