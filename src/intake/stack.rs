//! Work that several threads share, who find more of it while they are at it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is to be done, last found first; it ends when nothing is left and nobody can find more.
#[derive(Debug)]
pub(super) struct Stack<T> {
    inner: Mutex<Inner<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner<T> {
    left: Vec<T>,
    /// How many are at one that they took.
    busy: usize,
}

/// Says that what was taken is done, also when that ends in a panic: nobody waits for ever.
pub(super) struct Done<'a, T>(&'a Stack<T>);

impl<T> Stack<T> {
    pub(super) fn of(first: T) -> Self {
        Self { inner: Mutex::new(Inner { left: vec![first], busy: 0 }), changed: Condvar::new() }
    }

    pub(super) fn put(&self, more: T) {
        self.inner().left.push(more);
        self.changed.notify_one();
    }

    pub(super) fn len(&self) -> usize {
        self.inner().left.len()
    }

    /// The next, with whom it has to be told that it is done; waits while others may find more.
    pub(super) fn take(&self) -> Option<(T, Done<'_, T>)> {
        let mut inner = self.inner();
        loop {
            if let Some(next) = inner.left.pop() {
                inner.busy += 1;
                return Some((next, Done(self)));
            }
            if inner.busy == 0 {
                return None;
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Done<'_, T> {
    fn drop(&mut self) {
        self.0.inner().busy -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn all_that_is_found_is_done_once_and_then_everybody_ends() {
        // Each number finds those below it.
        let (stack, done) = (Stack::of(12_u32), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while let Some((next, _done)) = stack.take() {
                        done.fetch_add(1, Ordering::Relaxed);
                        (0..next).for_each(|more| stack.put(more));
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 1 << 12);
    }

    #[test]
    fn nobody_ends_while_another_may_find_more() {
        // Who takes too early ends with nothing; that needs luck, so it is tried often.
        for _ in 0..200 {
            let (stack, both) = (Stack::of(1), std::sync::Barrier::new(2));
            let (_first, done) = stack.take().expect("it is there");
            std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    both.wait();
                    stack.take().map(|(next, _done)| next)
                });
                both.wait();
                (0..20).for_each(|_| std::thread::yield_now());
                stack.put(2);
                drop(done);
                assert_eq!(other.join().expect("no panic"), Some(2));
            });
        }
    }

    #[test]
    fn who_panics_keeps_nobody_waiting() {
        let stack = Stack::of(0);
        let panicked = std::thread::scope(|scope| {
            let one = scope.spawn(|| {
                let _taken = stack.take();
                panic!("on purpose");
            });
            one.join().is_err()
        });
        assert!(panicked && stack.take().is_none());
    }
}
