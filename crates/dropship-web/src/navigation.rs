//! The sections of the site.

use maud::{Markup, html};

/// A section of the site, in the order of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What needs attention, and what is in progress.
    Overview,
    /// All packages.
    Packages,
    /// The shipping labels and their calendar.
    Labels,
    /// Which labels reach a device.
    Who,
    /// The rules in force.
    Rules,
    /// Charts over time.
    Charts,
}

impl Section {
    /// All sections.
    pub const ALL: [Self; 6] =
        [Self::Overview, Self::Packages, Self::Labels, Self::Who, Self::Rules, Self::Charts];

    /// The path of its first page.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Packages => "/packages",
            Self::Labels => "/labels",
            Self::Who => "/who",
            Self::Rules => "/rules",
            Self::Charts => "/charts",
        }
    }

    /// Its name in the navigation.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Packages => "Packages",
            Self::Labels => "Labels",
            Self::Who => "Who gets what",
            Self::Rules => "Rules",
            Self::Charts => "Charts",
        }
    }
}

/// The navigation; `current` is marked.
pub(crate) fn navigation(current: Option<Section>) -> Markup {
    html! {
        nav.sections aria-label="Sections" {
            ul {
                @for section in Section::ALL {
                    li {
                        a href=(section.path()) aria-current=[(current == Some(section)).then_some("page")] {
                            (section.title())
                        }
                    }
                }
            }
        }
    }
}
