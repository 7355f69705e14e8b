//! Distinguishes local file systems, which report every change, from network shares, which report only local changes.

use std::io;
use std::path::Path;

/// Returns the name of a path's file system if other machines may write to it.
pub(crate) type ShareDetector = fn(&Path) -> io::Result<Option<&'static str>>;

/// File systems that other machines write to, by the magic number that statfs(2) returns. From Linux's `magic.h` and
/// the sources of each.
const REMOTE: [(u32, &str); 15] = [
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

/// Returns the name of a path's file system if other machines may write to it without this kernel's knowledge.
///
/// # Errors
/// statfs(2) fails.
pub(crate) fn remote_kind(path: &Path) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::statfs(path)?.f_type;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the type's width differs; magic numbers have 32 bits"
    )]
    #[expect(clippy::cast_sign_loss, reason = "likewise")]
    let kind = kind as u32;
    Ok(REMOTE.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_disk_is_not_remote_and_missing_path_is_an_error() {
        assert_eq!(remote_kind(&std::env::temp_dir()).unwrap(), None);
        assert!(remote_kind(Path::new("/nowhere/at/all")).is_err());
    }
}
