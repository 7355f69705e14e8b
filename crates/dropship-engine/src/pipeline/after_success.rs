//! `after` of a folder: deletes or moves the dropped file once its job has succeeded.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file_work;
use super::service::Service;
use super::step_context::{StepContext, StepResult};
use crate::digest;
use dropship_config::model::AfterSuccess;
use dropship_job::{Event, Package};
use dropship_redact::Escaped;
use dropship_shared_folder::{FileId, Progress, SharedFolder, TakeOutcome};

/// Permissions of a target folder that `after` creates.
const TARGET_MODE: u32 = 0o750;

/// Permissions of a file that is copied to another file system, at most those of the dropped file.
const COPY_MODE: u32 = 0o644;

/// First interval between attempts.
const MIN_RETRY: Duration = Duration::from_secs(5);

/// Maximum interval between attempts.
const MAX_RETRY: Duration = Duration::from_secs(5 * 60);

/// Deletes, moves or leaves the dropped file of a job that succeeds now. Returns the event of a failure, which is tried again
/// in the background, or of the end of earlier failures.
pub(super) async fn apply_after<S: Service>(ctx: &StepContext<'_, S>) -> Option<Event> {
    let failed_before = ctx.job.after_failure().is_some();
    match carry_out_policy(ctx).await {
        Ok(outcome) if failed_before => Some(Event::AfterDone { how: outcome.unwrap_or_else(nothing_left) }),
        Ok(Some(outcome)) => {
            let job_id = ctx.job.id();
            let name = Escaped(&ctx.job.package().name);
            tracing::info!(%job_id, event = "after", "{job_id} {name}: {outcome}");
            None
        }
        Ok(None) => None,
        Err(why) => Some(Event::AfterFailed { due: ctx.pipeline.clock.after(MIN_RETRY), why }),
    }
}

/// Tries again what [`apply_after`] could not do. Returns whether nothing is left to do.
pub(super) async fn retry_after<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult<bool> {
    let clock = &ctx.pipeline.clock;
    let failed = match carry_out_policy(ctx).await {
        Ok(how) => {
            ctx.record(vec![Event::AfterDone { how: how.unwrap_or_else(nothing_left) }]).await?;
            return Ok(true);
        }
        Err(why) => Event::AfterFailed { due: clock.after(MIN_RETRY), why },
    };
    // The interval doubles with the time since the first failure. Only a changed reason is stored, with an early time: a
    // daemon that starts tries again at once.
    let since = ctx.job.after_failure().map_or_else(|| clock.now(), |failure| failure.since);
    let failing_for = Duration::try_from(clock.now().duration_since(since)).unwrap_or_default();
    let next_attempt = clock.after(failing_for.clamp(MIN_RETRY, MAX_RETRY));
    let recorded_reason = ctx.job.after_failure().map(|failure| failure.why.as_str());
    if matches!(&failed, Event::AfterFailed { why, .. } if recorded_reason != Some(why.as_str())) {
        ctx.record(vec![failed]).await?;
    }
    ctx.retry_background_at(next_attempt);
    Ok(false)
}

fn nothing_left() -> String {
    "the dropped file is gone, or its folder leaves dropped files".to_owned()
}

/// Deletes, moves or leaves the dropped file, as the folder says. A file whose bytes are no longer the job's is left
/// alone. Returns what was done, if anything was; or what failed, why, and what to do.
async fn carry_out_policy<S: Service>(ctx: &StepContext<'_, S>) -> Result<Option<String>, String> {
    let package = ctx.job.package().clone();
    let after = package.folder.as_ref().and_then(|folder| ctx.pipeline.settings.folders.after(folder));
    let (Some((after, root)), Some(path)) = (after, package.path.clone()) else { return Ok(None) };
    let action = match &after {
        AfterSuccess::Leave => return Ok(None),
        AfterSuccess::Delete => format!("delete {path}"),
        AfterSuccess::Move(target) => format!("move {path} to {}", target.display()),
    };
    let drop_folder = root.clone();
    let work = move |progress: &Progress| carry_out(&after, &root, Path::new(&path), &package, progress);
    let done = file_work::run_on_package_in(&drop_folder, work).await;
    done.map_err(|error| {
        format!("cannot {action}: {error}; let the daemon's user write to both folders, and free space on their disks")
    })
}

