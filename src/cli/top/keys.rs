//! The keys of the live view.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ViewCommand {
    /// End the view.
    Quit,
    /// Stop the process until the shell continues it.
    Suspend,
    /// Draw everything again.
    Redraw,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Enter,
    Escape,
    Backspace,
    /// Delete the text.
    Clear,
    /// A character.
    Letter(char),
}

impl ViewCommand {
    /// The meaning of a key; `None` for one without.
    pub(super) fn of(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let with = |modifier| event.modifiers.contains(modifier);
        Some(match event.code {
            KeyCode::Char('c' | 'd') if with(KeyModifiers::CONTROL) => Self::Quit,
            KeyCode::Char('z') if with(KeyModifiers::CONTROL) => Self::Suspend,
            KeyCode::Char('l') if with(KeyModifiers::CONTROL) => Self::Redraw,
            KeyCode::Char('u') if with(KeyModifiers::CONTROL) => Self::Clear,
            KeyCode::Char('h') if with(KeyModifiers::CONTROL) => Self::Backspace,
            KeyCode::Char(_) if with(KeyModifiers::CONTROL) || with(KeyModifiers::ALT) => return None,
            KeyCode::Char(letter) => Self::Letter(letter),
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown => Self::PageDown,
            KeyCode::Home => Self::First,
            KeyCode::End => Self::Last,
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Escape,
            KeyCode::Backspace => Self::Backspace,
            _ => return None,
        })
    }

    /// The key outside of a text that is being typed, where letters have a meaning.
    pub(super) fn as_command(self) -> Self {
        match self {
            Self::Letter('q') => Self::Quit,
            Self::Letter('k') => Self::Up,
            Self::Letter('j') => Self::Down,
            Self::Letter('g') => Self::First,
            Self::Letter('G') => Self::Last,
            Self::Letter(' ') => Self::PageDown,
            other => other,
        }
    }
}
