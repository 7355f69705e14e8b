//! Packages that are inspected while they are captured.

use super::crash_points::{CrashTarget, NamedPoint, Side, Write};
use super::fixtures::fixture;
use super::simulation::{Simulation, in_paused_time};
use dropship_job::{ErrorKind, State};

/// A file that is previewed: a signed cabinet with bytes after its end, which the inspection rejects.
fn large() -> Vec<u8> {
    let mut bytes = fixture("cab/good-signed.cab");
    bytes.resize(3 << 20, 0);
    bytes
}

/// The state of the only job after so many daemons were ended by its inspection.
fn after_crashes(crashes: usize) -> State {
    in_paused_time(async {
        let sim = Simulation::new();
        sim.drop_bytes("a", &large());
        for _ in 0..crashes {
            sim.crash.crash_at(CrashTarget::Named(NamedPoint::Write(Write::InspectionStarted, Side::After)));
            assert!(sim.run_daemon(&mut |_| None).await.is_some(), "it was inspected");
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
