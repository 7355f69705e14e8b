//! Which file systems tell of all changes, and which only of those made on this machine.

use std::io;
use std::path::Path;

/// Magic numbers of file systems that other machines write to, from Linux's `magic.h` and the
/// sources of each.
const SHARED: [(u32, &str); 15] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x564c, "NCP"),
    (0x786f_4256, "VirtualBox shared folder"),
    (0xbacb_acbc, "VMware shared folder"),
];

/// The name of a file system that other machines may write to without our kernel hearing of it.
///
/// # Errors
/// When the path cannot be asked about.
pub(super) fn shared(path: &Path) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::statfs(path)?.f_type;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the type's width differs; magic numbers have 32 bits"
    )]
    #[expect(clippy::cast_sign_loss, reason = "likewise")]
    let kind = kind as u32;
    Ok(SHARED.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_disk_is_not_shared() {
        assert_eq!(shared(&std::env::temp_dir()).unwrap(), None);
        assert!(shared(Path::new("/nowhere/at/all")).is_err());
    }
}
