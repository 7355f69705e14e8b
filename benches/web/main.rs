//! The pages with 100,000 jobs: the time of each page, and the time of packages through the daemon without and with readers.
//!
//! `cargo bench --bench web`; `DROPSHIP_WEB_JOBS` sets the number of jobs. The limit is 200 ms for each page. With
//! `fill CONFIG JOBS WEEKS` it fills the store of a configuration with jobs of the last weeks instead, as `tests/browser` does.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench reports, and ends when it cannot run"
)]

mod fill;
mod fleet;
mod history;
#[path = "../../tests/it/storm/maker.rs"]
mod maker;
mod measure;
mod readers;
mod site;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [fill, config, jobs, weeks] if fill == "fill" => {
            let jobs = jobs.parse().expect("a number of jobs");
            fill::fill(Path::new(config), jobs, weeks.parse().expect("a number of weeks"));
        }
        _ => {
            let jobs = std::env::var("DROPSHIP_WEB_JOBS");
            measure::measure(jobs.map_or(100_000, |jobs| jobs.parse().expect("a number of jobs")));
        }
    }
}
