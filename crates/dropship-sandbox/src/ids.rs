//! Ids in the form of the service: product ids have 17 digits, all others 19.

/// Generates ids; the same seed generates the same ids.
///
/// Every id is odd and above 2^53, so a client that converts it to a double changes it.
#[derive(Debug)]
pub(crate) struct Ids {
    state: u64,
    product: u64,
    other: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        let mut ids = Self { state: seed, product: 0, other: 0 };
        ids.product = 13_600_000_000_000_001 + 2 * (ids.next() % 50_000_000_000_000);
        ids.other = 1_152_921_504_620_000_001 + 2 * (ids.next() % 10_000_000);
        ids
    }

    /// A number of the splitmix64 sequence.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A product id: larger than every earlier one.
    pub(crate) fn product(&mut self) -> u64 {
        self.product += 2 * (1 + self.next() % 500_000_000);
        self.product
    }

    /// The id of a submission, a label or a shared product.
    pub(crate) fn long(&mut self) -> u64 {
        self.other += 2 * (1 + self.next() % 2_000);
        self.other
    }

    /// A random GUID.
    pub(crate) fn guid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        guid_of(a, b)
    }
}

/// A GUID derived from a text.
pub(crate) fn guid_for(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let word = |range: std::ops::Range<usize>| {
        digest.as_ref().get(range).unwrap_or_default().iter().fold(0_u64, |n, b| (n << 8) | u64::from(*b))
    };
    guid_of(word(0..8), word(8..16))
}

fn guid_of(a: u64, b: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

/// The seller id of an account, eight digits derived from its tenant.
pub(crate) fn seller_for(tenant: &str) -> u64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, tenant.as_bytes());
    let number = digest.as_ref().iter().take(8).fold(0_u64, |n, b| (n << 8) | u64::from(*b));
    20_000_000 + number % 60_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_real_length_and_do_not_fit_a_double() {
        let mut ids = Ids::new(7);
        for _ in 0..20_000 {
            let (product, long) = (ids.product(), ids.long());
            assert_eq!(product.to_string().len(), 17);
            assert_eq!(long.to_string().len(), 19);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "the test checks the loss"
            )]
            let through = |id: u64| id as f64 as u64;
            assert_ne!(through(product), product);
            assert_ne!(through(long), long);
        }
    }

    #[test]
    fn guid_of_a_text_is_stable() {
        assert_eq!(guid_for("x").len(), 36);
        assert_eq!(guid_for("x"), guid_for("x"));
        assert_ne!(Ids::new(1).guid(), Ids::new(2).guid());
    }
}
