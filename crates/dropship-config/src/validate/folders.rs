//! `[[folder]]`: each folder, and the folders against each other.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::api::{delay, nonzero_delay};
use super::database::node_name;
use super::diagnostics::{Diagnostics, FirstUses, Problems};
use crate::model::{AfterSuccess, Backlog, Folder, OnNode, SameContent, Store};
use crate::outbox_layout::in_store;
use crate::raw;
use crate::raw::values::At;
use crate::sources::SourceUnit;
use dropship_intake::ReadyWhen;

/// A folder and its place in the file.
pub(super) struct LocatedFolder {
    pub(super) folder: Folder,
    pub(super) unit: usize,
    path: Range<usize>,
    /// The canonical path, to find two entries for the same folder.
    canonical: PathBuf,
    outbox: Option<(Range<usize>, PathBuf)>,
    target: Option<(Range<usize>, PathBuf)>,
}

/// The default of `exclude`: copies that Syncthing, Dropbox and Windows Explorer leave beside a file.
const EXCLUDED: [&str; 3] = ["*.sync-conflict-*", "*conflicted copy*", "* - Copy*"];

/// Characters that make a folder's name safe in file names, logs and metrics.
const NAME: &str = "letters, digits, `-`, `_` and `.`";

pub(super) fn folders(problems: &mut Problems, units: &[SourceUnit], store: &Store) -> Vec<LocatedFolder> {
    let mut names = FirstUses::new();
    let mut folders = Vec::new();
    for (unit, file) in units.iter().enumerate() {
        let mut diagnostics = problems.diagnostics(file);
        for raw in &file.file.folder {
            folders.extend(folder(&mut diagnostics, raw, unit, &mut names, store));
        }
    }
    check_against_each_other(problems, units, &folders, store);
    folders
}

fn folder(
    diagnostics: &mut Diagnostics<'_>,
    raw: &At<raw::Folder>,
    unit: usize,
    names: &mut FirstUses,
    store: &Store,
) -> Option<LocatedFolder> {
    let name = folder_name(diagnostics, raw, names);
    let path = diagnostics.need_text(&raw.path, &raw.span, "path");
    let path = path.zip(raw.path.as_ref()).map(|(path, raw)| diagnostics.path_at(&raw.span, &path));
    let after = after(diagnostics, raw);
    let globs = |globs: &Option<raw::Globs>, default: &[&str]| match globs {
        Some(globs) => globs.0.iter().map(|glob| glob.value.0.as_str().to_owned()).collect(),
        None => default.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>(),
    };
    let recursive = is_recursive(diagnostics, raw);
    if let Some(include) = &raw.include
        && include.0.is_empty()
    {
        diagnostics.error(&raw.span, "`include` is empty: no file would ever be a package");
    }
    let path_span = raw.path.as_ref().map(|path| path.span.clone()).unwrap_or_default();
    let settle = delay(&raw.settle, Duration::from_secs(2));
    let incomplete = nonzero_delay(diagnostics, &raw.incomplete, "incomplete", Duration::from_secs(3_600));
    if incomplete < settle {
        let span = raw.incomplete.as_ref().or(raw.settle.as_ref()).map_or(&raw.span, |value| &value.span);
        diagnostics.error(span, "`incomplete` must not be shorter than `settle`");
    }
    let name = name?;
    let outbox = raw.outbox.as_ref().map(|path| normalize(&diagnostics.path(path)));
    let on_node =
        on_node(diagnostics, raw, store, outbox.clone().unwrap_or_else(|| in_store(&store.path, &name)));
    let shared_outbox = on_node.as_ref().map(|_| store.shared_outbox(&name));
    let folder = Folder {
        on_node,
        path: normalize(&path?),
        include: globs(&raw.include, &["*.cab", "*.hlkx", "*.hckx"]),
        exclude: globs(&raw.exclude, &EXCLUDED),
        recursive,
        depth: raw.depth.as_ref().map(|depth| usize::try_from(depth.value).unwrap_or(usize::MAX)),
        priority: raw.priority.as_ref().map_or(0, |priority| priority.value),
        ready: raw.ready.as_ref().map_or(ReadyWhen::Whole, |ready| ready.value.0.clone()),
        outbox: shared_outbox.or_else(|| outbox.clone()),
        name,
        outbox_keep: raw.outbox_keep.as_ref().map(|keep| keep.value.0),
        outbox_mode: raw.outbox_mode.as_ref().and_then(|mode| permissions(diagnostics, mode)),
        after,
        backlog: backlog(raw),
        same_content: same_content(raw),
        settle,
        incomplete,
        poll: nonzero_delay(diagnostics, &raw.poll, "poll", Duration::from_secs(30)),
    };
    let outbox = outbox.as_ref().zip(raw.outbox.as_ref());
    let target = match &folder.after {
        AfterSuccess::Move(path) => Some(path).zip(raw.after.as_ref()),
        _ => None,
    };
    Some(LocatedFolder {
        unit,
        path: path_span,
        canonical: canonical_path(&folder.path),
        outbox: outbox.map(|(path, raw)| (raw.span.clone(), canonical_path(path))),
        target: target.map(|(path, raw)| (raw.span.clone(), canonical_path(path))),
        folder,
    })
}

