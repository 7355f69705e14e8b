//! One screen of text: lines of pieces with different styles. A style only repeats what the text says.

use dropship_job::StateKind;

use crate::cli::output::TerminalSize;
use crate::cli::text_width::{display_width, shortened};

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// Headings.
    Bold,
    /// The selected line.
    Selected,
    /// Finished well.
    Good,
    /// Needs an operator.
    Warning,
    /// Went wrong.
    Bad,
}

impl Style {
    /// The style of a state.
    pub(super) fn of(state: StateKind) -> Self {
        match state {
            StateKind::Succeeded => Self::Good,
            StateKind::Held => Self::Warning,
            StateKind::Failed | StateKind::Rejected => Self::Bad,
            StateKind::Queued | StateKind::Running | StateKind::Waiting | StateKind::Cancelled => Self::Plain,
        }
    }
}

/// A line of pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StyledLine(pub(super) Vec<(String, Style)>);

impl StyledLine {
    /// A line with one style.
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        Self(vec![(text.into(), style)])
    }

    /// The line in at most `columns`.
    fn shortened(self, columns: usize) -> Self {
        let mut remaining = columns;
        let mut pieces = Vec::new();
        for (text, style) in self.0 {
            let text = shortened(&text, remaining);
            remaining -= display_width(&text).min(remaining);
            if !text.is_empty() {
                pieces.push((text, style));
            }
        }
        Self(pieces)
    }
}

/// The lines of a screen, each at most as wide as the terminal, and at most as many as it has.
#[derive(Debug, Default)]
pub(super) struct Frame(pub(super) Vec<StyledLine>);

impl Frame {
    /// A frame that fits a terminal. The last line is the footer: lines before it are cut if there is too little room.
    pub(super) fn new(mut rows: Vec<StyledLine>, footer: StyledLine, size: TerminalSize) -> Self {
        rows.resize(size.rows.saturating_sub(1), StyledLine::default());
        rows.push(footer);
        Self(rows.into_iter().map(|row| row.shortened(size.columns)).collect())
    }
}
