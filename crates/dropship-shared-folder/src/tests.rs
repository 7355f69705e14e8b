use std::fs;
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use super::*;
use crate::lookup::{by_component, plain_parts};

/// A shared folder beside a file that is outside of it.
fn open_folder() -> (tempfile::TempDir, SharedFolder) {
    let home = tempfile::tempdir().unwrap();
    for folder in ["drop", "drop/real", "outside"] {
        fs::create_dir(home.path().join(folder)).unwrap();
    }
    fs::write(home.path().join("outside/a.cab"), b"secret").unwrap();
    fs::write(home.path().join("drop/real/b.cab"), b"data").unwrap();
    fs::write(home.path().join("drop/a.cab"), b"data").unwrap();
    symlink(home.path().join("outside/a.cab"), home.path().join("drop/link.cab")).unwrap();
    symlink(home.path().join("outside"), home.path().join("drop/sub")).unwrap();
    symlink("real", home.path().join("drop/inner")).unwrap();
    let fifo = home.path().join("drop/fifo.cab");
    rustix::fs::mknodat(rustix::fs::CWD, fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let folder = SharedFolder::open(&home.path().join("drop")).unwrap();
    (home, folder)
}

fn names(folder: &SharedFolder) -> Vec<std::ffi::OsString> {
    let mut names = Vec::new();
    let listed = folder.list(|entry| {
        names.push(entry.name.to_owned());
        Ok(())
    });
    assert_eq!(listed.unwrap(), ListingExtent::Wholly);
    names
}

const REFUSED: [&str; 8] =
    ["link.cab", "inner/b.cab", "sub/a.cab", "fifo.cab", "../outside/a.cab", "real", "/etc/hosts", ""];

#[test]
fn link_or_special_file_is_refused_without_blocking() {
    let (home, folder) = open_folder();
    for name in REFUSED {
        assert!(folder.file(name).is_err(), "{name}");
    }
    assert_eq!(folder.file("real/b.cab").unwrap().1.len(), 4);
    assert_eq!(folder.file("absent.cab").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(folder.file("link.cab").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(folder.folder("sub").is_err() && folder.folder("real").is_ok());
    // The folder itself may be a link.
    symlink(home.path().join("drop"), home.path().join("alias")).unwrap();
    assert!(SharedFolder::open(&home.path().join("alias")).unwrap().file("a.cab").is_ok());
}

#[test]
fn lookup_without_openat2_refuses_the_same() {
    let (_home, folder) = open_folder();
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |name: &str| {
        let parts = plain_parts(Path::new(name)).ok()?;
        let fd = by_component(folder.fd().as_fd(), &parts, flags).ok()?;
        Some(fs::File::from(fd)).filter(|file| file.metadata().unwrap().is_file())
    };
    for name in REFUSED {
        assert!(open(name).is_none(), "{name}");
    }
    assert!(open("real/b.cab").is_some() && open("a.cab").is_some());
}

#[test]
fn long_file_is_not_read() {
    let (_home, folder) = open_folder();
    assert_eq!(folder.read("a.cab", 4).unwrap().0, b"data");
    assert_eq!(folder.read("a.cab", 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
}

#[test]
fn file_is_removed_or_moved_only_if_it_is_the_one_that_was_opened() {
    let (home, folder) = open_folder();
    let at = |name: &str| home.path().join(name);
    let target = SharedFolder::open(&at("outside")).unwrap();
    for replace in ["file", "link", "folder", "fifo", "nothing"] {
        let name = format!("{replace}.x");
        let path = at("drop").join(&name);
        fs::write(&path, b"one").unwrap();
        let (_open, meta) = folder.file(&name).unwrap();
        fs::remove_file(&path).unwrap();
        match replace {
            "file" => fs::write(&path, b"two").unwrap(),
            "link" => symlink(at("outside/a.cab"), &path).unwrap(),
            "folder" => fs::create_dir(&path).unwrap(),
            "fifo" => rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap(),
            _ => {}
        }
        let before = names(&folder).len();
        assert_eq!(folder.remove_if(&name, FileId::of(&meta)).unwrap(), TakeOutcome::Replaced, "{replace}");
        assert_eq!(folder.move_if(&name, FileId::of(&meta), &target, "x").unwrap(), TakeOutcome::Replaced);
        assert_eq!(names(&folder).len(), before, "{replace}");
    }
    let id = FileId::of(&folder.file("a.cab").unwrap().1);
    assert_eq!(folder.move_if("a.cab", id, &target, "a.cab").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(at("drop/a.cab")).unwrap(), b"data", "it has its name back");
    assert_eq!(folder.move_if("a.cab", id, &target, "b.cab").unwrap(), TakeOutcome::Taken);
    assert_eq!(target.remove_if("b.cab", id).unwrap(), TakeOutcome::Taken);
    assert_eq!(names(&target), ["a.cab"]);
}

#[test]
fn staged_file_appears_complete_or_not_at_all() {
    let (home, folder) = open_folder();
    for name in ["a.cab", "link.cab", "fifo.cab", "new.cab"] {
        let mut staged = folder.stage(name).unwrap();
        staged.write_all(b"whole").unwrap();
        staged.set_mode(0o640).unwrap();
        staged.publish(name).unwrap();
        let (bytes, meta) = folder.read(name, 10).unwrap();
        assert_eq!((bytes.as_slice(), meta.permissions().mode() & 0o777), (&b"whole"[..], 0o640), "{name}");
    }
    assert_eq!(fs::read(home.path().join("outside/a.cab")).unwrap(), b"secret");
    let before = names(&folder).len();
    drop(folder.stage("x").unwrap());
    assert!(folder.stage("real").unwrap().publish("real").is_err());
    assert!(folder.stage("a.cab").unwrap().publish_new("a.cab").is_err());
    assert_eq!(names(&folder).len(), before, "an unpublished file is deleted");
    std::mem::forget(folder.stage("x").unwrap());
    fs::write(home.path().join("drop/.x.mine.part"), b"").unwrap();
    folder.remove_leftovers("x").unwrap();
    assert_eq!(names(&folder).len(), before + 1, "only temporary names are deleted");
}

#[test]
fn folder_that_others_can_write_is_not_private() {
    let (home, folder) = open_folder();
    let real = folder.folder("real").unwrap();
    for (mode, private) in [(0o750, true), (0o2755, true), (0o770, false), (0o1757, false)] {
        fs::set_permissions(home.path().join("drop/real"), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(real.is_private(&folder).unwrap(), private, "{mode:o}");
    }
    let created = folder.create_folder("made", 0o751).unwrap();
    assert!(created.is_private(&folder).unwrap());
    assert!(folder.create_folder("made", 0o751).is_err() && folder.create_folder("sub", 0o751).is_err());
}

#[test]
fn metadata_is_that_of_the_entry_itself_and_of_no_link_above_it() {
    let (_home, folder) = open_folder();
    for (name, file, link) in [
        ("a.cab", true, false),
        ("link.cab", false, true),
        ("fifo.cab", false, false),
        ("real/b.cab", true, false),
    ] {
        let meta = folder.metadata(name).unwrap();
        assert_eq!((meta.is_file(), meta.is_symlink()), (file, link), "{name}");
    }
    for name in ["inner/b.cab", "sub/a.cab", "../outside/a.cab", "", "absent"] {
        assert!(folder.metadata(name).is_err(), "{name}");
    }
}

#[test]
fn created_folders_have_their_mode_at_each_level() {
    let home = tempfile::tempdir().unwrap();
    SharedFolder::open_or_create(&home.path().join("a/b/c"), 0o777).unwrap();
    for path in ["a", "a/b", "a/b/c"] {
        let mode = fs::metadata(home.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o777, "{path}");
    }
    symlink("nowhere", home.path().join("link")).unwrap();
    assert!(SharedFolder::open_or_create(&home.path().join("link"), 0o750).is_err());
}

#[test]
fn created_folder_has_its_mode_and_the_setgid_bit_whatever_the_umask_is() {
    let home = tempfile::tempdir().unwrap();
    // Root may have changed the group; another user may set the bit for a group of its own.
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o2755)).unwrap();
    let parent = SharedFolder::open(home.path()).unwrap();
    let before = rustix::process::umask(Mode::from_raw_mode(0o077));
    let created = parent.create_folder("made", 0o755);
    let after = rustix::process::umask(before);
    assert_eq!(after, Mode::from_raw_mode(0o077), "the umask of the process is unchanged");
    assert_eq!(created.unwrap().stat().unwrap().st_mode & 0o7777, 0o2755);
}

#[test]
fn configured_path_may_contain_links_of_its_administrator() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("real/below")).unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    symlink(home.path().join("real"), home.path().join("absolute")).unwrap();
    symlink("absolute/../real", home.path().join("relative")).unwrap();
    symlink("loop", home.path().join("loop")).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let id = |path: &Path| FileId::of(&fs::metadata(path).unwrap());
    for path in ["real/below", "absolute/below", "relative/below", "relative/below/../below/."] {
        let path = home.path().join(path);
        let opened = [configured_path::open(&path), configured_path::by_component(&path)];
        for opened in opened {
            let meta = fs::File::from(opened.unwrap()).metadata().unwrap();
            assert_eq!(FileId::of(&meta), id(&home.path().join("real/below")), "{}", path.display());
        }
    }
    for path in ["loop", "file", "absent", "relative/absent", "file/.."] {
        let path = home.path().join(path);
        assert!(SharedFolder::open(&path).is_err(), "{}", path.display());
        assert!(configured_path::by_component(&path).is_err(), "{}", path.display());
    }
    assert!(SharedFolder::open(Path::new("/")).is_ok() && SharedFolder::open(Path::new(".")).is_ok());
}

#[test]
fn root_link_that_another_user_can_have_made_is_not_followed() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it needs files of another user; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    const STRANGER: u32 = 61_236;
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("open")).unwrap();
    fs::create_dir(home.path().join("outside")).unwrap();
    let link = home.path().join("open/done");
    symlink("../outside", &link).unwrap();
    for (mode, above, owner, is_followed) in [
        (0o777, 0, 0, true),
        (0o777, 0, STRANGER, false),
        (0o1777, 0, STRANGER, false),
        (0o2775, 0, STRANGER, false),
        (0o755, 0, STRANGER, true),
        (0o755, STRANGER, STRANGER, false),
        (0o755, STRANGER, STRANGER + 1, false),
        (0o755, STRANGER, 0, true),
    ] {
        fs::set_permissions(home.path().join("open"), fs::Permissions::from_mode(mode)).unwrap();
        std::os::unix::fs::chown(home.path().join("open"), Some(above), None).unwrap();
        std::os::unix::fs::lchown(&link, Some(owner), None).unwrap();
        let opened = SharedFolder::open(&link);
        assert_eq!(opened.is_ok(), is_followed, "{mode:o} {above} {owner}");
        assert_eq!(SharedFolder::open_or_create(&link.join("new"), 0o755).is_ok(), is_followed);
        drop(fs::remove_dir(home.path().join("outside/new")));
    }
}