fn backlog(raw: &raw::Folder) -> Backlog {
    match raw.backlog.as_ref().map(|backlog| backlog.value) {
        Some(raw::Backlog::Hold) => Backlog::Hold,
        Some(raw::Backlog::Take) | None => Backlog::Take,
    }
}

fn same_content(raw: &raw::Folder) -> SameContent {
    match raw.same_content.as_ref().map(|same| same.value) {
        Some(raw::SameContent::Take) => SameContent::Take,
        Some(raw::SameContent::Hold) | None => SameContent::Hold,
    }
}

/// Whether subfolders are scanned. Without them, a `depth` is an error.
fn is_recursive(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Folder>) -> bool {
    let recursive = raw.recursive.as_ref().is_some_and(|flag| flag.value);
    if let Some(depth) = raw.depth.as_ref().filter(|_| !recursive) {
        diagnostics.error(&depth.span, "`depth` is for a folder with `recursive = true`");
    }
    recursive
}

/// The node of a folder that is on one machine only. `outbox` is on its disk.
fn on_node(
    diagnostics: &mut Diagnostics<'_>,
    raw: &At<raw::Folder>,
    store: &Store,
    outbox: PathBuf,
) -> Option<OnNode> {
    let at = raw.node.as_ref()?;
    let shared = store.database.as_ref().and_then(|database| database.packages.as_ref());
    if shared.is_none() {
        let message = "`node` is for jobs in a database, with `[store] packages` in a folder that every node mounts, or on object storage";
        let help = "its results are there until the node has copied them; set `[store] url` and `packages`, or remove `node`";
        diagnostics.error_with_help(&at.span, message, help);
        return None;
    }
    Some(OnNode { node: node_name(diagnostics, at), outbox })
}

/// The action on a dropped file after its job has succeeded.
fn after(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Folder>) -> AfterSuccess {
    let Some(after) = &raw.after else { return AfterSuccess::Leave };
    match &after.value.0 {
        AfterSuccess::Move(path) => {
            AfterSuccess::Move(normalize(&diagnostics.path_at(&after.span, &path.to_string_lossy())))
        }
        other => other.clone(),
    }
}

/// The name of a folder; it must be unique and safe in file names.
fn folder_name(
    diagnostics: &mut Diagnostics<'_>,
    raw: &At<raw::Folder>,
    names: &mut FirstUses,
) -> Option<String> {
    let name = diagnostics.need_text(&raw.name, &raw.span, "name")?;
    if let Some(at) = &raw.name {
        let is_unusual = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if name.contains(is_unusual) || name.starts_with('.') {
            diagnostics.error(&at.span, format!("a folder's name is made of {NAME}, and begins with no dot"));
        }
        diagnostics.unique(names, "folders", &name, &at.span);
    }
    Some(name)
}

/// Permission bits, in octal as `chmod` takes them.
fn permissions(diagnostics: &mut Diagnostics<'_>, mode: &At<String>) -> Option<u32> {
    let bits = u32::from_str_radix(mode.trim_start_matches("0o"), 8).ok();
    let bits = bits.filter(|bits| *bits <= 0o777 && bits & 0o622 == 0o600);
    if bits.is_none() {
        let message = format!("`{}` is not a mode for results", mode.value);
        let help = "write octal digits such as \"0640\"; dropship itself must read and write them, and others must not write them";
        diagnostics.error_with_help(&mode.span, message, help);
    }
    bits
}

