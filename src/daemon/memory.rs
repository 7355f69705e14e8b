//! Memory: how the heap grows, and what goes back to the system.

use std::sync::Arc;
use std::time::Duration;

use dropship_intake::Intake;

/// Time after the initial scans in which the rest of the start ends.
const REST_OF_START: Duration = Duration::from_secs(12);
/// Time in which all regular work has run once, including the allocations that only its first run makes.
const FIRST_ROUND: Duration = Duration::from_secs(65);
/// Interval between later trims, which return the memory of a burst of packages.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Returns memory to the system after the start, and regularly later. The configuration, recovery and packages leave free pieces of
/// the heap between pieces that are in use. The start also needs pages of the program that are not needed again.
pub(super) async fn trim_regularly(intake: Arc<Intake>) {
    intake.initial_scan_done().await;
    for pause in [REST_OF_START, FIRST_ROUND].into_iter().chain(std::iter::repeat(INTERVAL)) {
        tokio::time::sleep(pause).await;
        let trim = || {
            trim_heap();
            unmap_program()
        };
        match tokio::task::spawn_blocking(trim).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("cannot return the pages of the program: {error}"),
            Err(error) => tracing::debug!("cannot return memory to the system: {error}"),
        }
    }
}

/// Allocations of this length or more have pages of their own, which go back to the system when they are freed. By default, glibc
/// raises this length while the program runs. The large texts and tables of a configuration are then in the heap, with small
/// allocations between them that stay, so their memory is not returned.
#[cfg(target_env = "gnu")]
const OWN_PAGES: libc::c_int = 128 << 10;

/// Sets how the heap grows. To be called once, before the configuration is read.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "mallopt has no safe wrapper")]
pub fn configure_heap() {
    // SAFETY: it takes numbers only, and changes a parameter under the lock of the allocator.
    let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES) } == 1;
    if !is_set {
        tracing::debug!("the allocator does not accept its parameter; the daemon may take more memory");
    }
}

/// Other allocators return memory without being asked.
#[cfg(not(target_env = "gnu"))]
pub fn configure_heap() {}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "malloc_trim has no safe wrapper")]
fn trim_heap() {
    // SAFETY: it takes no pointer, and touches only memory that is free.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators return memory without being asked.
#[cfg(not(target_env = "gnu"))]
fn trim_heap() {}

/// Unmaps the pages of the program and its libraries. The pages stay in the page cache, so a page that is used again is mapped
/// again without a read from the disk.
#[expect(unsafe_code, reason = "madvise has no safe wrapper")]
fn unmap_program() -> std::io::Result<()> {
    let maps = std::fs::read_to_string("/proc/self/smaps")?;
    for (start, length) in unchanged_file_mappings(&maps) {
        let start = std::ptr::without_provenance_mut::<libc::c_void>(start);
        // SAFETY: the call discards only bytes that can be read again.
        // - The mapping still exists: it is private, read-only and has no page of its own. The next access reads the same bytes
        //   from the file again.
        // - The mapping is gone: the call fails.
        // - Another mapping has got the address: this does not happen, because the dynamic linker unloads no part of the program.
        if unsafe { libc::madvise(start, length, libc::MADV_DONTNEED) } != 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The address and length of each private mapping of a file that cannot be written and has no page of its own, from
/// `/proc/PID/smaps`. The dynamic linker writes to some read-only mappings before it protects them: these have such pages.
fn unchanged_file_mappings(smaps: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut current = None;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if first == "Anonymous:" {
            found.extend(current.take().filter(|_| second == "0"));
        } else if let Some((start, end)) = first.split_once('-') {
            let is_file = words.nth(3).is_some_and(|path| path.starts_with('/'));
            let address = |text| usize::from_str_radix(text, 16).ok();
            current = address(start).zip(address(end)).map(|(start, end)| (start, end.saturating_sub(start)));
            current = current.filter(|_| is_file && matches!(second, "r-xp" | "r--p"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mappings_of_files_without_own_pages_are_found() {
        let entry = |range: &str, mode: &str, path: &str, anonymous: u32| {
            format!(
                "{range} {mode} 00001000 fd:00 42  {path}\nSize: 8 kB\nAnonymous:  {anonymous} kB\nVmFlags: rd\n"
            )
        };
        let smaps = [
            entry("1000-3000", "r--p", "/usr/bin/dropship", 0),
            entry("3000-7000", "r-xp", "/usr/bin/dropship (deleted)", 0),
            entry("7000-8000", "r--p", "/usr/bin/dropship", 4),
            entry("8000-9000", "rw-p", "/usr/bin/dropship", 0),
            entry("9000-a000", "rw-p", "[heap]", 0),
            entry("a000-b000", "r-xp", "[vdso]", 0),
            entry("b000-c000", "r--s", "/srv/data", 0),
            entry("c000-d000", "r--p", "", 0),
        ];
        assert_eq!(unchanged_file_mappings(&smaps.concat()), [(0x1000, 0x2000), (0x3000, 0x4000)]);
    }

    #[test]
    fn program_runs_on_after_its_pages_were_unmapped() {
        unmap_program().expect("unmapped");
        trim_heap();
        assert!(
            !unchanged_file_mappings(&std::fs::read_to_string("/proc/self/smaps").expect("read")).is_empty()
        );
    }
}
