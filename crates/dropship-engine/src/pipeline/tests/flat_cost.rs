//! The cost of a package does not depend on how many jobs the store remembers.

use super::fixtures::RuleOptions;
use super::simulation::{Simulation, in_paused_time};
use dropship_store::Reads;

/// Jobs that are remembered, each with two published labels.
const REMEMBERED: [u64; 3] = [10, 1_000, 5_000];

/// The number of reads for one package, by the number of remembered jobs of the same rule and the same driver.
fn reads_of_a_package(remembered: u64, supersede: bool) -> Reads {
    in_paused_time(async {
        let sim = Simulation::with(RuleOptions { supersede, ..RuleOptions::default() });
        sim.drop_package("a", "good-signed");
        sim.run_until_idle(&mut |_| None).await;
        sim.remember_copies_of_the_first_job(remembered).await;
        sim.reads_of_package("b", "good-signed-ts").await
    })
}

#[test]
fn package_reads_the_same_from_the_store_however_many_jobs_it_remembers() {
    for (supersede, remembered) in [(true, &REMEMBERED[..]), (false, &REMEMBERED[..2])] {
        let reads: Vec<_> = remembered.iter().map(|count| reads_of_a_package(*count, supersede)).collect();
        let few = reads[0];
        assert!(few.lookups > 50 && few.pairs > 50, "the whole way is counted: {few:?}");
        for (remembered, many) in remembered.iter().zip(&reads) {
            // A turn of a worker more or less reads a pair.
            let more = (many.lookups.saturating_sub(few.lookups)).max(many.pairs.saturating_sub(few.pairs));
            assert!(
                more <= 3,
                "with {remembered} remembered jobs, superseding: {supersede}: {many:?} instead of {few:?}"
            );
            // Numbers have more digits.
            assert!(many.bytes.abs_diff(few.bytes) <= few.bytes / 50, "{many:?}, {few:?}");
        }
    }
}