/// The path through all links, as far as it exists.
fn canonical_path(path: &Path) -> PathBuf {
    for head in path.ancestors() {
        if let (Ok(mut whole), Ok(tail)) = (std::fs::canonicalize(head), path.strip_prefix(head)) {
            whole.push(tail);
            return normalize(&whole);
        }
    }
    normalize(path)
}

/// The path without `.` and `..`.
fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                out.pop();
            }
            std::path::Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

impl LocatedFolder {
    /// Whether both are on one machine, as far as the configuration says.
    fn may_share_machine(&self, other: &Self) -> bool {
        match (&self.folder.on_node, &other.folder.on_node) {
            (Some(one), Some(other)) => one.node == other.node,
            _ => true,
        }
    }

    /// Whether this folder scans files of the folder `path`.
    fn watches(&self, path: &Path) -> bool {
        path == self.canonical || (self.folder.recursive && path.starts_with(&self.canonical))
    }
}

/// Folders of which one watches the other, by their places: the later one, then the earlier one.
///
/// Found by the folders above each, not by pairs: of ten thousand folders those are fifty million.
fn overlaps(folders: &[LocatedFolder]) -> BTreeSet<(usize, usize)> {
    let mut by_path = HashMap::<&Path, Vec<usize>>::new();
    for (index, folder) in folders.iter().enumerate() {
        by_path.entry(&folder.canonical).or_default().push(index);
    }
    let mut overlaps = BTreeSet::new();
    for (below, folder) in folders.iter().enumerate() {
        for above in folder.canonical.ancestors().filter_map(|path| by_path.get(path)).flatten() {
            let other = &folders[*above];
            if *above != below && other.watches(&folder.canonical) && other.may_share_machine(folder) {
                overlaps.insert((below.max(*above), below.min(*above)));
            }
        }
    }
    overlaps
}

fn check_against_each_other(
    problems: &mut Problems,
    units: &[SourceUnit],
    folders: &[LocatedFolder],
    store: &Store,
) {
    let store = canonical_path(&store.path);
    let overlaps = overlaps(folders);
    for (index, located) in folders.iter().enumerate() {
        let mut diagnostics = problems.diagnostics(&units[located.unit]);
        let name = &located.folder.name;
        for (_, other) in overlaps.range((index, 0)..(index + 1, 0)) {
            let other = &folders[*other].folder.name;
            let message = format!("folders `{name}` and `{other}` overlap: a package would be two jobs");
            diagnostics.error_with_help(
                &located.path,
                message,
                "use separate folders, or remove `recursive`",
            );
        }
        if located.canonical.starts_with(&store) || located.watches(&store) {
            diagnostics.error(&located.path, format!("folder `{name}` and the store overlap"));
        }
        let own_outboxes = store.join("outbox");
        if let Some((span, outbox)) = &located.outbox
            && outbox.starts_with(&store)
            && !outbox.starts_with(&own_outboxes)
        {
            let help = "leave `outbox` out, so that the results go to a folder in the store, or name a folder elsewhere";
            diagnostics.error_with_help(span, "the outbox is inside the store", help);
        }
        if let Some((span, target)) = &located.target
            && target.starts_with(&store)
        {
            let help = "the store is dropship's own; move them elsewhere";
            diagnostics.error_with_help(span, "`after` would move files into the store", help);
        }
        let has_targets = located.outbox.is_some() || located.target.is_some();
        for drop_folder in
            folders.iter().filter(|drop_folder| has_targets && drop_folder.may_share_machine(located))
        {
            if let Some((span, outbox)) = &located.outbox
                && outbox.starts_with(&drop_folder.canonical)
            {
                let message = format!("the outbox is inside the drop folder `{}`", drop_folder.folder.name);
                let help = "the results would be found as dropped files; name a folder elsewhere";
                diagnostics.error_with_help(span, message, help);
            }
            if let Some((span, target)) = &located.target
                && drop_folder.watches(target)
            {
                let message =
                    format!("`after` would move files into the drop folder `{}`", drop_folder.folder.name);
                diagnostics.error_with_help(
                    span,
                    message,
                    "they would be dropped again; move them elsewhere",
                );
            }
        }
    }
}
