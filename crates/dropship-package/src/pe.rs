//! The machine type in the header of a driver binary.

/// The architecture of a PE image from its first bytes; `None` if it is not a PE image.
pub(crate) fn machine(head: &[u8]) -> Option<String> {
    if !head.starts_with(b"MZ") {
        return None;
    }
    let header_offset = u32::from_le_bytes(head.get(0x3c..0x40)?.try_into().ok()?);
    let header = head.get(usize::try_from(header_offset).ok()?..)?;
    let machine = header.strip_prefix(b"PE\0\0")?.get(..2)?;
    let machine = u16::from_le_bytes(machine.try_into().ok()?);
    // Numbers from "Machine Types" in Microsoft's description of the PE format.
    Some(match machine {
        0x014c => "x86".into(),
        0x0200 => "ia64".into(),
        0x01c0 | 0x01c2 | 0x01c4 => "arm".into(),
        0x8664 => "amd64".into(),
        0xaa64 => "arm64".into(),
        other => format!("0x{other:04x}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_is_read_without_reading_beyond_the_end() {
        let mut image = vec![0u8; 0x88];
        image[..2].copy_from_slice(b"MZ");
        image[0x3c] = 0x80;
        image[0x80..0x86].copy_from_slice(b"PE\0\0\x64\x86");
        assert_eq!(machine(&image).unwrap(), "amd64");
        assert_eq!(machine(&image[..0x85]), None);
        image[0x3f] = 0xff;
        assert_eq!(machine(&image), None);
        assert_eq!(machine(b"MZ"), None);
        assert_eq!(machine(b""), None);
    }
}
