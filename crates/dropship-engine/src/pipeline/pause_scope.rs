//! What a pause concerns.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Stands for everything in the store and in JSON. No folder can have this name.
const EVERYTHING: &str = "*";

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum PauseScope {
    /// All jobs.
    Everything,
    /// The jobs of the folder with this name.
    Folder(String),
}

impl PauseScope {
    /// The folder, or everything.
    #[must_use]
    pub fn of(folder: Option<&str>) -> Self {
        folder.map_or(Self::Everything, |folder| Self::Folder(folder.to_owned()))
    }

    /// The name of the folder; `None` for everything.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        match self {
            Self::Everything => None,
            Self::Folder(name) => Some(name),
        }
    }

    /// Whether a job of this folder is paused. A job without a folder is paused with everything.
    #[must_use]
    pub fn covers(&self, folder: Option<&str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Folder(name) => folder == Some(name),
        }
    }
}

impl fmt::Display for PauseScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.folder().unwrap_or(EVERYTHING))
    }
}

impl From<String> for PauseScope {
    fn from(text: String) -> Self {
        if text == EVERYTHING { Self::Everything } else { Self::Folder(text) }
    }
}

impl From<PauseScope> for String {
    fn from(scope: PauseScope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_is_stored_as_the_name_of_its_folder_or_a_star() {
        for (scope, text) in [(PauseScope::Everything, "*"), (PauseScope::of(Some("audio")), "audio")] {
            assert_eq!(scope.to_string(), text);
            assert_eq!(serde_json::to_string(&scope).unwrap(), format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<PauseScope>(&format!("\"{text}\"")).unwrap(), scope);
        }
    }

    #[test]
    fn everything_covers_all_folders_and_a_folder_only_itself() {
        let audio = PauseScope::of(Some("audio"));
        assert!(PauseScope::Everything.covers(None) && PauseScope::Everything.covers(Some("audio")));
        assert!(audio.covers(Some("audio")) && !audio.covers(Some("video")) && !audio.covers(None));
    }
}
