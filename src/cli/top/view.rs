//! The state of the live view: which job is selected, which one is shown, and the filter.

use std::path::Path;

use super::data::{ViewData, ViewQuery};
use super::frame::{Frame, Style, StyledLine};
use super::header;
use super::keys::ViewCommand;
use crate::cli::output::TerminalSize;
use crate::cli::table::Widths;
use crate::cli::text_width::wrapped;
use crate::cli::{job_table, show};
use crate::wording::Clock;
use dropship_job::JobId;
use dropship_redact::{Escaped, EscapedLines};

/// What the process has to do after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    /// Draw the view.
    Draw,
    /// Draw the view on a cleared screen.
    Redraw,
    /// Request other data, and draw the view.
    Load,
    /// Stop until the shell continues the process.
    Suspend,
    /// End.
    Quit,
}

/// What is on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ViewMode {
    /// The list of jobs.
    List,
    /// The list of jobs, while the filter is typed.
    Filter,
    /// One job; `first` is the number of the first line that is shown.
    Job { id: JobId, first: usize },
}

/// Maximum length of a filter in characters.
const MAX_FILTER: usize = 200;

/// The live view.
#[derive(Debug)]
pub(super) struct View<'a> {
    config: &'a Path,
    limit: usize,
    loaded: Option<ViewData>,
    /// Why the last request failed.
    problem: Option<String>,
    mode: ViewMode,
    filter: String,
    /// The selected job and its place in the list.
    selected: Option<JobId>,
    selected_index: usize,
    /// The first row that is shown, and the number of rows.
    first: usize,
    page_rows: usize,
}

impl<'a> View<'a> {
    /// A view without data.
    pub(super) fn new(config: &'a Path, limit: usize) -> Self {
        Self {
            config,
            limit,
            loaded: None,
            problem: None,
            mode: ViewMode::List,
            filter: String::new(),
            selected: None,
            selected_index: 0,
            first: 0,
            page_rows: 1,
        }
    }

    /// What to request for this view.
    pub(super) fn query(&self) -> ViewQuery {
        let job = match &self.mode {
            ViewMode::Job { id, .. } => Some(id.clone()),
            ViewMode::List | ViewMode::Filter => None,
        };
        ViewQuery { limit: self.limit, filter: self.filter.clone(), job }
    }

    /// Shows new data. The selection stays with its job, or with its place if the job is gone.
    pub(super) fn show(&mut self, loaded: ViewData) {
        let jobs = &loaded.jobs;
        let place = self.selected.as_ref().and_then(|id| jobs.iter().position(|job| job.id == *id));
        self.selected_index = place.unwrap_or(self.selected_index).min(jobs.len().saturating_sub(1));
        self.selected = jobs.get(self.selected_index).map(|job| job.id.clone());
        self.loaded = Some(loaded);
        self.problem = None;
    }

    /// Keeps the old data, and says why there are no new ones.
    pub(super) fn fail(&mut self, problem: String) {
        self.problem = Some(problem);
    }

    /// Reacts to a key.
    pub(super) fn press(&mut self, key: ViewCommand) -> Reaction {
        let key = if self.mode == ViewMode::Filter { key } else { key.as_command() };
        match key {
            ViewCommand::Quit => return Reaction::Quit,
            ViewCommand::Suspend => return Reaction::Suspend,
            ViewCommand::Redraw => return Reaction::Redraw,
            _ => {}
        }
        match &mut self.mode {
            ViewMode::List => self.press_in_list(key),
            ViewMode::Filter => self.press_in_filter(key),
            ViewMode::Job { first, .. } => {
                let page = self.page_rows.max(1);
                match key {
                    ViewCommand::Escape | ViewCommand::Backspace => {
                        self.mode = ViewMode::List;
                        return Reaction::Load;
                    }
                    _ => *first = moved_index(key, *first, page).unwrap_or(*first),
                }
                Reaction::Draw
            }
        }
    }

