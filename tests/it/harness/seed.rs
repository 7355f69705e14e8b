//! Pseudo-random numbers whose seed a failing test prints.

/// A generator (splitmix64). `DROPSHIP_SEED` sets the seed.
pub(crate) struct Random(u64);

impl Random {
    /// A new generator; prints its seed, which libtest shows when the test fails.
    pub(crate) fn new() -> Self {
        let seed = std::env::var("DROPSHIP_SEED").map_or_else(
            |_| getrandom::u64().expect("a seed") % 1_000_000,
            |seed| seed.parse().expect("DROPSHIP_SEED is a number"),
        );
        eprintln!("DROPSHIP_SEED={seed}");
        Self(seed)
    }

    /// The next number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
