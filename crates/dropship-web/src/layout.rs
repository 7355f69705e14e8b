//! The document around the content of every page.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use crate::assets::Asset;
use crate::navigation::{Section, navigation};
use crate::text;

/// What every page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFrame {
    /// Title of the page, without the name of the program.
    pub title: String,
    /// The section that the page belongs to.
    pub section: Option<Section>,
    /// Version of the daemon.
    pub version: String,
    /// Whether submissions go to a sandbox instead of Microsoft.
    pub sandbox: bool,
    /// The node that processes the jobs, while this one stands by for it.
    pub active_node: Option<String>,
    /// When the page was rendered.
    pub now: Timestamp,
}

/// A whole document. `content` begins with its `h1`.
#[must_use]
pub fn document(frame: &PageFrame, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (frame.title) " · dropship" }
                link rel="icon" type="image/svg+xml" href=(Asset::Icon.link());
                link rel="stylesheet" href=(Asset::Style.link());
                script src=(Asset::Live.link()) defer {}
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.site {
                    a.brand href="/" { "dropship" }
                    (navigation(frame.section))
                    @if frame.sandbox {
                        span.sandbox title="Nothing on these pages was sent to Microsoft" { "sandbox" }
                    }
                }
                @if let Some(active) = &frame.active_node {
                    p.standby { "Node " strong { (active) } " processes the jobs. This node stands by, and shows what it knows of them." }
                }
                main #content tabindex="-1" { (content) }
                footer.site {
                    p {
                        "dropship " (frame.version) " · as of " (text::time(frame.now))
                        " · times are UTC · read-only: changes are made with the command line"
                    }
                }
            }
        }
    }
}
