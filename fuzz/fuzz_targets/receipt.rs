#![no_main]

use dropship_engine::outbox::Receipt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(receipt) = serde_json::from_slice::<Receipt>(data) else { return };
    let written = serde_json::to_vec(&receipt).expect("a receipt can be written");
    let again: Receipt = serde_json::from_slice(&written).expect("a written receipt can be read");
    assert_eq!(serde_json::to_vec(&again).expect("written"), written, "a written receipt reads the same");
    dropship_engine::admission::fuzzing::recover(receipt);
});
