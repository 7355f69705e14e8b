//! Pauses in words.

use dropship_engine::pipeline::PauseScope;

/// A sentence for each pause.
pub(crate) fn pauses(scopes: &[PauseScope]) -> Vec<String> {
    let line = |scope: &PauseScope| {
        let scope = scope_name(scope.folder());
        format!("PAUSED: {scope}; nothing is created, committed or changed until `dropship resume`")
    };
    scopes.iter().map(line).collect()
}

/// The folder that a pause is about, or `everything`.
pub(crate) fn scope_name(folder: Option<&str>) -> String {
    folder.map_or_else(|| "everything".to_owned(), |folder| format!("folder `{folder}`"))
}
