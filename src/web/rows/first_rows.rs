//! Finds the first entries of an order in one pass. Most other entries cost one comparison, and are not kept.

use std::cmp::Ordering;

/// Minimum number of entries that are kept before the last ones are dropped.
const ROOM: usize = 256;

/// Keeps the first of the entries that are added.
pub(super) struct FirstRows<T, C> {
    max: usize,
    /// Once entries were dropped, `kept[max - 1]` is the boundary: all other kept entries sort before it.
    kept: Vec<T>,
    compare: C,
    has_dropped: bool,
}

impl<T, C: Fn(&T, &T) -> Ordering> FirstRows<T, C> {
    /// Keeps this number of entries. No two entries may be equal in the order.
    pub(super) fn new(max: usize, compare: C) -> Self {
        Self { max: max.max(1), kept: Vec::new(), compare, has_dropped: false }
    }

    /// Adds an entry.
    pub(super) fn add(&mut self, entry: T) {
        if self.has_dropped && (self.compare)(&entry, &self.kept[self.max - 1]).is_gt() {
            return;
        }
        self.kept.push(entry);
        if self.kept.len() >= self.max.saturating_mul(2).max(ROOM) {
            self.kept.select_nth_unstable_by(self.max - 1, &self.compare);
            self.kept.truncate(self.max);
            self.has_dropped = true;
        }
    }

    /// The first `max` entries after the first `skip` ones, in order.
    pub(super) fn after(mut self, skip: usize) -> Vec<T> {
        if skip >= self.kept.len() || skip >= self.max {
            return Vec::new();
        }
        if self.max < self.kept.len() {
            self.kept.select_nth_unstable_by(self.max - 1, &self.compare);
            self.kept.truncate(self.max);
        }
        if skip > 0 {
            self.kept.select_nth_unstable_by(skip, &self.compare);
        }
        let mut rest = self.kept.split_off(skip);
        rest.sort_unstable_by(&self.compare);
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_in_any_order_give_the_same_part() {
        let ascending: Vec<u32> = (0..1000).collect();
        let descending: Vec<u32> = (0..1000).rev().collect();
        let mixed: Vec<u32> = (0..1000).map(|number| number * 617 % 1000).collect();
        for entries in [ascending, descending, mixed] {
            for (skip, max) in
                [(0, 1), (0, 50), (7, 50), (100, 50), (300, 300), (990, 50), (1000, 50), (5000, 1)]
            {
                let mut first = FirstRows::new(skip + max, u32::cmp);
                entries.iter().for_each(|entry| first.add(*entry));
                assert!(first.kept.len() < (2 * (skip + max)).max(ROOM), "{skip} {max}");
                let expected: Vec<u32> = (0..1000).skip(skip).take(max).collect();
                assert_eq!(first.after(skip), expected, "{skip} {max}");
            }
        }
    }
}