    fn press_in_list(&mut self, key: ViewCommand) -> Reaction {
        match key {
            ViewCommand::Letter('/') => self.mode = ViewMode::Filter,
            ViewCommand::Enter => {
                let Some(id) = self.selected.clone() else { return Reaction::Draw };
                self.mode = ViewMode::Job { id, first: 0 };
                return Reaction::Load;
            }
            ViewCommand::Escape if !self.filter.is_empty() => {
                self.filter.clear();
                return Reaction::Load;
            }
            _ => self.move_selection(key),
        }
        Reaction::Draw
    }

    fn press_in_filter(&mut self, key: ViewCommand) -> Reaction {
        match key {
            ViewCommand::Enter => {
                self.mode = ViewMode::List;
                return Reaction::Draw;
            }
            ViewCommand::Escape => {
                self.mode = ViewMode::List;
                self.filter.clear();
            }
            ViewCommand::Backspace => {
                self.filter.pop();
            }
            ViewCommand::Clear => self.filter.clear(),
            ViewCommand::Letter(letter) if self.filter.chars().count() < MAX_FILTER => {
                self.filter.push(letter)
            }
            _ => {
                self.move_selection(key);
                return Reaction::Draw;
            }
        }
        Reaction::Load
    }

    fn move_selection(&mut self, key: ViewCommand) {
        let jobs = self.loaded.as_ref().map(|loaded| loaded.jobs.as_slice()).unwrap_or_default();
        let place = moved_index(key, self.selected_index, self.page_rows).unwrap_or(self.selected_index);
        self.selected_index = place.min(jobs.len().saturating_sub(1));
        self.selected = jobs.get(self.selected_index).map(|job| job.id.clone());
    }

    /// The screen.
    pub(super) fn frame(&mut self, size: TerminalSize, clock: &Clock) -> Frame {
        let rows = match self.mode.clone() {
            ViewMode::Job { id, first } => self.job_rows(&id, first, size, clock),
            ViewMode::List | ViewMode::Filter => self.list_rows(size, clock),
        };
        Frame::new(rows, self.footer(size), size)
    }

    fn list_rows(&mut self, size: TerminalSize, clock: &Clock) -> Vec<StyledLine> {
        let Some(loaded) = &self.loaded else {
            return vec![StyledLine::new("waiting for the daemon", Style::Plain)];
        };
        let mut rows = header::rows(&loaded.status, clock, (size.rows / 3).max(2));
        if size.rows >= MIN_ROOMY_ROWS {
            rows.push(StyledLine::default());
        }
        // The head of the table and the footer.
        self.page_rows = size.rows.saturating_sub(rows.len() + 2).max(1);
        self.first =
            self.first.min(self.selected_index).max((self.selected_index + 1).saturating_sub(self.page_rows));
        let columns = size.columns.saturating_sub(MARK.len());
        let cells = job_table::rows(&loaded.jobs, clock);
        let widths = Widths::fit(&job_table::COLUMNS, &cells, columns);
        rows.push(StyledLine::new(
            format!("  {}", widths.line(&job_table::COLUMNS, &job_table::heads(), columns)),
            Style::Bold,
        ));
        if loaded.jobs.is_empty() {
            let none = if self.filter.is_empty() { "  no jobs" } else { "  no job contains this text" };
            rows.push(StyledLine::new(none, Style::Plain));
        }
        let shown = loaded.jobs.iter().zip(&cells).enumerate().skip(self.first).take(self.page_rows);
        rows.extend(shown.map(|(place, (job, cells))| {
            if place == self.selected_index {
                let line = widths.cells(&job_table::COLUMNS, cells).join("  ");
                return StyledLine::new(format!("{MARK}{line}"), Style::Selected);
            }
            let state = widths.shown_index(job_table::STATE);
            let mut pieces = vec![(" ".repeat(MARK.len()), Style::Plain)];
            for (index, cell) in widths.cells(&job_table::COLUMNS, cells).into_iter().enumerate() {
                if index > 0 {
                    pieces.push(("  ".to_owned(), Style::Plain));
                }
                pieces.push((cell, if Some(index) == state { Style::of(job.state) } else { Style::Plain }));
            }
            StyledLine(pieces)
        }));
        rows
    }

