//! The static files.

/// A static file of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asset {
    /// The stylesheet.
    Style,
    /// The script that keeps a region up to date.
    Live,
    /// The icon of the site.
    Icon,
}

const STYLE: &str = concat!(include_str!("assets/style.css"), "\n", include_str!("picture/picture.css"));
const LIVE: &str = include_str!("assets/live.js");
const ICON: &str = include_str!("assets/icon.svg");

impl Asset {
    /// All files.
    pub const ALL: [Self; 3] = [Self::Style, Self::Live, Self::Icon];

    /// Its path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Style => "/style.css",
            Self::Live => "/live.js",
            Self::Icon => "/icon.svg",
        }
    }

    /// Its path with its version: a new version has another address, so that a browser can keep the old one for good.
    #[must_use]
    pub fn link(self) -> String {
        format!("{}?v={:016x}", self.path(), self.version())
    }

    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Style => "text/css; charset=utf-8",
            Self::Live => "text/javascript; charset=utf-8",
            Self::Icon => "image/svg+xml",
        }
    }

    /// Its text.
    #[must_use]
    pub const fn body(self) -> &'static str {
        match self {
            Self::Style => STYLE,
            Self::Live => LIVE,
            Self::Icon => ICON,
        }
    }

    /// Digest of its text (FNV-1a), which changes with the text.
    #[must_use]
    pub const fn version(self) -> u64 {
        let bytes = self.body().as_bytes();
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        let mut at = 0;
        while at < bytes.len() {
            digest = (digest ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        digest
    }
}
