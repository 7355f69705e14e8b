#![no_main]

use dropship_fuzz::POLICY;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    dropship_package::fuzzing::read_signature(data, &POLICY);
});