    fn job_rows(&mut self, id: &JobId, first: usize, size: TerminalSize, clock: &Clock) -> Vec<StyledLine> {
        self.page_rows = size.rows.saturating_sub(1).max(1);
        let page =
            show::PageOptions { config: self.config, clock, columns: Some(size.columns), with_events: false };
        let text = match self.loaded.as_ref().and_then(|loaded| loaded.job.as_ref()) {
            Some(Ok(job)) if job.id == *id => show::text(job, &page),
            Some(Err(error)) => format!("cannot show job {id}: {}", error.message),
            Some(Ok(_)) | None => format!("job {id}"),
        };
        let text = EscapedLines(&dropship_redact::mask(&text)).to_string();
        // A command to paste is not wrapped before.
        let lines: Vec<_> = text.lines().flat_map(|line| wrapped(line, size.columns, 0)).collect();
        let first = first.min(lines.len().saturating_sub(self.page_rows));
        // Further keys begin at the last line that can be reached.
        self.mode = ViewMode::Job { id: id.clone(), first };
        lines.iter().skip(first).map(|line| StyledLine::new(line, Style::Plain)).collect()
    }

    fn footer(&self, size: TerminalSize) -> StyledLine {
        let problem =
            self.problem.as_ref().map(|problem| StyledLine::new(Escaped(problem).to_string(), Style::Bad));
        let keys = |keys: &[&str]| keys.join(if size.columns < MIN_WIDE_COLUMNS { " " } else { "   " });
        let place = || {
            let loaded = self.loaded.as_ref();
            let jobs = loaded.map_or(0, |loaded| loaded.jobs.len());
            let more = if loaded.is_some_and(|loaded| loaded.has_more) { "+" } else { "" };
            format!("{}/{jobs}{more}", (self.selected_index + 1).min(jobs))
        };
        let filter = Escaped(&self.filter);
        match &self.mode {
            ViewMode::Filter => {
                StyledLine::new(format!("filter: {filter}_   Enter keeps it, Esc removes it"), Style::Bold)
            }
            _ if problem.is_some() => problem.unwrap_or_default(),
            ViewMode::List if self.filter.is_empty() => StyledLine::new(
                keys(&[&*place(), "q quit", "j/k move", "Enter show", "/ filter"]),
                Style::Bold,
            ),
            ViewMode::List => {
                let filter = format!("filter: {filter}");
                StyledLine::new(
                    keys(&[&*place(), &*filter, "Esc removes it", "q quit", "Enter show"]),
                    Style::Bold,
                )
            }
            ViewMode::Job { .. } => StyledLine::new(keys(&["Esc back", "j/k scroll", "q quit"]), Style::Bold),
        }
    }
}

/// Marks the selected row. Without colours, only this mark shows the selection.
const MARK: &str = "> ";

/// Number of rows from which on there is an empty line above the table.
const MIN_ROOMY_ROWS: usize = 16;

/// Number of columns below which the footer is close together.
const MIN_WIDE_COLUMNS: usize = 60;

