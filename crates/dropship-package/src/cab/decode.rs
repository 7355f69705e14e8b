//! Unpacks the data blocks of a folder in order.

use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::{Decompress, FlushDecompress};
use lzxd::{Lzxd, WindowSize};

/// Maximum length of an unpacked block, and size of MSZIP's dictionary.
pub(super) const BLOCK: usize = 0x8000;

/// Why data could not be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecodeFault {
    /// This decoder does not support it; it may be valid.
    Unread(&'static str),
    /// It violates its format.
    Damaged(&'static str),
}

use DecodeFault::{Damaged, Unread};

/// Unpacks the blocks of one folder in order.
pub(super) enum Decoder {
    /// Not compressed.
    Stored,
    /// Deflate; each block has the previous one as its dictionary.
    Mszip { inflate: Decompress, out: Vec<u8>, previous: Vec<u8> },
    /// LZX.
    Lzx { state: Box<Lzxd>, out: Vec<u8> },
}

impl Decoder {
    /// Creates the decoder for the `typeCompress` field of a folder.
    pub(super) fn new(compression: u16) -> Result<Self, DecodeFault> {
        match compression & 0x0f {
            0 => Ok(Self::Stored),
            1 => Ok(Self::Mszip {
                inflate: Decompress::new(false),
                out: Vec::with_capacity(BLOCK),
                previous: Vec::with_capacity(BLOCK),
            }),
            2 => Err(Unread("Quantum compression is not supported")),
            3 => {
                let window = match (compression >> 8) & 0x1f {
                    15 => WindowSize::KB32,
                    16 => WindowSize::KB64,
                    17 => WindowSize::KB128,
                    18 => WindowSize::KB256,
                    19 => WindowSize::KB512,
                    20 => WindowSize::MB1,
                    21 => WindowSize::MB2,
                    _ => return Err(Damaged("an LZX window of this size is not allowed")),
                };
                Ok(Self::Lzx { state: Box::new(Lzxd::new(window)), out: Vec::new() })
            }
            _ => Err(Damaged("the compression type is not known")),
        }
    }

    /// Unpacks the next block into `length` bytes.
    pub(super) fn block<'o>(&'o mut self, data: &'o [u8], length: usize) -> Result<&'o [u8], DecodeFault> {
        if length > BLOCK {
            return Err(Damaged("a data block states a length above 32 KiB"));
        }
        match self {
            Self::Stored if data.len() == length => Ok(data),
            Self::Stored => Err(Damaged("a stored data block has two lengths")),
            Self::Mszip { inflate, out, previous } => {
                let deflated =
                    data.strip_prefix(b"CK").ok_or(Damaged("a data block does not begin as MSZIP does"))?;
                std::mem::swap(out, previous);
                out.clear();
                inflate.reset(false);
                if !previous.is_empty() {
                    inflate.set_dictionary(previous).map_err(|_| Damaged("MSZIP data is damaged"))?;
                }
                let outcome = inflate.decompress_vec(deflated, out, FlushDecompress::Finish);
                if outcome.is_err() || out.len() != length {
                    return Err(Damaged("MSZIP data is damaged"));
                }
                Ok(out)
            }
            Self::Lzx { state, out } => {
                out.clear();
                // The decoder has assertions that hostile data can trigger. It is not used again after a panic.
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    state
                        .decompress_next(data, length)
                        .map(|unpacked| out.extend_from_slice(unpacked))
                        .is_ok()
                }));
                if outcome.unwrap_or(false) && out.len() == length {
                    Ok(out)
                } else {
                    // Other decoders may accept this data.
                    Err(Unread("LZX data that cannot be unpacked here"))
                }
            }
        }
    }
}
