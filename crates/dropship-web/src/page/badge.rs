//! The state of a thing, as a shape and a word.

use maud::{Markup, html};

/// The meaning of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Ended well.
    Ok,
    /// Something works on it.
    Run,
    /// Continues later, automatically.
    #[default]
    Wait,
    /// Needs a decision.
    Hold,
    /// Failed or refused.
    Bad,
    /// Ended without effect.
    Off,
}

impl Tone {
    /// The class of the stylesheet.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Run => "run",
            Self::Wait => "wait",
            Self::Hold => "hold",
            Self::Bad => "bad",
            Self::Off => "off",
        }
    }
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Badge {
    /// Its meaning.
    pub tone: Tone,
    /// Its word.
    pub word: String,
}

impl Badge {
    /// A state with this word.
    #[must_use]
    pub fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, word: word.into() }
    }

    /// The state as HTML.
    #[must_use]
    pub fn render(&self) -> Markup {
        html! { span.badge.(self.tone.class()) { (self.word) } }
    }
}
