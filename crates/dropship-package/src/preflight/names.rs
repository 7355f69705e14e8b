//! Names of files and folders in a package, and how messages show them.

/// The folder of a path; empty at the root.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The file name of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The file name without its extension.
pub(super) fn stem(path: &str) -> &str {
    let name = file_name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// True if the file name has the extension, given without a dot; case is ignored.
pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    file_name(path).rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

/// Lists names for a message: the first five, and the number of the others.
pub(super) fn several<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| shown(name)).collect();
    let list = shown.join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{list} and {more} more"),
        _ => list,
    }
}

/// Prepares a name from a package for a message: control characters are replaced, and it is cut to 200 characters.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 200;
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_splits_into_folder_name_and_stem() {
        assert_eq!((folder("A/b/c.inf"), file_name("A/b/c.inf"), stem("A/b/c.inf")), ("A/b", "c.inf", "c"));
        assert_eq!((folder("c.inf"), file_name("c.inf"), stem("c")), ("", "c.inf", "c"));
        assert!(has_extension("A.b/c.INF", "inf") && !has_extension("A.inf/c", "inf"));
    }

    #[test]
    fn long_list_shows_five_names_and_counts_the_others() {
        assert_eq!(several(["a", "b"]), "a, b");
        assert_eq!(several(["a", "b", "c", "d", "e"]), "a, b, c, d, e");
        assert_eq!(several(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
    }
}
