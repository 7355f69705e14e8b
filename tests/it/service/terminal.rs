//! A terminal for commands under test: a pseudo-terminal, and a screen that understands what they print.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use unicode_width::UnicodeWidthChar;

use crate::harness::{TestDaemon, text, wait_for};

/// What a terminal has received, and its screen.
struct Received {
    bytes: Vec<u8>,
    /// The screen since the last change of the size.
    screen: Screen,
    /// Number of bytes that the screen shows. It is kept, because a test that waits reads it many times.
    shown: usize,
}

impl Received {
    /// Shows what has been received, but no incomplete character or sequence.
    fn show(&mut self) -> &Screen {
        let new = &self.bytes[self.shown..];
        let mut end = match std::str::from_utf8(new) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => new.len(),
        };
        let begun = new[..end].iter().rposition(|byte| *byte == 0x1b);
        if let Some(begun) = begun.filter(|begun| !new[*begun..end].iter().any(u8::is_ascii_alphabetic)) {
            end = begun;
        }
        self.screen.print(&text(&new[..end]));
        self.shown += end;
        &self.screen
    }
}

/// A pseudo-terminal.
pub(super) struct Terminal {
    master: File,
    slave: File,
    received: Arc<Mutex<Received>>,
}

impl Terminal {
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        let (master, slave) = (File::from(terminal.master), File::from(terminal.slave));
        let empty = Received { bytes: Vec::new(), screen: Screen::new(0, 0), shown: 0 };
        let received = Arc::new(Mutex::new(empty));
        let (mut reader, seen) = (master.try_clone().expect("a descriptor"), received.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(size @ 1..) = reader.read(&mut buffer) {
                seen.lock().bytes.extend_from_slice(&buffer[..size]);
            }
        });
        let terminal = Self { master, slave, received };
        terminal.resize(columns, rows);
        terminal
    }

    /// Starts a command on the terminal; `has_keys`: the terminal is its standard input, too.
    pub(super) fn start(&self, mut command: Command, has_keys: bool) -> TestDaemon {
        let end = || Stdio::from(self.slave.try_clone().expect("a descriptor"));
        command.stdin(if has_keys { end() } else { Stdio::null() }).stdout(end());
        TestDaemon { child: command.spawn().expect("it starts") }
    }

    pub(super) fn press(&self, keys: &str) {
        (&self.master).write_all(keys.as_bytes()).expect("keys");
    }

    /// Changes the size. A process without a controlling terminal gets no signal of it.
    pub(super) fn resize(&self, columns: u16, rows: u16) {
        let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.slave, size).expect("a size");
        let mut received = self.received.lock();
        received.shown = received.bytes.len();
        received.screen = Screen::new(columns.into(), rows.into());
    }

    /// Whether lines are edited by the terminal, as a shell's user expects.
    pub(super) fn is_cooked(&self) -> bool {
        let modes = rustix::termios::tcgetattr(self.slave.as_fd()).expect("modes");
        modes.local_modes.contains(rustix::termios::LocalModes::ICANON | rustix::termios::LocalModes::ECHO)
    }

    /// Everything that was received, after the processes on the terminal have ended.
    pub(super) fn whole(&self) -> String {
        const END: &str = "the end of the output";
        (&self.slave).write_all(END.as_bytes()).expect("a marker");
        let whole = wait_for("the whole output", || self.raw().strip_suffix(END).map(str::to_owned));
        whole.unwrap_or_else(|| panic!("{:?}", self.raw()))
    }

    /// Everything that was received.
    pub(super) fn raw(&self) -> String {
        text(&self.received.lock().bytes)
    }

    /// The lines of the screen.
    pub(super) fn screen(&self) -> Screen {
        self.received.lock().show().clone()
    }

    /// Waits until the screen meets a condition.
    pub(super) fn wait(&self, what: &str, condition: impl Fn(&Screen) -> bool) -> Screen {
        let found = wait_for(what, || Some(self.screen()).filter(|screen| condition(screen)));
        found.unwrap_or_else(|| panic!("{what}: {}", self.screen().lines.join("\n")))
    }

    /// Waits until the screen has all of these texts.
    pub(super) fn shows(&self, expected: &[&str]) -> Screen {
        self.wait(&format!("{expected:?} on the screen"), |screen| {
            expected.iter().all(|expected| screen.has(expected))
        })
    }
}

/// The screen of a terminal.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    pub(super) lines: Vec<String>,
    columns: usize,
    rows: usize,
    row: usize,
    column: usize,
    /// Number of characters that did not fit their line.
    pub(super) too_wide: usize,
}

impl Screen {
    fn new(columns: usize, rows: usize) -> Self {
        Self { lines: vec![String::new(); rows], columns, rows, row: 0, column: 0, too_wide: 0 }
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }

    /// The line that contains a text.
    pub(super) fn line(&self, text: &str) -> &str {
        self.lines.iter().find(|line| line.contains(text)).map_or("", |line| line)
    }

    /// Interprets text: line breaks, movements of the cursor and erasures. Other sequences are skipped.
    fn print(&mut self, text: &str) {
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\u{1b}' => {
                    if letters.next() != Some('[') {
                        continue;
                    }
                    let mut sequence = String::new();
                    for letter in letters.by_ref() {
                        sequence.push(letter);
                        if letter.is_ascii_alphabetic() {
                            break;
                        }
                    }
                    self.control(&sequence);
                }
                '\n' => self.row += 1,
                '\r' => self.column = 0,
                letter => self.put(letter),
            }
        }
    }

    fn control(&mut self, sequence: &str) {
        // The rest of the sequence has not been received yet.
        let Some(last) = sequence.len().checked_sub(1) else { return };
        let (numbers, command) = sequence.split_at(last);
        match (command, numbers) {
            ("H", _) => {
                let mut parts = numbers.split(';').map(|part| part.parse::<usize>().unwrap_or(1) - 1);
                self.row = parts.next().unwrap_or(0);
                self.column = parts.next().unwrap_or(0);
                if (self.row, self.column) == (0, 0) {
                    // A new frame; the last one may have been drawn for another size.
                    self.too_wide = 0;
                    self.lines.truncate(self.rows);
                }
            }
            ("K", _) => {
                let column = self.column;
                let line = self.current();
                *line = line.chars().take(column).collect();
            }
            ("J", "2") => self.lines.iter_mut().for_each(String::clear),
            _ => {}
        }
    }

    fn put(&mut self, letter: char) {
        let (begin, end) = (self.column, self.column + letter.width().unwrap_or(0));
        self.too_wide += usize::from(end > self.columns);
        let line = self.current();
        let mut letters: Vec<_> = line.chars().collect();
        letters.resize(letters.len().max(end), ' ');
        // The second column of a wide character is empty.
        letters[begin..end].fill('\0');
        letters[begin..end].iter_mut().take(1).for_each(|place| *place = letter);
        *line = letters.into_iter().collect();
        self.column = end;
    }

    fn current(&mut self) -> &mut String {
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, String::new());
        }
        &mut self.lines[self.row]
    }
}
