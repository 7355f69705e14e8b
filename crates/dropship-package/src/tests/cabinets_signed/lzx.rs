//! LZX data with many trees, which cost more than the bytes that they unpack to.

/// Writes bits as LZX reads them: from the top of 16-bit numbers, which are little-endian.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    word: u16,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.word = self.word << 1 | u16::from(value >> bit & 1 == 1);
            self.used += 1;
            if self.used == 16 {
                self.out.extend(self.word.to_le_bytes());
                self.used = 0;
            }
        }
    }
}

/// Path lengths of a complete tree with the longest paths: 1, 2, … 15, 16, 16.
const LENGTHS: usize = 17;
/// Elements of the main tree after the first 256, for a window of 32 KiB, and of the length tree.
const POSITIONS: usize = 240;
const LENGTH_TREE: usize = 249;

/// A pretree for few elements: one bit for runs of elements without a path (18), two for elements that stay (0), six for all others that
/// are used.
fn pretree(bits: &mut Bits) {
    for code in 0..20 {
        bits.put(
            match code {
                18 => 1,
                0 => 2,
                17 | 19 => 0,
                _ => 6,
            },
            4,
        );
    }
}

/// The element of the pretree.
fn element(bits: &mut Bits, code: u32) {
    match code {
        18 => bits.put(0, 1),
        0 => bits.put(2, 2),
        _ => bits.put(48 + code - 1, 6),
    }
}

/// Elements without a path.
fn zeros(bits: &mut Bits, mut count: usize) {
    while count > 0 {
        let run = count.min(51);
        if run >= 20 {
            element(bits, 18);
            bits.put(u32::try_from(run - 20).expect("few"), 5);
            count -= run;
        } else {
            element(bits, 0);
            count -= 1;
        }
    }
}

/// One LZX block that unpacks to one octet, with the longest paths. Those of the block before it are `before`.
fn block(bits: &mut Bits, before: bool) {
    bits.put(1, 3);
    bits.put(1, 24);
    pretree(bits);
    for index in 0..LENGTHS {
        // A code is what is subtracted from the length before, modulo 17.
        let length = (index + 1).min(16);
        let code = if before { 0 } else { 17 - length };
        element(bits, u32::try_from(code).expect("small"));
    }
    zeros(bits, 256 - LENGTHS);
    pretree(bits);
    zeros(bits, POSITIONS);
    pretree(bits);
    zeros(bits, LENGTH_TREE);
    // The octet 0, whose path has one bit.
    bits.put(0, 1);
}

/// Blocks of a folder with a window of 32 KiB, each as long as a block may be.
pub fn many_trees(blocks: usize) -> Vec<(Vec<u8>, u16)> {
    let of = |number: usize| {
        let mut bits = Bits::default();
        if number == 0 {
            bits.put(0, 1);
        }
        let mut unpacked = 0u16;
        while bits.out.len() < 38_000 {
            block(&mut bits, number > 0 || unpacked > 0);
            unpacked += 1;
        }
        while bits.used != 0 {
            bits.put(0, 1);
        }
        (bits.out, unpacked)
    };
    (0..blocks).map(of).collect()
}
