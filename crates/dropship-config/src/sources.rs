//! The files of a configuration: the one that is named, and those that it includes.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use dropship_glob::Glob;

use super::path_text;
use super::raw::File;
use super::read::{self, ParsedFile};
use super::report::Problem;
use super::source::SourceText;
use super::volume::{MAX_SIZE, Volume};
use dropship_shared_folder::named_file;

/// A file that was read.
#[derive(Debug)]
pub(super) struct SourceUnit {
    pub(super) source: SourceText,
    /// Folder that its relative paths are relative to.
    pub(super) folder: PathBuf,
    pub(super) file: File,
    pub(super) skipped_keys: Vec<(usize, String)>,
    /// The text is not TOML, so nothing of it is known.
    pub(super) is_unreadable: bool,
}

/// Maximum number of files of a configuration.
const MAX_FILES: usize = 10_000;
/// Maximum number of entries of the folders that an include lists.
const MAX_ENTRIES: usize = 100_000;

/// Reads a file and what it includes, in order.
pub(super) fn gather(path: &Path, problems: &mut Vec<Problem>) -> Vec<SourceUnit> {
    let mut volume = Volume::default();
    let Some(root) = read_unit(path, &mut volume, problems) else {
        return Vec::new();
    };
    let mut units = vec![root];
    let mut seen = BTreeSet::from([identity(path)]);
    let included = include(&units[0], problems);
    let mut total = units[0].source.text.len() as u64;
    for path in included {
        if !seen.insert(identity(&path)) {
            continue;
        }
        total = total.saturating_add(std::fs::metadata(&path).map_or(0, |data| data.len()));
        if seen.len() > MAX_FILES || total > MAX_SIZE {
            let message = format!(
                "the configuration has more than {MAX_FILES} files or {} MiB; the rest is not read",
                MAX_SIZE >> 20
            );
            problems.push(Problem::of_file(&path, message));
            break;
        }
        if let Some(unit) = read_unit(&path, &mut volume, problems) {
            refuse_settings(&unit, problems);
            units.push(unit);
        }
    }
    units
}

/// A text as the only file of a configuration, without includes.
pub(super) fn unit_of_text(path: &Path, text: &str, problems: &mut Vec<Problem>) -> SourceUnit {
    let source = SourceText::new(path.to_owned(), text);
    let ParsedFile { file, problems: found, skipped_keys, is_unreadable } = read::read(&source);
    problems.extend(found);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    SourceUnit {
        folder: absolute.parent().map(Path::to_owned).unwrap_or_default(),
        source,
        file,
        skipped_keys,
        is_unreadable,
    }
}

