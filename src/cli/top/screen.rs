//! The terminal while the live view is on it. It is restored when the view ends, also after an error or a panic.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::{Attribute, Color, Print, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};

use super::frame::{Frame, Style};
use crate::cli::output::Output;

/// The terminal in the mode of the view.
pub(super) struct Screen {
    /// Whether the terminal is in the mode of the view. The hook for panics has it too.
    is_entered: Arc<AtomicBool>,
    has_colours: bool,
}

impl Screen {
    /// Whether standard output is a terminal that can move its cursor.
    pub(super) fn is_possible(output: &Output) -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
        output.is_terminal() && !is_dumb
    }

    /// Prepares for the view; the terminal stays as it is until [`Self::enter`].
    pub(super) fn new() -> Self {
        let is_entered = Arc::new(AtomicBool::new(false));
        let (entered, report) = (is_entered.clone(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            // The message must not go to the screen that disappears.
            drop(restore(&entered));
            report(panic);
        }));
        let has_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { is_entered, has_colours }
    }

    /// Switches the terminal to the mode of the view. Returns whether keys can be read: without a terminal as standard input, and
    /// without a controlling terminal, there are none.
    pub(super) fn enter(&self) -> io::Result<bool> {
        self.is_entered.store(true, Ordering::SeqCst);
        let has_keys = enable_raw_mode().is_ok();
        execute!(io::stdout(), EnterAlternateScreen, Hide, DisableLineWrap, Clear(ClearType::All))?;
        Ok(has_keys)
    }

    /// Switches the terminal back.
    pub(super) fn leave(&self) -> io::Result<()> {
        restore(&self.is_entered)
    }

    /// Draws a frame, unless the terminal is in its own mode; `clear`: the terminal may show something else.
    pub(super) fn draw(&self, frame: &Frame, clear: bool) -> io::Result<()> {
        if !self.is_entered.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut buffer = Vec::new();
        queue!(buffer, BeginSynchronizedUpdate)?;
        if clear {
            queue!(buffer, Clear(ClearType::All))?;
        }
        for (number, row) in (0..).zip(&frame.0) {
            // Erasing after the text could erase its last character, when the cursor stays on it at the right border.
            queue!(buffer, MoveTo(0, number), Clear(ClearType::UntilNewLine))?;
            for (text, style) in &row.0 {
                self.queue_style(&mut buffer, *style)?;
                queue!(buffer, Print(text), SetAttribute(Attribute::Reset))?;
            }
        }
        queue!(buffer, EndSynchronizedUpdate)?;
        let mut stdout = io::stdout().lock();
        stdout.write_all(&buffer)?;
        stdout.flush()
    }

    fn queue_style(&self, buffer: &mut Vec<u8>, style: Style) -> io::Result<()> {
        let mut colour = |colour| match self.has_colours {
            true => queue!(buffer, SetForegroundColor(colour)),
            false => Ok(()),
        };
        match style {
            Style::Plain => Ok(()),
            Style::Good => colour(Color::DarkGreen),
            Style::Warning => colour(Color::DarkYellow),
            Style::Bad => colour(Color::DarkRed),
            Style::Bold => queue!(buffer, SetAttribute(Attribute::Bold)),
            Style::Selected => queue!(buffer, SetAttribute(Attribute::Reverse)),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

fn restore(is_entered: &AtomicBool) -> io::Result<()> {
    if !is_entered.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let shown = execute!(io::stdout(), ResetColor, EnableLineWrap, Show, LeaveAlternateScreen);
    disable_raw_mode().and(shown)
}
