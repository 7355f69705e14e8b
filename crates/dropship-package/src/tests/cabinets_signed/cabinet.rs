//! Writes cabinets of any shape, and signs them.

use ring::digest::{Context, SHA256};

/// Offset of the header's reserve, and its usual length.
const RESERVE_AT: usize = 40;
const RESERVE: usize = 20;

/// A run of data blocks.
#[derive(Clone, Default)]
pub struct Folder {
    /// Type and parameters of the compression.
    pub compression: u16,
    /// The data of each block, and its length when unpacked.
    pub blocks: Vec<(Vec<u8>, u16)>,
    /// Offset and number of blocks that the folder states instead of its own.
    pub stated: Option<(u32, u16)>,
}

/// A file entry.
#[derive(Clone, Default)]
pub struct Entry {
    pub name: Vec<u8>,
    pub size: u32,
    pub offset: u32,
    pub folder: u16,
}

/// A cabinet.
#[derive(Clone, Default)]
pub struct Cabinet {
    pub folders: Vec<Folder>,
    pub files: Vec<Entry>,
    /// Flags besides that of the reserve.
    pub flags: u16,
    /// Bytes of the header's reserve after the record of the signature.
    pub reserve: Vec<u8>,
    /// Lengths of the reserves of folders and of data blocks.
    pub reserves: [u8; 2],
}

impl Folder {
    /// A folder without compression.
    pub fn stored(content: &[u8]) -> Self {
        let block = |data: &[u8]| (data.to_vec(), u16::try_from(data.len()).expect("short"));
        Self { blocks: content.chunks(0x8000).map(block).collect(), ..Self::default() }
    }
}

impl Entry {
    /// A file at the beginning of a folder.
    pub fn new(name: &str, size: usize, folder: usize) -> Self {
        let size = u32::try_from(size).expect("short");
        let folder = u16::try_from(folder).expect("few");
        Self { name: name.as_bytes().to_vec(), size, offset: 0, folder }
    }
}

impl Cabinet {
    /// The cabinet, with a signature after it that `sign` makes from its digest.
    pub fn signed(&self, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let mut out = self.bytes();
        let mut digest = Context::new(&SHA256);
        let end = RESERVE_AT + RESERVE + self.reserve.len();
        for range in [0..4, 8..36, 40..42, end..out.len()] {
            digest.update(&out[range]);
        }
        let mut signature = sign(digest.finish().as_ref());
        signature.resize(signature.len().next_multiple_of(8), 0);
        let at = u32::try_from(out.len()).expect("short").to_le_bytes();
        let size = u32::try_from(signature.len()).expect("short").to_le_bytes();
        out[44..48].copy_from_slice(&at);
        out[48..52].copy_from_slice(&size);
        out.extend(signature);
        out
    }

    fn bytes(&self) -> Vec<u8> {
        let four = |number: usize| u32::try_from(number).expect("short").to_le_bytes();
        let two = |number: usize| u16::try_from(number).expect("few").to_le_bytes();
        let [folder_reserve, data_reserve] = self.reserves;
        let files: Vec<u8> = self.files.iter().flat_map(Entry::bytes).collect();
        let files_at = RESERVE_AT
            + RESERVE
            + self.reserve.len()
            + self.folders.len() * (8 + usize::from(folder_reserve));
        let data_at = files_at + files.len();
        let (mut entries, mut data) = (Vec::new(), Vec::new());
        for folder in &self.folders {
            let own = (data_at + data.len(), folder.blocks.len());
            match folder.stated {
                None => entries.extend([&four(own.0)[..], &two(own.1)].concat()),
                Some((at, count)) => entries.extend([&at.to_le_bytes()[..], &count.to_le_bytes()].concat()),
            }
            entries.extend(folder.compression.to_le_bytes());
            entries.extend(vec![0; usize::from(folder_reserve)]);
            for (packed, length) in &folder.blocks {
                data.extend([&[0; 4][..], &two(packed.len()), &length.to_le_bytes()].concat());
                data.extend(vec![0; usize::from(data_reserve)]);
                data.extend(packed);
            }
        }
        let mut out = b"MSCF\0\0\0\0".to_vec();
        out.extend([four(data_at + data.len()), [0; 4], four(files_at), [0; 4]].concat());
        out.extend([3, 1]);
        for number in [self.folders.len(), self.files.len(), usize::from(self.flags | 4), 7, 0] {
            out.extend(two(number));
        }
        out.extend(two(RESERVE + self.reserve.len()));
        out.extend(self.reserves);
        out.extend([0, 0, 16, 0]);
        out.extend([0; 16]);
        for part in [&self.reserve, &entries, &files, &data] {
            out.extend(part);
        }
        out
    }
}

impl Entry {
    fn bytes(&self) -> Vec<u8> {
        let mut out = [self.size.to_le_bytes(), self.offset.to_le_bytes()].concat();
        for number in [self.folder, 0x5a21, 0x6000, 0x20] {
            out.extend(number.to_le_bytes());
        }
        out.extend(&self.name);
        out.push(0);
        out
    }
}
