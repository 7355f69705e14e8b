//! Memory that only the start needs.

use std::sync::Arc;

use dropship_intake::Intake;

/// Returns memory to the system after the initial scans: the configuration, recovery and the scans leave free pieces between
/// those in use, some KiB for each folder, which the allocator would keep.
pub(super) async fn trim_after_start(intake: Arc<Intake>) {
    intake.initial_scan_done().await;
    if let Err(error) = tokio::task::spawn_blocking(trim).await {
        tracing::debug!("cannot return memory to the system: {error}");
    }
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "malloc_trim has no safe wrapper")]
fn trim() {
    // SAFETY: it takes no pointer, and touches only memory that is free.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators return memory without being asked.
#[cfg(not(target_env = "gnu"))]
fn trim() {}
