#![no_main]

use std::io::Cursor;

use dropship_package::{Cancellation, check_signed_archive};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = check_signed_archive(Cursor::new(data), ["echo.inf"], &Cancellation::default());
});