/// The place after a key that moves; `None` for other keys.
fn moved_index(key: ViewCommand, place: usize, page: usize) -> Option<usize> {
    Some(match key {
        ViewCommand::Up => place.saturating_sub(1),
        ViewCommand::Down => place.saturating_add(1),
        ViewCommand::PageUp => place.saturating_sub(page),
        ViewCommand::PageDown => place.saturating_add(page),
        ViewCommand::First => 0,
        ViewCommand::Last => usize::MAX / 2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dropship_job::testing::JobBuilder;

    use super::*;
    use crate::control::Status;
    use dropship_engine::outbox::Receipt;

    const SIZE: TerminalSize = TerminalSize { columns: 80, rows: 12 };

    fn loaded(numbers: &[u32]) -> ViewData {
        let job = |number: &u32| Receipt::of(&JobBuilder::new("a", *number).build().expect("a job"), false);
        let status = Status {
            version: "0.1.0".to_owned(),
            running: true,
            since: None,
            node: None,
            stands_by_for: None,
            nodes: Vec::new(),
            endpoint: "http://127.0.0.1:1/".to_owned(),
            sandbox: true,
            jobs: BTreeMap::new(),
            paused: Vec::new(),
            accounts: Vec::new(),
            not_withdrawn: Vec::new(),
            folders: Vec::new(),
            trouble: Vec::new(),
            restart: Vec::new(),
        };
        ViewData { status, jobs: numbers.iter().map(job).collect(), has_more: false, job: None }
    }

    fn clock() -> Clock {
        Clock::new(true)
    }

    fn selected(view: &mut View<'_>) -> (String, usize) {
        let frame = view.frame(SIZE, &clock());
        let text = |row: &StyledLine| row.0.iter().map(|(text, _)| text.as_str()).collect::<String>();
        let lines: Vec<_> = frame.0.iter().map(text).collect();
        assert_eq!(lines.len(), SIZE.rows);
        let place = lines.iter().position(|line| line.starts_with(MARK)).expect("a selected line");
        (lines[place].trim_start_matches(MARK).chars().take(14).collect(), place)
    }

    #[test]
    fn selection_stays_with_its_job_and_is_always_visible() {
        let mut view = View::new(Path::new("dropship.toml"), 200);
        let numbers: Vec<u32> = (0..50).collect();
        view.show(loaded(&numbers));
        let (first, _) = selected(&mut view);
        assert_eq!(view.press(ViewCommand::Letter('G')), Reaction::Draw);
        let (last, place) = selected(&mut view);
        assert_eq!(place, SIZE.rows - 2, "the last row above the footer");
        // Its job moves up, then disappears.
        view.show(loaded(&[7, 49, 3]));
        assert_eq!(selected(&mut view).0, last);
        view.show(loaded(&[7, 3, 0]));
        assert_ne!(selected(&mut view).0, last);
        for _ in 0..5 {
            view.press(ViewCommand::Down);
        }
        assert_eq!(selected(&mut view).0, first);
        for _ in 0..5 {
            view.press(ViewCommand::PageUp);
        }
        assert_ne!(selected(&mut view).0, first);
        view.show(loaded(&[]));
        assert_eq!(
            (view.press(ViewCommand::Enter), view.press(ViewCommand::Down)),
            (Reaction::Draw, Reaction::Draw)
        );
    }

    #[test]
    fn letters_are_commands_only_outside_of_the_filter() {
        let mut view = View::new(Path::new("dropship.toml"), 200);
        view.show(loaded(&[1, 2]));
        assert_eq!(view.press(ViewCommand::Letter('/')), Reaction::Draw);
        for letter in "quj".chars() {
            assert_eq!(view.press(ViewCommand::Letter(letter)), Reaction::Load);
        }
        assert_eq!(view.query().filter, "quj");
        view.press(ViewCommand::Backspace);
        assert_eq!((view.press(ViewCommand::Enter), view.query().filter.as_str()), (Reaction::Draw, "qu"));
        assert_eq!((view.press(ViewCommand::Escape), view.query().filter.as_str()), (Reaction::Load, ""));
        assert_eq!((view.press(ViewCommand::Enter), view.query().job.is_some()), (Reaction::Load, true));
        assert_eq!((view.press(ViewCommand::Escape), view.query().job), (Reaction::Load, None));
        assert_eq!(view.press(ViewCommand::Letter('q')), Reaction::Quit);
    }
}
