#![no_main]

use dropship_fuzz::POLICY;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = dropship_package::inspect_bytes(data, dropship_package::Kind::Cab, &POLICY);
});
