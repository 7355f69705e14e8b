//! The number of blocks in flight.

use tokio::time::Duration;

use super::buffers::BUFFERS;

/// Initial number of blocks in flight.
const INITIAL_SIZE: usize = 4;
/// A block that takes less time shows that the link can carry more blocks.
const MAX_FAST_TIME: Duration = Duration::from_secs(10);
/// A block that takes more time shows that the link can carry fewer blocks.
const SLOW: Duration = Duration::from_secs(45);

/// Grows only while the link is the bottleneck. If the file or its digest is, more blocks in flight only use more memory.
pub(super) struct UploadWindow {
    /// Maximum number of blocks in flight.
    pub(super) size: usize,
    /// Number of consecutive blocks that were sent while the window was full.
    full_blocks: usize,
}

impl Default for UploadWindow {
    fn default() -> Self {
        Self { size: INITIAL_SIZE, full_blocks: 0 }
    }
}

impl UploadWindow {
    /// Records that a block was stored, with the number of blocks that were in flight, including it.
    pub(super) fn record(&mut self, took: Duration, in_flight: usize) {
        if took > SLOW {
            *self = Self { size: (self.size / 2).max(1), full_blocks: 0 };
        } else if took < MAX_FAST_TIME && in_flight >= self.size {
            self.full_blocks += 1;
            if self.full_blocks >= self.size {
                *self = Self { size: (self.size + 1).min(BUFFERS), full_blocks: 0 };
            }
        } else {
            self.full_blocks = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn after(times: &[(Duration, usize)]) -> usize {
        let mut window = UploadWindow::default();
        times.iter().for_each(|(took, in_flight)| window.record(*took, *in_flight));
        window.size
    }

    #[test]
    fn full_window_grows_by_one_after_as_many_quick_blocks_as_its_size() {
        assert_eq!(after(&[(SECOND, 4); 3]), 4);
        assert_eq!(after(&[(SECOND, 4); 4]), 5);
        assert_eq!(after(&[(SECOND, 14); 4 + 5 + 6]), 7);
        assert_eq!(after(&[(SECOND, 14); 1000]), BUFFERS);
        let read_slowly = [[(SECOND, 4); 3], [(SECOND, 3); 3]].concat().repeat(100);
        assert_eq!(after(&read_slowly), 4);
    }

    #[test]
    fn window_shrinks_when_blocks_take_long() {
        assert_eq!(after(&[(SLOW * 2, 4)]), 2);
        assert_eq!(after(&[(SLOW * 2, 4); 9]), 1);
        assert_eq!(after(&[(SECOND * 20, 4); 100]), 4, "neither quick nor slow");
        assert_eq!(after(&[[(SECOND, 4); 3], [(SECOND * 20, 4); 3]].concat().repeat(9)), 4);
    }
}
