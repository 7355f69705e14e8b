//! dropship's client and others, measured in the same way. `cargo run --release --manifest-path
//! benches/peers/Cargo.toml` compares its upload with that of the official `azure_storage_blob` crate, in turns, to a
//! store that discards everything. Each round of each client is a process of its own, so its memory and processor time
//! can be measured. `benches/compare.py` runs the parts: `store` and `api` are servers; `sqlite FOLDER`, `step BASE
//! COUNT` and `CLIENT URL FILE LENGTH COUNT [AT-ONCE [SHA256]]` are measurements.

#[path = "../../sink/mod.rs"]
mod sink;
mod sqlite;
mod step;
mod uploads;

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use url::Url;

const GIB: u64 = 1 << 30;
const SMALL: u64 = 2 << 20;
const MANY: usize = 200;
const ROUNDS: usize = 7;
/// The names of the clients on the command line.
const CLIENTS: [&str; 4] = ["dropship", "azure-defaults", "azure-8MiB-4", "one-put"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [store] if store == "store" => sink::store(),
        [api] if api == "api" => step::serve(),
        [sqlite, folder] if sqlite == "sqlite" => sqlite::measure(Path::new(folder)),
        [step, base, count] if step == "step" => {
            let (base, count) = (base.parse().expect("a URL"), count.parse().expect("a number"));
            // In a task, like a job of the daemon.
            runtime().block_on(async { tokio::spawn(step::measure(base, count)).await.expect("measured") });
        }
        [client, base, file, length, count, more @ ..] => {
            let number = |text: &str| text.parse::<u64>().expect("a number");
            let at_once = more.first().map_or(1, |text| text.parse().expect("a number"));
            let sha256 = more.get(1).map_or("", String::as_str);
            let base = base.parse().expect("a URL");
            round(client, base, (Path::new(file), number(length)), (number(count), at_once), sha256);
        }
        _ => compare(),
    }
}

fn compare() {
    let (_sink, base) = sink::Sink::start();
    let folder = tempfile::tempdir().expect("a folder");
    for (what, length, count) in [("1 GiB", GIB, 1), ("200 x 2 MiB", SMALL, MANY)] {
        let file = folder.path().join(length.to_string());
        std::fs::File::create(&file).and_then(|file| file.set_len(length)).expect("a sparse file");
        let mut found: Vec<Vec<Vec<f64>>> = vec![Vec::new(); CLIENTS.len()];
        for _ in 0..ROUNDS {
            for (client, found) in CLIENTS.iter().zip(&mut found) {
                found.push(measure(client, &base, &file, length, count));
            }
        }
        println!("{what:<16} {:>8} {:>8} {:>8}", "wall s", "cpu s", "MiB");
        for (client, rounds) in CLIENTS.iter().zip(&found) {
            let median = |at: usize| {
                let mut values: Vec<f64> = rounds.iter().map(|round| round[at]).collect();
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            };
            println!("  {client:<14} {:>8.3} {:>8.2} {:>8.0}", median(0), median(1), median(2));
        }
    }
}

/// Runs one round in a process of its own; returns wall time, processor time and memory.
fn measure(client: &str, base: &Url, file: &Path, length: u64, count: usize) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([client, base.as_str()])
        .arg(file)
        .args([length.to_string(), count.to_string()])
        .output()
        .expect("a round");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{client}: {}", String::from_utf8_lossy(&output.stderr));
    text.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

fn round(client: &str, base: Url, file: (&Path, u64), times: (u64, usize), sha256: &str) {
    let runtime = runtime();
    let start = Instant::now();
    runtime.block_on(uploads::run(client, base, file, times, sha256));
    let wall = start.elapsed().as_secs_f64();
    println!("{wall} {} {}", processor(), sink::peak_mib());
}

fn runtime() -> tokio::runtime::Runtime {
    drop(rustls::crypto::ring::default_provider().install_default());
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("tokio")
}

/// The processor time of this process so far, in seconds.
fn processor() -> f64 {
    let mut text = String::new();
    std::fs::File::open("/proc/self/stat").and_then(|mut file| file.read_to_string(&mut text)).expect("stat");
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    // utime and stime, in hundredths of a second (proc(5), fields 14 and 15; state is field 3).
    (fields[11].parse::<f64>().expect("utime") + fields[12].parse::<f64>().expect("stime")) / 100.0
}
