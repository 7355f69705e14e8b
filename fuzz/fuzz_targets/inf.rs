#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    dropship_package::fuzzing::read_inf(data);
});
