//! One writer of the storm: creates files in all ways in which programs write files.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::pool::{Pool, sha256};

/// A drop folder, its files and its companion files.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// The contents of the files in this folder.
    pub(crate) pool: Pool,
    /// The companion file that a package needs.
    pub(crate) companion: Companion,
    /// Whether the folder is recursive.
    pub(crate) deep: bool,
}

/// The companion file that a package needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Companion {
    Nothing,
    Marker,
    Checksum,
}

/// A writer at work.
pub(crate) struct Writer {
    pub(crate) number: usize,
    pub(crate) places: Arc<Vec<Place>>,
    /// A folder on the same file system that is not watched.
    pub(crate) aside: PathBuf,
    /// How many files all writers have written.
    pub(crate) written: Arc<AtomicUsize>,
    /// Incomplete files, which are kept open or continued later.
    unfinished: VecDeque<Unfinished>,
    chance: u64,
    nth: usize,
}

struct Unfinished {
    path: PathBuf,
    open: Option<File>,
    rest: Vec<u8>,
}

/// The number of incomplete files at the same time.
const UNFINISHED: usize = 24;

impl Writer {
    pub(crate) fn new(
        number: usize,
        places: &Arc<Vec<Place>>,
        aside: &Path,
        written: &Arc<AtomicUsize>,
    ) -> Self {
        Self {
            number,
            places: Arc::clone(places),
            aside: aside.to_owned(),
            written: Arc::clone(written),
            unfinished: VecDeque::new(),
            chance: 0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1),
            nth: 0,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        usize::try_from(self.chance % end as u64).expect("small")
    }

    /// Writes this many files as fast as possible, then the remaining contents of each pool.
    pub(crate) fn write(mut self, files: usize, writers: usize) {
        let places = Arc::clone(&self.places);
        for _ in 0..files {
            let place = &places[self.below(places.len())];
            self.write_file(place);
            if self.unfinished.len() > UNFINISHED {
                self.finish();
            }
        }
        while !self.unfinished.is_empty() {
            self.finish();
        }
        for place in places.iter() {
            for nth in (self.number..place.pool.all.len()).step_by(writers) {
                let name = format!("last-{}-{nth}.cab", self.number).into();
                let path = place.path.join::<OsString>(name);
                self.write_whole(place, &path, &place.pool.all[nth].0);
            }
        }
    }