/// Carries out `after` for the file at `path`, which is below the drop folder `root`. Returns what was done.
pub(super) fn carry_out(
    after: &AfterSuccess,
    root: &Path,
    path: &Path,
    package: &Package,
    progress: &Progress,
) -> io::Result<Option<String>> {
    let leave_alone = |why: &str| Ok(Some(format!("{} {why} and is left alone", path.display())));
    if *after == AfterSuccess::Leave {
        return Ok(None);
    }
    let Ok(relative_path) = path.strip_prefix(root) else { return leave_alone("is not in its drop folder") };
    let opened = SharedFolder::open(root)
        .and_then(|root| root.parent_of(relative_path))
        .and_then(|(folder, name)| folder.file(&name).map(|(file, meta)| (folder, name, file, meta)));
    let (folder, name, mut file, meta) = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotADirectory) => {
            return leave_alone("is no longer a regular file");
        }
        Err(error) => return Err(error),
    };
    let has_job_bytes = meta.len() == package.size
        && digest_of(&mut progress.reader(&mut file), package.size)? == package.sha256;
    // Hashing takes a while, and the file may have been written to.
    if !has_job_bytes || version(&file.metadata()?) != version(&meta) {
        return leave_alone("now contains other bytes");
    }
    let (done, taken) = match after {
        AfterSuccess::Leave => return Ok(None),
        AfterSuccess::Delete => {
            (format!("{} deleted", path.display()), folder.remove_if(&name, FileId::of(&meta))?)
        }
        AfterSuccess::Move(target) => {
            let to = SharedFolder::open_or_create(target, TARGET_MODE)?;
            let dropped = DroppedFile { folder: &folder, name: &name, meta: &meta, package, progress };
            let (new_name, taken) = dropped.move_to(&to, &mut file)?;
            (format!("{} moved to {}", path.display(), target.join(new_name).display()), taken)
        }
    };
    match taken {
        TakeOutcome::Taken => Ok(Some(done)),
        TakeOutcome::Replaced => leave_alone("was replaced by another file, which is not the job's,"),
    }
}

/// The SHA-256 of a file that has `size` bytes. A longer one has another digest, and is not read to its end.
fn digest_of(file: &mut dyn Read, size: u64) -> io::Result<String> {
    digest::of_rest(&mut file.take(size.saturating_add(1)))
}

/// Equal while nothing was written to the file.
fn version(meta: &Metadata) -> (u64, i64, i64, i64, i64) {
    (meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec())
}

/// The dropped file, open and compared with the job's bytes.
struct DroppedFile<'a> {
    folder: &'a SharedFolder,
    name: &'a OsStr,
    meta: &'a Metadata,
    package: &'a Package,
    progress: &'a Progress,
}

