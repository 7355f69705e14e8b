#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    dropship_hardware::fuzzing::read_error(data);
    let text = String::from_utf8_lossy(data);
    let masked = dropship_redact::mask(&text);
    assert_eq!(dropship_redact::mask(&masked), masked, "masked text stays as it is");
});