    /// Writes one file in one of many ways.
    fn write_file(&mut self, place: &Place) {
        let name = self.name();
        let bytes = &place.pool.all[self.below(place.pool.all.len())].0;
        let path = place.path.join(name);
        match self.below(20) {
            0..=2 => self.write_whole(place, &path, bytes),
            3..=5 => self.rename_in(place, &path, bytes),
            6 => self.rename_in_place(place, &path, bytes),
            7 => self.link_in(place, &path, bytes),
            8 => self.link_twice(place, &path, bytes),
            // Pauses before the file is complete, with the file open or closed.
            9 | 10 => self.begin(place, path, bytes, true),
            11 => self.begin(place, path, bytes, false),
            12 => self.preallocate(place, &path, bytes),
            13 => self.replace(place, &path, bytes),
            14 => {
                self.write_whole(place, &path, bytes);
                fs::remove_file(&path).expect("removed");
            }
            15 => self.write_with_odd_time(place, &path, bytes),
            16 => self.write_other(place, &path),
            17 => self.write_subfolder(place, &path, bytes),
            _ => self.write_in_pieces(place, &path, bytes),
        }
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    fn rename_in_place(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        let part = with_end(path, ".part");
        fs::write(&part, bytes).expect("written");
        fs::rename(part, path).expect("renamed");
        self.write_companion(place, path, bytes);
    }

    fn link_in(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        let aside = self.write_aside(bytes);
        fs::hard_link(&aside, path).expect("linked");
        fs::remove_file(aside).expect("removed");
        self.write_companion(place, path, bytes);
    }

    fn link_twice(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        self.write_whole(place, path, bytes);
        let second = path.with_file_name(format!("link-{}-{}.cab", self.number, self.nth));
        fs::hard_link(path, &second).expect("linked");
        self.write_companion(place, &second, bytes);
    }

    /// With a time in the past or in the future, as `cp -p` and wrong clocks set it.
    fn write_with_odd_time(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        let file = File::create(path).expect("made");
        (&file).write_all(bytes).expect("written");
        let years = Duration::from_secs(86_400 * 365 * 3);
        let now = SystemTime::now();
        let time = if self.below(2) == 0 { now - years } else { now + years };
        file.set_times(FileTimes::new().set_modified(time)).expect("dated");
        drop(file);
        self.write_companion(place, path, bytes);
    }

    /// Packages in a subfolder, or a decoy if subfolders are not watched.
    fn write_subfolder(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        let dir = path.with_file_name(format!("sub-{}-{}", self.number, self.nth));
        if place.deep {
            fs::create_dir_all(dir.join("below")).expect("made");
            self.write_whole(place, &dir.join("a.cab"), bytes);
            self.write_whole(place, &dir.join("below/b.cab"), bytes);
        } else {
            fs::create_dir(&dir).expect("made");
            fs::write(dir.join("decoy.cab"), &place.pool.decoy).expect("written");
        }
    }

    fn write_in_pieces(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        let file = File::create(path).expect("made");
        for piece in bytes.chunks(4096) {
            (&file).write_all(piece).expect("written");
            std::thread::yield_now();
        }
        drop(file);
        self.write_companion(place, path, bytes);
    }

    /// Usual names and some hostile names.
    fn name(&mut self) -> OsString {
        self.nth += 1;
        let (writer, nth) = (self.number, self.nth);
        match self.below(24) {
            0 => format!("-rf {writer} {nth}.cab").into(),
            1 => format!("a\nb {writer} {nth}.cab").into(),
            2 => format!("$(reboot) `{writer}` {{{{ {nth} }}}}.CAB").into(),
            3 => format!("\u{fc}\u{308}\u{1f4be} {writer} {nth}.cab").into(),
            4 => OsString::from_vec(
                [b"\xff\xfe-".as_slice(), format!("{writer}-{nth}.cab").as_bytes()].concat(),
            ),
            5 => format!("{}-{writer}-{nth}.cab", "long".repeat(50)).into(),
            6 => format!("..{writer}.{nth}.Cab").into(),
            _ => format!("driver-{writer}-{nth:05}.cab").into(),
        }
    }

    fn write_aside(&mut self, bytes: &[u8]) -> PathBuf {
        self.nth += 1;
        let path = self.aside.join(format!("{}-{}", self.number, self.nth));
        fs::write(&path, bytes).expect("written");
        path
    }

    fn write_whole(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        if place.companion != Companion::Nothing && self.below(2) == 0 {
            // The companion file comes first.
            self.write_companion(place, path, bytes);
            return fs::write(path, bytes).expect("written");
        }
        fs::write(path, bytes).expect("written");
        self.write_companion(place, path, bytes);
    }

    fn rename_in(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        let aside = self.write_aside(bytes);
        fs::rename(aside, path).expect("renamed");
        self.write_companion(place, path, bytes);
    }

    fn write_companion(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        match place.companion {
            Companion::Nothing => {}
            Companion::Marker => drop(File::create(with_end(path, ".done")).expect("made")),
            Companion::Checksum => {
                let line = format!("{}\n", sha256(bytes));
                fs::write(with_end(path, ".sha256"), line).expect("written");
            }
        }
    }

    fn begin(&mut self, place: &Place, path: PathBuf, bytes: &[u8], keep_open: bool) {
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let file = File::create(&path).expect("made");
        (&file).write_all(first).expect("written");
        self.write_companion(place, &path, bytes);
        let open = keep_open.then_some(file);
        self.unfinished.push_back(Unfinished { path, open, rest: rest.to_vec() });
    }

    fn finish(&mut self) {
        let Some(Unfinished { path, open, rest }) = self.unfinished.pop_front() else { return };
        let file = open.unwrap_or_else(|| OpenOptions::new().append(true).open(path).expect("opened"));
        (&file).write_all(&rest).expect("written");
    }

    fn preallocate(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        let file = File::create(path).expect("made");
        file.set_len(bytes.len() as u64).expect("longer");
        // From the end, as some programs copy, so the header is written last.
        for (nth, piece) in bytes.chunks(5000).enumerate().collect::<Vec<_>>().into_iter().rev() {
            file.write_all_at(piece, nth as u64 * 5000).expect("written");
        }
        drop(file);
        self.write_companion(place, path, bytes);
    }

    /// Other bytes with the same name, replaced in one of several ways.
    fn replace(&mut self, place: &Place, path: &Path, bytes: &[u8]) {
        let other = &place.pool.all[self.below(place.pool.all.len())].0;
        self.write_whole(place, path, other);
        match self.below(3) {
            0 => self.rename_in(place, path, bytes),
            1 => {
                fs::write(path, bytes).expect("written");
                self.write_companion(place, path, bytes);
            }
            _ => {
                let file = OpenOptions::new().write(true).open(path).expect("opened");
                for (nth, piece) in bytes.chunks(3000).enumerate() {
                    file.write_all_at(piece, nth as u64 * 3000).expect("written");
                }
                file.set_len(bytes.len() as u64).expect("cut");
                drop(file);
                self.write_companion(place, path, bytes);
            }
        }
    }

    /// Links, pipes, sockets, folders, temporary files and files of other types, none of which may become a job.
    fn write_other(&mut self, place: &Place, path: &Path) {
        let decoy = &place.pool.decoy;
        match self.below(6) {
            0 => {
                let aside = self.write_aside(decoy);
                symlink(aside, path).expect("linked");
            }
            1 => {
                let status = std::process::Command::new("mkfifo").arg("--").arg(path).status();
                assert!(status.expect("mkfifo").success());
            }
            2 => drop(UnixListener::bind(self.short_path(place)).expect("bound")),
            3 => fs::create_dir(path).expect("made"),
            4 => fs::write(with_end(path, ".tmp"), decoy).expect("written"),
            _ => fs::write(with_end(path, ".txt"), decoy).expect("written"),
        }
        if place.companion != Companion::Nothing {
            self.write_companion(place, path, decoy);
        }
    }

    fn short_path(&self, place: &Place) -> PathBuf {
        place.path.join(format!("s{}-{}.cab", self.number, self.nth))
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
