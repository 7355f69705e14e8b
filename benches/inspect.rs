//! The time to inspect a large package, compared with `openssl dgst -sha256` of the same file. The two take turns.
//!
//! `cargo bench --bench inspect`. Each round is a process of its own, so its memory can be measured. The packages
//! are cabinets of 1 GiB with the INF at the end. Their signature comes from another cabinet, so the digest does not
//! match; verifying it costs as much as a matching one.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench reports, and ends when it cannot run")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use dropship_package::{Cancellation, Kind, Policy, inspect, inspect_hashed};

/// Data blocks of 32 KiB: a gibibyte.
const BLOCKS: u16 = 32_768;
const BLOCK: usize = 0x8000;
const ROUNDS: usize = 9;
const SIGNED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/crates/dropship-package/tests/fixtures/cab/good-signed-ts.cab");
/// The goal: at most this many times openssl's time, and less than this many MiB of memory.
const RATIO: f64 = 1.5;
const MEMORY: u64 = 32;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, file] = arguments.as_slice() {
        return inspect_once(mode, Path::new(file));
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (name, compression) in [("stored", 0_u16), ("MSZIP", 1)] {
        let file = folder.path().join(format!("{name}.cab"));
        write(&file, compression).expect("a cabinet");
        let program = std::env::current_exe().expect("this program");
        let run = |mode: &str| timed(Command::new(&program).arg(mode).arg(&file));
        let mut rounds: [Vec<(f64, u64)>; 3] = Default::default();
        for _ in 0..ROUNDS {
            rounds[0].push(timed(Command::new("openssl").args(["dgst", "-sha256"]).arg(&file)));
            rounds[1].push(run("inspect"));
            rounds[2].push(run("inspect_hashed"));
        }
        let median = |rounds: &[(f64, u64)]| {
            let mut times: Vec<f64> = rounds.iter().map(|(time, _)| *time).collect();
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        let base = median(&rounds[0]);
        println!("1 GiB, {name}: openssl dgst -sha256 {base:.3} s");
        for (name, rounds) in ["inspect", "inspect_hashed"].iter().zip(&rounds[1..]) {
            let (time, memory) = (median(rounds), rounds.iter().map(|(_, peak)| *peak).max().unwrap_or(0));
            let verdict = if time <= RATIO * base && memory < MEMORY { "" } else { "  TOO MUCH" };
            println!("  {name:<15} {time:.3} s, {:.2} times as long, {memory} MiB{verdict}", time / base);
        }
    }
}

/// Inspects a file and prints the peak memory in MiB.
fn inspect_once(mode: &str, file: &Path) {
    let opened = File::open(file).expect("the file");
    let policy = Policy { now: jiff::Timestamp::now(), ..Policy::default() };
    let inspection = match mode {
        "inspect" => inspect(&opened, Kind::Cab, &policy),
        _ => inspect_hashed(&opened, Kind::Cab, &policy, &Cancellation::default())
            .map(|(inspection, _)| inspection),
    };
    let inspection = inspection.expect("read");
    assert_eq!(inspection.facts.expect("facts").infs.len(), 1, "the INF was read");
    assert_eq!(inspection.findings[0].check, "digest-mismatch");
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    println!("{}", peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number").div_ceil(1024));
}

/// The wall time of a process in seconds, and the number that it printed, if any.
fn timed(command: &mut Command) -> (f64, u64) {
    let start = Instant::now();
    let output = command.output().expect("a program that can be run");
    let time = start.elapsed().as_secs_f64();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (time, String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0))
}

/// Writes a cabinet: one file of random bytes, then an INF, then a signature.
fn write(path: &PathBuf, compression: u16) -> std::io::Result<()> {
    let donor = std::fs::read(SIGNED)?;
    let number = |at: usize| u32::from_le_bytes([donor[at], donor[at + 1], donor[at + 2], donor[at + 3]]);
    let signature = &donor[number(44) as usize..];
    let inf = b"[Version]\r\nSignature=\"$WINDOWS NT$\"\r\n";
    let size = u32::from(BLOCKS) * BLOCK as u32;
    let mut files = Vec::new();
    for (name, length, offset) in [("Drv\\big.bin\0", size, 0), ("Drv\\x.inf\0", inf.len() as u32, size)] {
        files.extend_from_slice(&length.to_le_bytes());
        files.extend_from_slice(&offset.to_le_bytes());
        files.extend_from_slice(&[0; 8]);
        files.extend_from_slice(name.as_bytes());
    }
    let overhead = if compression == 1 { 7 } else { 0 };
    let packed = |length: usize| 8 + overhead + length;
    let data_at = 60 + 8 + files.len();
    let length = data_at + usize::from(BLOCKS) * packed(BLOCK) + packed(inf.len());
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"MSCF")?;
    for field in [0, length as u32, 0, 68, 0] {
        out.write_all(&field.to_le_bytes())?;
    }
    out.write_all(&[3, 1])?;
    for field in [1_u16, 2, 4, 0, 0, 20, 0, 0, 16] {
        out.write_all(&field.to_le_bytes())?;
    }
    for field in [length as u32, signature.len() as u32, 0, 0, data_at as u32] {
        out.write_all(&field.to_le_bytes())?;
    }
    for field in [BLOCKS + 1, compression] {
        out.write_all(&field.to_le_bytes())?;
    }
    out.write_all(&files)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(BLOCK);
    for _ in 0..BLOCKS {
        block.clear();
        while block.len() < BLOCK {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend_from_slice(&state.to_le_bytes());
        }
        put(&mut out, &block, overhead)?;
    }
    put(&mut out, inf, overhead)?;
    out.write_all(signature)?;
    out.into_inner()?.sync_all()
}

/// Writes a data block; for MSZIP, a block that deflate stores uncompressed.
fn put(out: &mut impl Write, bytes: &[u8], overhead: usize) -> std::io::Result<()> {
    out.write_all(&[0; 4])?;
    let length = bytes.len() as u16;
    out.write_all(&(length + overhead as u16).to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    if overhead > 0 {
        out.write_all(b"CK\x01")?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&(!length).to_le_bytes())?;
    }
    out.write_all(bytes)
}
