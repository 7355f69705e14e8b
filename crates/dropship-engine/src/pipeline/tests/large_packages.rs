//! Packages that are inspected while they are captured.

use super::crash_points::{CrashTarget, NamedPoint, Side, Write};
use super::fixtures::fixture;
use super::simulation::{Simulation, in_paused_time};
use dropship_job::{ErrorKind, State};

/// A file that is previewed: a cabinet that is longer than the signed one that it was, which the inspection rejects.
fn large() -> Vec<u8> {
    const LENGTH: u32 = 3 << 20;
    let mut bytes = fixture("cab/good-signed.cab");
    bytes.resize(LENGTH as usize, 0);
    // Its header states its length.
    bytes[8..12].copy_from_slice(&LENGTH.to_le_bytes());
    bytes
}

/// The state of the only job after its inspection has ended this number of daemons.
fn after_crashes(crashes: usize) -> State {
    in_paused_time(async {
        let sim = Simulation::new();
        sim.drop_bytes("a", &large());
        for crash in 1..=crashes {
            sim.crash.crash_at(CrashTarget::Named(NamedPoint::Write(Write::InspectionStarted, Side::After)));
            assert!(
                sim.run_daemon(&mut |_| None).await.is_some(),
                "crash {crash} of {crashes}: {:?}",
                sim.jobs()
            );
        }
        sim.run_until_idle(&mut |_| None).await;
        sim.jobs().pop().expect("a job").state().clone()
    })
}

#[test]
fn large_package_whose_inspection_ends_the_daemon_three_times_is_held() {
    // The first crash is in the preview, the others in the inspection of the copy.
    assert!(matches!(after_crashes(3), State::Held { fault, .. } if fault.kind == ErrorKind::Poison));
    assert!(matches!(after_crashes(2), State::Rejected { .. }));
}
