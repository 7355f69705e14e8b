#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

/// The segment that each input is written to, in memory.
static SEGMENT: LazyLock<PathBuf> =
    LazyLock::new(|| PathBuf::from(format!("/dev/shm/dropship-fuzz-{}", std::process::id())));

fuzz_target!(|data: &[u8]| {
    for json in data.split(|byte| *byte == b'\n') {
        dropship_store::fuzzing::read_line(json);
        dropship_store::fuzzing::read_job(json);
    }
    std::fs::write(&*SEGMENT, data).expect("written");
    dropship_store::fuzzing::read_segment(&SEGMENT);
    std::fs::remove_file(&*SEGMENT).expect("removed");
});