impl DroppedFile<'_> {
    /// Moves the file under a free name; copies it to another file system, or between two `ReadWritePaths=` of systemd.
    fn move_to(&self, to: &SharedFolder, file: &mut File) -> io::Result<(PathBuf, TakeOutcome)> {
        for new_name in self.names() {
            let moved = match self.folder.move_if(self.name, FileId::of(self.meta), to, &new_name) {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    self.copy_to(to, &new_name, file)
                }
                moved => moved,
            };
            match moved {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(taken) => {
                    to.sync()?;
                    return Ok((PathBuf::from(new_name), taken));
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "the target has files of every name that was tried"))
    }

    /// Copies the open file, although its name may be of another file by now, and removes the name if it is still of this file.
    fn copy_to(&self, to: &SharedFolder, new_name: &OsStr, file: &mut File) -> io::Result<TakeOutcome> {
        if to.has(new_name)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        to.remove_leftovers(new_name)?;
        let mut staged = to.stage(new_name)?;
        file.rewind()?;
        let mut from = self.progress.reader(file).take(self.package.size.saturating_add(1));
        let (sha256, _) = digest::copy(&mut from, &mut staged)?;
        if sha256 != self.package.sha256 {
            return Ok(TakeOutcome::Replaced);
        }
        staged.set_mode(self.meta.mode() & COPY_MODE | 0o600)?;
        staged.file().sync_all()?;
        staged.publish_new(new_name)?;
        to.sync()?;
        self.folder.remove_if(self.name, FileId::of(self.meta))
    }

    /// Names in the target: the file's own, then with the digest, then with a number.
    fn names(&self) -> impl Iterator<Item = OsString> {
        let name = Path::new(self.name);
        let stem = name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let extension = name.extension().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = self.package.sha256.get(..16).unwrap_or(&self.package.sha256).to_owned();
        let numbered = (0..100).map(move |number| match number {
            0 => format!("{stem}-{sha256}.{extension}").into(),
            number => format!("{stem}-{sha256}-{number}.{extension}").into(),
        });
        std::iter::once(self.name.to_owned()).chain(numbered)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn package(bytes: &[u8]) -> Package {
        Package {
            name: "a.cab".into(),
            path: None,
            folder: None,
            sha256: digest::of(bytes),
            size: bytes.len() as u64,
            outbox: String::new(),
        }
    }

    #[test]
    fn only_the_file_with_the_bytes_of_the_job_is_moved() {
        let home = tempfile::tempdir().unwrap();
        let (root, target) = (home.path().join("drop"), home.path().join("done"));
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir(home.path().join("outside")).unwrap();
        fs::write(home.path().join("outside/a.cab"), b"job").unwrap();
        let after = AfterSuccess::Move(target.clone());
        let apply =
            |path: &Path| carry_out(&after, &root, path, &package(b"job"), &Progress::default()).unwrap();
        let a = root.join("a.cab");
        assert_eq!(apply(&a), None, "it is gone");
        assert!(apply(&home.path().join("outside/a.cab")).unwrap().contains("is left alone"));
        symlink(home.path().join("outside/a.cab"), &a).unwrap();
        symlink(home.path().join("outside"), root.join("link")).unwrap();
        for path in [&a, &root.join("link/a.cab"), &root.join("sub"), &root.join("sub/../a.cab")] {
            assert!(apply(path).unwrap().contains("is left alone"), "{}", path.display());
        }
        fs::remove_file(&a).unwrap();
        for (bytes, left) in [(&b"oth"[..], true), (b"job and more", true), (b"job", false)] {
            fs::write(&a, bytes).unwrap();
            assert_eq!(apply(&a).unwrap().contains("now contains other bytes and is left alone"), left);
            assert_eq!(a.exists(), left);
        }
        for number in 0..3 {
            fs::write(&a, b"job").unwrap();
            let done = apply(&a).unwrap();
            assert!(done.contains(" moved to "), "{number}: {done}");
        }
        assert_eq!(fs::read_dir(&target).unwrap().count(), 4, "each has a name of its own");
        assert!(fs::read(home.path().join("outside/a.cab")).is_ok());
    }

    #[test]
    fn file_is_copied_to_another_file_system() {
        // Copied by the same code as across file systems, which a test without root does not have.
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("a.cab"), b"job").unwrap();
        fs::create_dir(home.path().join("done")).unwrap();
        let (folder, to) = (
            SharedFolder::open(home.path()).unwrap(),
            SharedFolder::open(&home.path().join("done")).unwrap(),
        );
        let (mut file, meta) = folder.file("a.cab").unwrap();
        let package = package(b"job");
        let name = OsStr::new("a.cab");
        let dropped = DroppedFile {
            folder: &folder,
            name,
            meta: &meta,
            package: &package,
            progress: &Progress::default(),
        };
        // Replaced after it was opened: the job's bytes are copied, the other file stays.
        fs::rename(home.path().join("a.cab"), home.path().join("kept")).unwrap();
        fs::write(home.path().join("a.cab"), b"new").unwrap();
        assert_eq!(dropped.copy_to(&to, name, &mut file).unwrap(), TakeOutcome::Replaced);
        assert_eq!(fs::read(home.path().join("done/a.cab")).unwrap(), b"job");
        assert_eq!(fs::read(home.path().join("a.cab")).unwrap(), b"new");
        let taken = dropped.copy_to(&to, name, &mut file).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    }
}