fn read_unit(path: &Path, volume: &mut Volume, problems: &mut Vec<Problem>) -> Option<SourceUnit> {
    match read_text(path).and_then(|text| volume.add(&text).map(|()| text)) {
        Ok(text) => Some(unit_of_text(path, &text, problems)),
        Err(reason) => {
            problems.push(Problem::of_file(path, reason));
            None
        }
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let file = named_file::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let length = file.metadata().map_err(|error| format!("cannot be read: {error}"))?.len();
    if length > MAX_SIZE {
        return Err(format!("is {length} bytes long; no configuration is that big"));
    }
    let mut bytes = Vec::new();
    // Some files of the system have no length and no end.
    let read = file.take(MAX_SIZE + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(format!("is longer than {} MiB; no configuration is that big", MAX_SIZE >> 20));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("is not UTF-8: byte {at} belongs to no character; save the file as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Identity of a file, to recognise it under another path.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Files that a file includes: those of the first glob sorted by path, then those of the next.
fn include(unit: &SourceUnit, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for glob in unit.file.include.iter().flat_map(|globs| &globs.0) {
        let at = glob.span.clone();
        match expand(&unit.folder, glob) {
            Ok(found) if found.is_empty() => problems
                .push(Problem::at(&unit.source, at, format!("no file fits `{}`", glob.value)).into_warning()),
            Ok(found) => {
                let refused = found.iter().filter_map(|path| path_text::check(path).err());
                problems.extend(refused.map(|why| Problem::at(&unit.source, at.clone(), why)));
                paths.extend(found);
            }
            Err(reason) => problems.push(Problem::at(&unit.source, at, reason)),
        }
    }
    paths
}

/// The files that a glob matches, sorted. A path without wildcards must exist.
fn expand(folder: &Path, glob: &str) -> Result<Vec<PathBuf>, String> {
    let path = folder.join(glob);
    let mut found = vec![PathBuf::new()];
    let mut has_wildcard = false;
    for part in path.components() {
        let name = part.as_os_str();
        let pattern = name.to_str().filter(|name| name.contains(['*', '?', '[', '{']));
        match pattern {
            None => found.iter_mut().for_each(|path| path.push(name)),
            Some(pattern) => {
                has_wildcard = true;
                let matcher = Glob::new(pattern).map_err(|error| error.to_string())?;
                let mut next = Vec::new();
                for parent in found {
                    next.extend(children(&parent, &matcher)?);
                    if next.len() > MAX_ENTRIES {
                        return Err(format!("`{glob}` fits more than {MAX_ENTRIES} paths"));
                    }
                }
                found = next;
            }
        }
    }
    if !has_wildcard {
        return match path.exists() {
            true => Ok(found),
            false => Err(format!("`{}` does not exist", path.display())),
        };
    }
    // Anything else that cannot be read is reported: a rule that is missing silently would change what is published.
    found.retain(|path| !path.is_dir());
    found.sort();
    Ok(found)
}

fn children(parent: &Path, glob: &Glob) -> Result<Vec<PathBuf>, String> {
    let entries = match std::fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(Vec::new()),
        Err(error) => return Err(format!("`{}` cannot be listed: {error}", parent.display())),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| format!("`{}` cannot be listed: {error}", parent.display()))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if found.len() >= MAX_ENTRIES {
            return Err(format!("`{}` has too many files that fit `{glob}`", parent.display()));
        }
        let is_hidden = name.starts_with('.') && !glob.as_str().starts_with('.');
        if !is_hidden && glob.is_match(&name) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// An included file may hold folders, rules and tests, and nothing else.
fn refuse_settings(unit: &SourceUnit, problems: &mut Vec<Problem>) {
    // Every table is named here, so that a new one is decided about.
    let File {
        include,
        account,
        accounts,
        api,
        store,
        control,
        metrics,
        web,
        notify,
        guard,
        signers,
        preflight,
        defaults,
        folder: _,
        rule: _,
        test: _,
    } = &unit.file;
    let others = [
        ("include", include.as_ref().map(|value| &value.span)),
        ("[account]", account.as_ref().map(|value| &value.span)),
        ("[accounts]", accounts.as_ref().map(|value| &value.span)),
        ("[api]", api.as_ref().map(|value| &value.span)),
        ("[store]", store.as_ref().map(|value| &value.span)),
        ("[control]", control.as_ref().map(|value| &value.span)),
        ("[metrics]", metrics.as_ref().map(|value| &value.span)),
        ("[web]", web.as_ref().map(|value| &value.span)),
        ("[[notify]]", notify.first().map(|value| &value.span)),
        ("[guard]", guard.as_ref().map(|value| &value.span)),
        ("[signers]", signers.as_ref().map(|value| &value.span)),
        ("[preflight]", preflight.as_ref().map(|value| &value.span)),
        ("[defaults]", defaults.as_ref().map(|value| &value.span)),
    ];
    for (name, span) in others.into_iter().filter_map(|(name, span)| Some((name, span?))) {
        let message = format!("`{name}` is not allowed in an included file");
        problems.push(Problem::at(&unit.source, span.clone(), message).with_help(
            "an included file holds [[folder]], [[rule]] and [[test]]; move this to the main file",
        ));
    }
}
