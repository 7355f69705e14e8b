//! The storm: four writers create files of all kinds, in all ways, as fast as possible, while the daemon is killed and
//! started again. The result is exactly one job for each distinct package, and no others.
//!
//! `DROPSHIP_STORM=20000` sets the number of files; the default is small.

mod maker;
mod pool;
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dropship_sandbox::{Options, Quirks};
pub(crate) use maker::PackageTemplate;
use pool::Pool;
use serde_json::Value;
use writer::{Companion, Place, Writer};

use crate::harness::TestEnv;

const WRITERS: usize = 4;

/// Folders with each kind of `ready`; `in` has the default.
const FOLDERS: &str = r#"
[[folder]]
same_content = "take"
name = "deep"
path = "deep"
recursive = true
settle = "300ms"
incomplete = "4s"
poll = "1s"
[[folder]]
same_content = "take"
name = "marked"
path = "marked"
ready = "marker:.done"
settle = "300ms"
incomplete = "4s"
poll = "1s"
[[folder]]
same_content = "take"
name = "summed"
path = "summed"
ready = "sidecar:.sha256"
settle = "300ms"
incomplete = "4s"
poll = "1s"
[[folder]]
same_content = "take"
name = "settled"
path = "settled"
ready = "settled"
settle = "300ms"
incomplete = "4s"
poll = "1s"
"#;

fn env() -> TestEnv {
    let options = Options { speed: 6000.0, quirks: Quirks::none(), page_size: 1000, ..Options::default() };
    let env = TestEnv::at(options, FOLDERS);
    let path = env.path("dropship.toml");
    let text = fs::read_to_string(&path).expect("configuration");
    let text = text
        .replace("settle = \"200ms\"\n", "settle = \"300ms\"\nincomplete = \"4s\"\n")
        .replace("uncertain = \"2s\"", "uncertain = \"2s\"\nworkers = 16")
        // Some file names contain a line break, which no product may have in its name.
        .replace("{{ file.stem }}", "{{ package.sha256[:12] }}");
    fs::write(path, text).expect("changed");
    env
}

/// Number and states of the jobs of each content, by folder.
fn jobs(env: &TestEnv) -> BTreeMap<(String, String), Vec<String>> {
    let mut jobs = BTreeMap::<_, Vec<_>>::new();
    let all = env.json(&["jobs", "--limit", "1000000"]);
    for job in all.as_array().expect("a list") {
        let text = |key: &str| job[key].as_str().unwrap_or_default().to_owned();
        jobs.entry((text("folder"), text("sha256"))).or_default().push(text("state"));
    }
    jobs
}

/// The names of the folders, in the order of [`places`].
const NAMES: [&str; 5] = ["in", "deep", "marked", "summed", "settled"];

/// The folders with the contents of their files.
fn places(env: &TestEnv, good: u64) -> Arc<Vec<Place>> {
    let place = |number: u64, path: &str, companion: Companion, deep: bool| Place {
        path: env.path(path),
        pool: Pool::new(number, good),
        companion,
        deep,
    };
    Arc::new(vec![
        place(0, "drop", Companion::Nothing, false),
        place(1, "deep", Companion::Nothing, true),
        place(2, "marked", Companion::Marker, false),
        place(3, "summed", Companion::Checksum, false),
        place(4, "settled", Companion::Nothing, false),
    ])
}

/// Waits until the daemon has this many jobs, all of them ended, and no file left to decide about.
fn wait_until_all_ended(env: &TestEnv, jobs: u64) {
    until("every job to end", || {
        let status = status(env);
        let open =
            ["queued", "waiting"].iter().filter_map(|state| status["jobs"][state].as_u64()).sum::<u64>();
        let is_calm = |folder: &Value| folder["candidates"] == 0;
        job_count(&status) >= jobs
            && open == 0
            && status["folders"].as_array().is_some_and(|folders| folders.iter().all(is_calm))
    });
}

#[test]
fn storm_of_files_and_kills_ends_with_one_job_per_package() {
    let files: usize = std::env::var("DROPSHIP_STORM").map_or(800, |count| count.parse().expect("a number"));
    let env = env();
    let places = places(&env, files as u64 / 200 + 4);
    let mut due = BTreeMap::new();
    for (place, name) in places.iter().zip(NAMES) {
        due.extend(place.pool.due().into_iter().map(|(sum, state)| ((name.to_owned(), sum), state)));
    }
    let aside = env.path("aside");
    for dir in places.iter().map(|place| &place.path).chain([&aside]) {
        fs::create_dir_all(dir).expect("a folder");
    }
    let written = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let writer = Writer::new(number, &places, &aside, &written);
            std::thread::spawn(move || writer.write(files / WRITERS, WRITERS))
        })
        .collect();
    let mut daemon = env.quiet_daemon();
    for third in [1, 2] {
        until("the writers and the daemon to make progress", || {
            let jobs_now = job_count(&status(&env));
            written.load(Ordering::Relaxed) >= files * third / 3
                && jobs_now * 4 >= due.len() as u64 * third as u64
        });
        daemon.kill();
        daemon = env.quiet_daemon();
    }
    writers.into_iter().for_each(|writer| writer.join().expect("a writer"));
    let wrote = started.elapsed();

    wait_until_all_ended(&env, due.len() as u64);
    let duration = started.elapsed();
    let jobs = jobs(&env);
    for (key, state) in &due {
        let have = jobs.get(key).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(have, [*state], "{key:?} of {files} files; {:#}\n{}", status(&env), env.log());
    }
    assert_eq!(jobs.len(), due.len(), "jobs of other files: {:?}", {
        jobs.keys().filter(|key| !due.contains_key(*key)).collect::<Vec<_>>()
    });
    let good = due.values().filter(|state| **state == "succeeded").count();
    assert_eq!(env.created(), (good, good, good), "products, submissions, labels");
    assert_eq!(daemon.terminate(), Some(0));
    eprintln!(
        "{files} files written in {wrote:.1?}, {} jobs of as many distinct packages ({good} good) ended after {duration:.1?}, \
         the daemon killed twice",
        jobs.len()
    );
}

/// The output of `status`; null while the daemon starts.
pub(crate) fn status(env: &TestEnv) -> Value {
    serde_json::from_slice(&env.run(&["--json", "status"]).stdout).unwrap_or_default()
}

/// The number of jobs, without `running`, which counts some of them a second time.
pub(crate) fn job_count(status: &Value) -> u64 {
    let jobs = status["jobs"].as_object().into_iter().flatten();
    jobs.filter(|(state, _)| *state != "running").filter_map(|(_, count)| count.as_u64()).sum()
}

/// Polls a condition until it holds. The limit is longer than in other tests, because a storm takes long.
pub(crate) fn until(condition: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(600), "timed out: {condition}");
        let _timed_out = never.recv_timeout(Duration::from_millis(50));
    }
}
